import { maxKeyBytes } from "../limits.js";

/** A text with more code units is above the limit of a key in NFC too, so it need not be normalized. */
export const maxUnnormalizedChars = 8 * maxKeyBytes;

/** The text in NFC. A text that is too long for a key in any form is returned unchanged. */
export function normalize(text: string): string {
  return text.length > maxUnnormalizedChars ? text : text.normalize("NFC");
}
