import { count } from "../../store/model/count.js";
import type { Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";

/** The place of a request's body within the whole content: `Content-Range` of RFC 9110, section 14.4. */
export interface ContentRange {
  /** Undefined in `bytes *\/N`, which gives only the length of the whole. */
  readonly offset: number | undefined;
  /** Length of the whole content in bytes, if the client knows it. */
  readonly total: number | undefined;
}

/**
 * Returns the request's `Content-Range`; undefined if there is none.
 *
 * @param length of the body in bytes, if it is known
 * @throws HttpError `invalid_argument`
 */
export function readContentRange(exchange: Exchange, length: number | undefined): ContentRange | undefined {
  const text = exchange.header("content-range");
  if (text === undefined) return undefined;
  const [, first, last, total] = /^bytes (?:(\d{1,16})-(\d{1,16})|\*)\/(\d{1,16}|\*)$/.exec(text) ?? [];
  if (total === undefined) throw wrong("must give the first byte, the last byte and the length of the whole (or *)");
  const all = total === "*" ? undefined : Number(total);
  if (first === undefined) return { offset: undefined, total: all };
  const bytes = Number(last) - Number(first) + 1;
  if (bytes < 0 || (all !== undefined && Number(last) >= all)) throw wrong("must lie within the whole");
  if (length !== undefined && length !== bytes) {
    throw wrong(`says ${count(bytes, "byte")}, but the body has ${length}: send both with the same length`);
  }
  return { offset: Number(first), total: all };
}

function wrong(why: string): HttpError {
  return new HttpError("invalid_argument", `Content-Range ${why}. Example: bytes 0-99/1000.`);
}
