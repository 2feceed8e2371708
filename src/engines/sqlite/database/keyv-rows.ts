/** The table in which Keyv's adapter keeps its rows. */
export const table = "keyv";

/* The text of a row is kept in Keyv's own envelope, so any Keyv can read it. */

const before = '{"value":';
const after = "}";
export const wrap = (text: string): string => before + text + after;
/** A value without the envelope becomes a text that no schema accepts, because no change could ever match its row. */
export const unwrap = (value: unknown): string =>
  typeof value === "string" && value.startsWith(before) && value.endsWith(after)
    ? value.slice(before.length, -after.length)
    : `not Keyv's: ${String(value)}`;
