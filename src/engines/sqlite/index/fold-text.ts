/**
 * The form of a text in which searches compare it: composed (NFC) and without case. Texts that differ only in case have
 * the same form. It contains no NUL, which a text in SQLite cannot contain.
 */
export function foldText(text: string): string {
  // A sigma at the end of a word has a lower case of its own.
  return text.normalize("NFC").toLowerCase().replaceAll("ς", "σ").replaceAll("\0", "\n");
}
