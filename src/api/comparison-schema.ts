import { z } from "zod";
import { partial } from "./description-schema.js";

/*
 * Schema of how two contents differ: `Comparison` of the ports, whose docstrings are the contract.
 */

const count = z.int().min(0);

/** No tuple: hosts that check by an older draft of JSON Schema refuse all that its schema takes. */
const pair = <Item extends z.ZodType>(item: Item) => z.array(item).length(2);

const text = z.object({
  lines_added: count,
  lines_removed: count,
  hunks: count.meta({ description: "Groups of changed lines." }),
  diff: z.string().meta({ description: "A unified diff." }),
  cut: z.boolean().meta({ description: "The diff does not show all hunks." }),
  encodings: pair(z.string())
    .optional()
    .meta({ description: "How both are stored, if this differs. Characters are compared." }),
  line_ends: pair(z.enum(["lf", "crlf"]))
    .optional()
    .meta({
      description: "The line ends of both, if all of the one differ from all of the other. They are not compared.",
    }),
});

const byKey = z.object({
  column: z.string(),
  at_least: z
    .literal(true)
    .optional()
    .meta({ description: "A limit ended the comparison: there may be more changes." }),
  rows_added: count,
  rows_removed: count,
  rows_changed: count,
  repeated_keys: count.meta({ description: "Rows whose key was in their table before. They are matched in order." }),
  repeated_at_least: z.literal(true).optional().meta({ description: "More rows may repeat a key." }),
  empty_keys: count.meta({ description: "Rows with an empty key." }),
  changes: z.string().meta({ description: "A line for each of the first changes: + added, - removed, ~ changed." }),
  cut: z.boolean().meta({ description: "The lines do not show all changes." }),
});

const table = z.object({
  columns_added: z.array(z.string()),
  columns_removed: z.array(z.string()),
  rows_before: count,
  rows_after: count,
  likely_key: z.string().optional().meta({ description: "A column that may name the rows." }),
  by: byKey.optional().meta({ description: "Rows compared by a column." }),
});

const bytes = z.object({
  before: count,
  after: count,
  first_difference: count.meta({ description: "Offset of the first byte that differs." }),
});

export const comparison = z.object({
  kind: z.enum(["identical", "text", "table", "bytes"]),
  partial: partial.optional(),
  same: z
    .enum(["text", "lines", "rows"])
    .optional()
    .meta({ description: "The bytes differ, but the text, the lines but for their order, or the rows are the same." }),
  differs: z
    .array(z.enum(["format", "compression", "encoding", "line_ends", "column_order", "order"]))
    .optional()
    .meta({ description: "With same: what differs. If empty, only how it is written." }),
  text: text.optional(),
  table: table.optional(),
  bytes: bytes.optional(),
});
