import { type BareItem, type Dictionary, parseDictionary, parseItem } from "structured-headers";
import { count } from "../../store/model/count.js";
import { isMimeType } from "../../store/model/media-type.js";
import type { StreamChecksum } from "../../store/uploads/upload-stream.js";
import type { Exchange } from "./exchange.js";
import { HttpError } from "./http-error.js";

/*
 * Header fields that have a structure: RFC 9651, RFC 9530, RFC 9110 section 14.4, and tus's Upload-Checksum.
 */

function item(exchange: Exchange, name: string): BareItem | undefined {
  const text = exchange.header(name);
  if (text === undefined) return undefined;
  try {
    return parseItem(text)[0];
  } catch {
    return undefined;
  }
}

/** The type of content as its sender says it; undefined for what is no media type, like `csv`: the key tells it then. */
export function mediaType(text = ""): string | undefined {
  const type = text.trim();
  return isMimeType(type) ? type : undefined;
}

/** A whole number from 0; a field with another value counts as none. */
export function integerField(exchange: Exchange, name: string): number | undefined {
  const value = item(exchange, name);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** `?1` or `?0`; a field with another value counts as none. */
export function booleanField(exchange: Exchange, name: string): boolean | undefined {
  const value = item(exchange, name);
  return typeof value === "boolean" ? value : undefined;
}

/** The same, where any other value would be a mistake that costs bytes. @throws HttpError `invalid_argument` */
export function wholeNumber(exchange: Exchange, name: string): number | undefined {
  const text = exchange.header(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new HttpError("invalid_argument", `${name} must be a whole number of bytes.`);
}

/**
 * For a request that is nothing without content: empty content says so.
 *
 * @throws HttpError `length_required` where there is no body at all
 */
export function checkHasBody(exchange: Exchange): void {
  if (exchange.header("content-length") !== undefined || exchange.header("transfer-encoding") !== undefined) return;
  throw new HttpError(
    "length_required",
    "The request has no body: send the content in it, as curl -T FILE URL does, with Content-Length or chunked. For empty content send Content-Length: 0.",
  );
}

/** What a digest field says of an algorithm, in hex. @throws HttpError `invalid_argument` */
function digests(exchange: Exchange, name: string): ReadonlyMap<string, string> {
  const text = exchange.header(name);
  if (text === undefined) return new Map();
  let parsed: Dictionary;
  try {
    parsed = parseDictionary(text);
  } catch {
    throw new HttpError("invalid_argument", `${name} must be like sha-256=:<base64>: (RFC 9530).`);
  }
  const entries = [...parsed].flatMap(([algorithm, [value]]) =>
    value instanceof ArrayBuffer ? [[algorithm, Buffer.from(value)] as const] : [],
  );
  for (const [algorithm, { length }] of entries) {
    const bytes = checkedDigests.find(({ field }) => field === algorithm)?.bytes ?? length;
    if (length === bytes) continue;
    const message = `${name} has ${count(length, "byte")} for ${algorithm}, and such a digest has ${bytes}: send it whole, in base64.`;
    throw new HttpError("invalid_argument", message);
  }
  return new Map(entries.map(([algorithm, digest]) => [algorithm, digest.toString("hex")]));
}

/** By the name that they have in such a field, the one that is checked first in front. */
const checkedDigests = [
  { field: "sha-256", algorithm: "sha256", bytes: 32 },
  { field: "sha-512", algorithm: "sha512", bytes: 64 },
] as const;

/** The SHA-256 of the whole content, where the client promises one. @throws HttpError `invalid_argument` */
export function promisedDigest(exchange: Exchange): string | undefined {
  const sha256 = digests(exchange, "Repr-Digest").get("sha-256");
  if (sha256 !== undefined || exchange.header("repr-digest") === undefined) return sha256;
  throw new HttpError("invalid_argument", "Repr-Digest is checked for sha-256 alone: send that, or leave it out.");
}

/** The digest of this request's own bytes. @throws HttpError `invalid_argument` */
export function contentDigest(exchange: Exchange): StreamChecksum | undefined {
  const given = digests(exchange, "Content-Digest");
  for (const { field, algorithm } of checkedDigests) {
    const digest = given.get(field);
    if (digest !== undefined) return { algorithm, digest };
  }
  if (exchange.header("content-digest") === undefined) return undefined;
  throw new HttpError("invalid_argument", "Content-Digest is checked for sha-256 and sha-512: send one of them.");
}

export function digestField(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, "hex").toString("base64")}:`;
}

/** Which bytes of a whole a request's body is. */
export interface ContentRange {
  /** Absent in `bytes *\/N`, which only says how long the whole is. */
  readonly offset: number | undefined;
  readonly total: number | undefined;
}

/** @param length of the body, where it is known. @throws HttpError `invalid_argument` */
export function contentRange(exchange: Exchange, length: number | undefined): ContentRange | undefined {
  const text = exchange.header("content-range");
  if (text === undefined) return undefined;
  const [, first, last, total] = /^bytes (?:(\d{1,16})-(\d{1,16})|\*)\/(\d{1,16}|\*)$/.exec(text) ?? [];
  const wrong = (why: string) => new HttpError("invalid_argument", `Content-Range ${why}, like bytes 0-99/1000.`);
  if (total === undefined) throw wrong("must name the first byte, the last, and how many there are in all, or *");
  const all = total === "*" ? undefined : Number(total);
  if (first === undefined) return { offset: undefined, total: all };
  const bytes = Number(last) - Number(first) + 1;
  if (bytes < 0 || (all !== undefined && Number(last) >= all)) throw wrong("must lie within the whole");
  if (length !== undefined && length !== bytes) throw wrong(`says ${count(bytes, "byte")}, and the body has ${length}`);
  return { offset: Number(first), total: all };
}
