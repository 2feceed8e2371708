import { escapeUnsafe } from "../../store/model/quote.js";

/** A text of several lines in which nothing controls the terminal: only line feeds and tabs stay as they are. */
export function printable(text: string): string {
  return text.replace(/[^\n\t]+/g, escapeUnsafe);
}
