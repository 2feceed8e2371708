import { z } from "zod";
import type { Description, JsonShape } from "../store/ports/description.js";

const count = z.int().min(0).optional();

/** What a content is, in a few facts. */
export const briefDescription = z.object({
  format: z.string(),
  compression: z.literal("gzip").optional().meta({ description: "The format is of the bytes inside." }),
  encoding: z.string().optional().meta({ description: "Of text, if it is not utf-8." }),
  lines: count,
  json: z.string().optional().meta({ description: 'What the value is, like "array of 5 of object".' }),
  rows: count,
  columns: count,
  width: count.meta({ description: "In pixels." }),
  height: count,
  entries: count.meta({ description: "Of an archive." }),
  tensors: count,
  parameters: count,
  partial: z.literal(true).optional().meta({ description: "Not all was looked at: lines and rows may be more." }),
});

export type BriefDescription = z.infer<typeof briefDescription>;

/** The facts of a description that fit into one line. Lines are told of text that is no table. */
export function briefOf(description: Description): BriefDescription {
  const { format, compression, partial, text, json, table, image, archive, tensors } = description;
  return {
    format,
    ...(compression === undefined ? {} : { compression }),
    ...(text === undefined || text.encoding === "utf-8" ? {} : { encoding: text.encoding }),
    ...(text === undefined || table !== undefined ? {} : { lines: text.lines }),
    ...(json === undefined || table !== undefined ? {} : { json: shapeText(json) }),
    ...(table === undefined ? {} : { rows: table.rows, columns: table.columns }),
    ...(image === undefined ? {} : { width: image.width, height: image.height }),
    ...(archive === undefined ? {} : { entries: archive.entries }),
    ...(tensors === undefined ? {} : { tensors: tensors.tensors, parameters: tensors.parameters }),
    ...(partial === undefined ? {} : { partial: true }),
  };
}

function shapeText({ type, size, items }: JsonShape): string {
  const inside = items === undefined ? "" : ` of ${items.type}`;
  return `${size === undefined ? type : `${type} of ${size}`}${inside}`;
}
