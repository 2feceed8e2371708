/** The table that Keyv's adapter keeps its rows in. */
export const table = "keyv";

/* A row's text lies in Keyv's own envelope, so any Keyv reads it. */

const before = '{"value":';
const behind = "}";
export const wrap = (text: string): string => before + text + behind;
/** A value without the envelope is handed on so that no schema takes it: no change could ever match it. */
export const unwrap = (value: unknown): string =>
  typeof value === "string" && value.startsWith(before) && value.endsWith(behind)
    ? value.slice(before.length, -behind.length)
    : `not Keyv's: ${String(value)}`;
