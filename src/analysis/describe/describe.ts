import type { Description } from "../../store/ports/description.js";
import { type Detected, detectFormat } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import { fitDescription } from "./fit-description.js";

/** What one format tells, beside its name. */
type Facts = Omit<Partial<Description>, "format" | "mime_type" | "compression">;

/**
 * What the content is. Content that is damaged, or not all looked at, has what was found and a `partial` that says so.
 *
 * @param brief to tell only what is known without reading all of the content
 * @throws the errors of the source
 */
export async function describe(source: Source, run: Run, brief = false): Promise<Description> {
  const detected = await detectFormat(source);
  const { format, mimeType, compression, isText } = detected;
  const named = { format, ...(mimeType && { mime_type: mimeType }), ...(compression && { compression }) };
  const report = (facts: unknown) => run.report({ ...named, ...(facts as Facts) });
  report({});
  if (brief && compression !== undefined && isText && !isTable(format)) return named; // its text has no header
  const bounded = { isOver: () => run.isOver(), report };
  return fitDescription({ ...named, ...(await factsOf(source, detected, bounded, brief)) });
}

const isTable = (format: string): boolean => format === "csv" || format === "tsv" || format === "jsonl";

/** The code of each kind is loaded when it is needed first. */
async function factsOf(source: Source, detected: Detected, run: Run, brief: boolean): Promise<Facts> {
  const { format, isText } = detected;
  switch (format) {
    case "csv":
    case "tsv":
    case "jsonl":
    case "parquet":
    case "arrow":
      return (await import("./describe-content-table.js")).describeContentTable(source, detected, run, brief);
    case "png":
    case "apng":
    case "jpg":
    case "gif":
    case "webp":
    case "bmp":
    case "tif":
      return (await import("./pictures/describe-picture.js")).describePicture(source, format);
    case "json":
      return (await import("./describe-json.js")).describeJson(source, detected, run);
    case "svg":
      return (await import("./pictures/describe-svg.js")).describeSvg(source, detected, run);
    case "tar":
      return (await import("./archives/describe-tar.js")).describeTar(source, detected, run);
    case "gzip":
      return (await import("./describe-gzip.js")).describeGzip(source, run);
    case "safetensors":
      return (await import("./tensors/describe-safetensors.js")).describeSafetensors(source, run);
    case "gguf":
      return (await import("./tensors/describe-gguf.js")).describeGguf(source, run);
    case "empty":
      return {};
    case "unknown":
      return (await import("./describe-unknown.js")).describeUnknown(source);
    default:
      return isText
        ? (await import("./describe-text.js")).describeText(source, detected, run)
        : describeOther(source, run);
  }
}

/** Documents of offices, and some programs, are zip archives inside. */
async function describeOther(source: Source, run: Run): Promise<Facts> {
  const start = Buffer.from(await source.read(0, Math.min(4, source.bytes))).toString("latin1");
  if (start !== "PK\x03\x04" && start !== "PK\x05\x06") return {};
  return (await import("./archives/describe-zip.js")).describeZip(source, run);
}
