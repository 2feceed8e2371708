import { mimeTypeOf } from "../../store/model/formats/media-type.js";

const formatsByType: Readonly<Record<string, string>> = {
  "text/csv": "csv",
  "text/tab-separated-values": "tsv",
  "application/x-ndjson": "jsonl",
  "application/jsonl": "jsonl",
  "application/jsonlines": "jsonl",
  "application/json": "json",
  "image/svg+xml": "svg",
  "application/vnd.apache.arrow.file": "arrow",
  "application/vnd.apache.arrow.stream": "arrow",
};

/** The format that the extension of the key says, or else the media type. Undefined if they say none that matters here. */
export function namedFormatOf(key: string, mimeType: string): string | undefined {
  return formatOfType(mimeTypeOf(key, "")) ?? formatOfType(mimeType);
}

function formatOfType(mimeType: string): string | undefined {
  const essence = (mimeType.split(";")[0] ?? "").trim().toLowerCase();
  return formatsByType[essence] ?? (essence.endsWith("+json") ? "json" : undefined);
}
