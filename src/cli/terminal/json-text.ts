import { escapeUnsafe } from "../../store/model/quote.js";

/** JSON on one line, in which nothing controls a terminal: what JSON leaves as it is, like U+009B, is `\uXXXX` too. */
export function jsonText(value: unknown): string {
  return escapeUnsafe(JSON.stringify(value));
}

/** A whole document of `--json`: one line, with its line end. */
export function jsonLine(value: object): string {
  return `${jsonText(value)}\n`;
}
