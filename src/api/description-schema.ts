import { z } from "zod";

/*
 * Schema of what a content is: `Description` of the ports, whose docstrings are the contract.
 */

const count = z.int().min(0);
const numberOrText = z.union([z.number(), z.string()]);

/** Why an analysis does not cover all content. */
export const partial = z
  .object({
    reason: z.enum(["time", "memory", "damaged", "size", "unsupported"]),
    message: z.string().meta({ description: "What was looked at, and where it ended." }),
  })
  .meta({ description: "Present if not all content was looked at." });

const text = z.object({
  encoding: z.enum(["utf-8", "utf-16le", "utf-16be", "latin-1"]),
  bom: z.boolean(),
  line_ends: z.enum(["lf", "crlf", "cr", "mixed", "none"]),
  lines: count.meta({ description: "A last line without a line end counts." }),
  longest_line: z.object({ line: count, bytes: count }).meta({ description: "Without its line end." }),
});

const jsonValue = z.object({
  type: z.enum(["object", "array", "string", "number", "boolean", "null", "mixed"]),
  nullable: z.literal(true).optional(),
  size: count.optional().meta({ description: "Number of members or items." }),
});

/** A value with what is in it. The levels are written out, because hosts take no schema that refers to itself. */
const withParts = (part: typeof jsonValue) =>
  jsonValue.extend({
    members: z.record(z.string(), part).optional().meta({ description: "Of an object: the first 50." }),
    items: part.optional().meta({ description: "Of an array: what its items have in common." }),
  });

/** The shape of a JSON value. A list of objects in a member takes the most levels. */
const json = withParts(withParts(withParts(jsonValue)));

const columnType = z.enum([
  "integer",
  "number",
  "boolean",
  "time",
  "text",
  "list",
  "object",
  "bytes",
  "mixed",
  "empty",
]);

const column = z.object({
  name: z.string(),
  type: columnType.meta({ description: "Of the values that are not empty." }),
  empties: count.meta({ description: "Values that are absent, null or an empty text." }),
  least: numberOrText.optional().meta({ description: "A number, a time in ISO 8601, or the beginning of a text." }),
  greatest: numberOrText.optional(),
  distinct: count.optional().meta({ description: "Different values; a lower bound unless distinct_exact is true." }),
  distinct_exact: z.literal(true).optional(),
  values: z
    .array(z.object({ value: z.string(), count }))
    .optional()
    .meta({ description: "The most frequent values, at most 20." }),
  histogram: z
    .object({ from: z.number(), to: z.number(), counts: z.array(count) })
    .optional()
    .meta({ description: "20 bins of one width; of times from and to are milliseconds since 1970." }),
});

const table = z.object({
  rows: count.meta({ description: "Without the header. A lower bound if partial, unless rows_exact is true." }),
  rows_exact: z.literal(true).optional(),
  columns: count.meta({ description: "Number of columns." }),
  more_columns: z.literal(true).optional().meta({ description: "More than could be counted." }),
  delimiter: z.string().optional().meta({ description: "Of CSV: the character between cells." }),
  header: z.boolean().optional().meta({ description: "Of CSV: false if the first row is data." }),
  skipped_lines: count.optional().meta({ description: "Of CSV: lines before the first row that were left out." }),
  column_details: z.array(column).meta({ description: "The first 200 columns, in their order." }),
});

const archive = z.object({
  entries: count,
  unpacked_bytes: count.meta({ description: "Bytes of all entries after unpacking, as the archive says." }),
  list: z.array(z.object({ name: z.string(), bytes: count })).meta({ description: "The first 100 entries." }),
});

const tensors = z.object({
  tensors: count,
  parameters: count.meta({ description: "Number of values in all tensors." }),
  list: z
    .array(z.object({ name: z.string(), type: z.string(), shape: z.array(count) }))
    .meta({ description: "The first 100 tensors." }),
  metadata: z.record(z.string(), z.string()).meta({ description: "The first 50 entries of the file's metadata." }),
});

/** What a content is, by its bytes and by its name. */
export const description = z.object({
  format: z.string().meta({
    description:
      "csv, tsv, jsonl, json, text, parquet, arrow, zip, tar, gzip, safetensors, gguf, empty, unknown, or the extension of another format.",
  }),
  mime_type: z.string().optional().meta({ description: "The media type of the format." }),
  compression: z.literal("gzip").optional().meta({ description: "The format is of the bytes inside." }),
  partial: partial.optional(),
  text: text.optional(),
  json: json.optional(),
  table: table.optional(),
  image: z.object({ width: count, height: count }).optional().meta({ description: "In pixels." }),
  archive: archive.optional(),
  tensors: tensors.optional(),
  unknown: z
    .object({ first_bytes: z.string(), entropy: z.number() })
    .optional()
    .meta({ description: "The first 32 bytes in hex, and the entropy in bits per byte." }),
});
