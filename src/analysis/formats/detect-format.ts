import { isTextType, mimeTypeOf } from "../../store/model/formats/media-type.js";
import { decoderOf, type Encoding, encodingOf } from "../../store/model/formats/text-encoding.js";
import type { Source } from "../source.js";
import { BrokenContentError, plainBytes } from "./byte-stream.js";
import { looksLikeJson, looksLikeJsonLines } from "./json/json-beginning.js";
import { namedFormatOf } from "./named-format.js";
import {
  arrowSignatureOf,
  isGzip,
  isSafetensors,
  libraryFormatOf,
  ownSignatureOf,
  type Signature,
} from "./signatures.js";

/** What a content is. */
export interface Detected {
  /** As in `Description.format`. */
  readonly format: string;
  readonly mimeType?: string;
  /** The other members are of the bytes that come out of this compression. */
  readonly compression?: "gzip";
  readonly isText: boolean;
  /** Of text. */
  readonly encoding?: Encoding;
  readonly bom?: boolean;
}

/** What is looked at. */
const headBytes = 64 * 1024;

/**
 * What the content is: by its signature, then by its name, then by its first 64 KiB.
 *
 * @throws the errors of the source
 */
export async function detectFormat(source: Source): Promise<Detected> {
  if (source.bytes === 0) return { format: "empty", isText: false };
  const head = await source.read(0, Math.min(headBytes, source.bytes));
  const isWhole = head.length === source.bytes;
  if (isGzip(head)) return detectGzip(source);
  return detectPlain({ key: source.key, mimeType: source.mimeType, bytes: source.bytes, head, isWhole });
}

/** The beginning of a content that is not compressed. */
interface Beginning {
  readonly key: string;
  readonly mimeType: string;
  /** A bound, if it is not known. */
  readonly bytes: number;
  readonly head: Uint8Array;
  readonly isWhole: boolean;
}

async function detectPlain(beginning: Beginning): Promise<Detected> {
  const { head, bytes } = beginning;
  const own = ownSignatureOf(head, bytes);
  if (own !== undefined) return { ...own, isText: false };
  const text = detectText(beginning);
  if (text !== undefined) return text;
  const found = arrowSignatureOf(head) ?? (await libraryFormatOf(head)) ?? namedSignatureOf(beginning);
  return { ...(found ?? { format: "unknown" }), isText: false };
}

/** A format whose signature is so short that the name must say the same. */
function namedSignatureOf({ key, head, bytes }: Beginning): Signature | undefined {
  // A header length that lies is damage, which the description tells.
  const isNamed = /\.safetensors$/i.test(key) && head[8] === 0x7b;
  return isNamed && !isSafetensors(head, bytes) ? { format: "safetensors" } : undefined;
}

const typesByFormat: Readonly<Record<string, string>> = {
  csv: "text/csv",
  tsv: "text/tab-separated-values",
  jsonl: "application/x-ndjson",
  json: "application/json",
  svg: "image/svg+xml",
};

function detectText({ key, mimeType, head, isWhole }: Beginning): Detected | undefined {
  const found = encodingOf(head, isWhole);
  if (found === undefined) return undefined;
  const text = decoderOf(found.encoding)(head);
  const format = textFormatOf(text, namedFormatOf(key, mimeType), isWhole);
  return { format, mimeType: typesByFormat[format] ?? textTypeOf(key, mimeType), isText: true, ...found };
}

function textFormatOf(text: string, named: string | undefined, isWhole: boolean): string {
  const isNamedTable = named === "csv" || named === "tsv";
  if (isNamedTable && !/^\s*[[{<]/.test(text)) return named;
  if (looksLikeJsonLines(text, { isWhole, isNamed: named === "jsonl" })) return "jsonl";
  if (looksLikeJson(text, named === "json")) return "json";
  const isSvg = named === "svg" ? /<svg[\s>]/.test(text) : /^\s*(?:<\?xml[^>]*>\s*)?<svg[\s>]/.test(text);
  if (isSvg) return "svg";
  return isNamedTable && !isHtml(text) ? named : "text";
}

/** What a server answers in place of a table is often a page. */
function isHtml(text: string): boolean {
  return /^\s*<(?:!doctype html|html)[\s>]/i.test(text);
}

/** The media type that is stored, or that the name says, if it is one of text, and of no format that the text has not. */
function textTypeOf(key: string, mimeType: string): string {
  const essence = (mimeType.split(";")[0] ?? "").trim().toLowerCase();
  const types = [essence, mimeTypeOf(key, "")].filter(
    (type) => isTextType(type) && namedFormatOf("", type) === undefined,
  );
  return types.find((type) => type !== "text/plain") ?? "text/plain";
}

const gzip: Detected = { format: "gzip", mimeType: "application/gzip", isText: false };

/** Looks into the compression only for formats that are read through it: text, and tar. */
async function detectGzip(source: Source): Promise<Detected> {
  const { head, isWhole } = await unpackedHead(source);
  if (head.length === 0) return gzip;
  const key = source.key.replace(/\.t(?:ar\.)?gz$/i, ".tar").replace(/\.gz$/i, "");
  const mimeType = /^application\/(?:x-)?gzip/i.test(source.mimeType) ? "application/octet-stream" : source.mimeType;
  const inner = await detectPlain({ key, mimeType, bytes: Number.MAX_SAFE_INTEGER, head, isWhole });
  return inner.isText || inner.format === "tar" ? { ...inner, compression: "gzip" } : gzip;
}

/** A header may have a name without end, and empty parts may follow each other, so that nothing comes out. */
const packedHeadBytes = 1024 * 1024;

async function unpackedHead(source: Source): Promise<{ head: Uint8Array; isWhole: boolean }> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const beginning = { ...source, read: source.read.bind(source), bytes: Math.min(source.bytes, packedHeadBytes) };
  try {
    for await (const block of plainBytes(beginning, { compression: "gzip" })) {
      parts.push(block.subarray(0, headBytes - length));
      length += Math.min(block.length, headBytes - length);
      if (length >= headBytes) return { head: Buffer.concat(parts), isWhole: false };
    }
  } catch (error) {
    if (!(error instanceof BrokenContentError)) throw error;
    return { head: Buffer.concat(parts), isWhole: false }; // what came out tells the format all the same
  }
  return { head: Buffer.concat(parts), isWhole: beginning.bytes === source.bytes };
}
