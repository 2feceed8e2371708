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
  rows_added: count,
  rows_removed: count,
  rows_changed: count,
  repeated_keys: count.meta({ description: "Rows whose key was in their table before. They are matched in order." }),
  empty_keys: count.meta({ description: "Rows with an empty key." }),
  changes: z.string().meta({ description: "A line for each of the first changes: + added, - removed, ~ changed." }),
  cut: z.boolean().meta({ description: "The lines do not show all changes." }),
});

const table = z.object({
  columns_added: z.array(z.string()),
  columns_removed: z.array(z.string()),
  rows_before: count,
  rows_after: count,
  by: byKey.optional().meta({ description: "Rows compared by a column." }),
});

const bytes = z.object({
  before: count,
  after: count,
  first_difference: count.meta({ description: "Offset of the first byte that differs." }),
});

export const comparison = z.object({
  kind: z.enum(["identical", "text", "table", "bytes"]),
  text: text.optional(),
  table: table.optional(),
  bytes: bytes.optional(),
  partial: partial.optional(),
});
