import { decoderOf, type Encoding } from "../../store/model/formats/text-encoding.js";
import type { Description } from "../../store/ports/description.js";
import type { Detected } from "../formats/detect-format.js";
import { JsonScanner } from "../formats/json/json-scanner.js";
import type { Run, Source } from "../source.js";
import { damaged } from "./damage.js";
import { describeContentTable } from "./describe-content-table.js";
import { scanBytes } from "./scan-bytes.js";
import { ShapeBuilder } from "./shape-builder.js";
import { TextScanner } from "./text-scanner.js";

/**
 * The shape of JSON, facts about its text, and of an array of objects also the columns of a table. After damage in the JSON
 * only the text is read on.
 */
export async function describeJson(
  source: Source,
  detected: Detected,
  run: Run,
): Promise<Pick<Description, "text" | "json" | "table" | "partial">> {
  const found = await scanJson(source, detected, run);
  run.report(found);
  if (run.isOver()) return found;
  const rows: Run = { isOver: () => run.isOver(), report: (known) => run.report({ ...found, ...(known as object) }) };
  const { table, partial } = await describeContentTable(source, { ...detected, isText: false }, rows);
  const both = [found.partial, partial].filter((reason) => reason !== undefined);
  const [first] = both;
  if (first === undefined) return { ...found, ...(table && { table }) };
  const message = both.map((reason) => reason.message).join(" ");
  return { ...found, ...(table && { table }), partial: { ...first, message } };
}

async function scanJson(
  source: Source,
  detected: Detected,
  run: Run,
): Promise<Pick<Description, "text" | "json" | "partial">> {
  const { encoding = "utf-8", bom = false } = detected;
  const text = new TextScanner({ encoding, bom });
  const builder = new ShapeBuilder();
  const markBytes = bom && encoding === "utf-8" ? 3 : 0;
  const json = new JsonScanner(builder, markBytes);
  const convert = toUtf8(encoding, markBytes);
  const ended = await scanBytes(source, detected, run, (block) => {
    text.write(block);
    if (json.damage === undefined) json.write(convert(block));
    return true;
  });
  if (ended === undefined) json.end();
  const partial = ended ?? (json.damage === undefined ? undefined : damaged(json.damage));
  const shape = builder.shape();
  return { text: text.facts(), ...(shape && { json: shape }), ...(partial && { partial }) };
}

function toUtf8(encoding: Encoding, markBytes: number): (block: Uint8Array) => Uint8Array {
  if (encoding === "utf-8") {
    let skip = markBytes;
    return (block) => {
      const rest = block.subarray(skip);
      skip -= block.length - rest.length;
      return rest;
    };
  }
  const decode = decoderOf(encoding);
  return (block) => Buffer.from(decode(block));
}
