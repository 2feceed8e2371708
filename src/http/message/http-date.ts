import type { Exchange } from "./exchange.js";

const time = String.raw`\d{2}:\d{2}:\d{2}`;
/** The three forms of RFC 9110, section 5.6.7. New dates have the first form; the other two are only read. */
const imfFixdate = new RegExp(String.raw`^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} ${time} GMT$`);
const rfc850 = new RegExp(String.raw`^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} ${time} GMT$`);
const asctime = new RegExp(String.raw`^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d ${time} \d{4}$`);

/**
 * Returns the date in a header field, in Unix seconds. Returns undefined if the field is missing or has no valid date:
 * such a field is ignored (RFC 9110, section 13.1.3).
 */
export function dateField(exchange: Exchange, name: string): number | undefined {
  return readHttpDate(exchange.header(name) ?? "");
}

/**
 * Returns Unix seconds; undefined if the text is no HTTP date. `Date.parse` alone accepts almost any text with a digit.
 */
export function readHttpDate(text: string): number | undefined {
  const isKnown = [imfFixdate, rfc850, asctime].some((form) => form.test(text));
  const ms = isKnown ? Date.parse(asctime.test(text) ? `${text} GMT` : text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
