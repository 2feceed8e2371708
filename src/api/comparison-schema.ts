import { z } from "zod";
import { partial } from "./description-schema.js";

/*
 * Schema of how two contents differ: `Comparison` of the ports, whose docstrings are the contract.
 */

const count = z.int().min(0);
const lineEnds = z.enum(["lf", "crlf"]);

const text = z.object({
  lines_added: count,
  lines_removed: count,
  hunks: count.meta({ description: "Groups of changed lines." }),
  diff: z.string().meta({ description: "A unified diff." }),
  cut: z.boolean().meta({ description: "The diff does not show all hunks." }),
  encodings: z
    .tuple([z.string(), z.string()])
    .optional()
    .meta({ description: "How both are stored, if this differs. Their characters are compared." }),
  line_ends: z
    .tuple([lineEnds, lineEnds])
    .optional()
    .meta({ description: "The line ends of both, if all differ. They are not compared then." }),
});

const byKey = z.object({
  column: z.string(),
  rows_added: count,
  rows_removed: count,
  rows_changed: count,
  repeated_keys: count.meta({ description: "Rows whose key was there before in the same table." }),
  empty_keys: count,
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
