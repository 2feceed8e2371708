import { type BareItem, parseItem } from "structured-headers";
import { isMimeType } from "../../store/model/formats/media-type.js";
import type { Exchange } from "./exchange.js";
import { HttpError } from "./http-error.js";

/** Returns the media type in `Content-Type`; undefined if it is none, like `csv`. The key then decides the type. */
export function mediaType(text = ""): string | undefined {
  const type = text.trim();
  return isMimeType(type) ? type : undefined;
}

/**
 * Returns an Integer (RFC 9651, section 3.3.1) from 0. Returns undefined if the field is missing or has another value.
 */
export function integerField(exchange: Exchange, name: string): number | undefined {
  const value = itemField(exchange, name);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/**
 * Returns a Boolean (RFC 9651, section 3.3.6); undefined if the field is missing.
 *
 * @throws HttpError `invalid_argument` for another value, like `yes`: to ignore it would mean `?0`
 */
export function booleanField(exchange: Exchange, name: string): boolean | undefined {
  const text = exchange.header(name);
  if (text === undefined) return undefined;
  const value = itemField(exchange, name);
  if (typeof value === "boolean") return value;
  throw new HttpError("invalid_argument", `${name} is a Boolean of RFC 9651: write ?1 for true or ?0 for false.`);
}

function itemField(exchange: Exchange, name: string): BareItem | undefined {
  const text = exchange.header(name);
  if (text === undefined) return undefined;
  try {
    return parseItem(text)[0];
  } catch {
    return undefined;
  }
}

/**
 * Returns a number of bytes; undefined if the field is missing. Another value is refused, because to ignore it could
 * cost bytes.
 *
 * @throws HttpError `invalid_argument`
 */
export function byteCountField(exchange: Exchange, name: string): number | undefined {
  const text = exchange.header(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new HttpError("invalid_argument", `${name} must be a whole number of bytes.`);
}

/** Returns the Idempotency-Key; undefined if there is none. @throws HttpError `invalid_argument` */
export function idempotencyKey(exchange: Exchange): string | undefined {
  const key = exchange.header("idempotency-key");
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new HttpError("invalid_argument", "Idempotency-Key must be 1 to 255 printable ASCII characters.");
}
