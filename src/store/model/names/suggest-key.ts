import { maxKeyBytes } from "../limits.js";
import { forbidden, whiteSpace } from "./characters.js";
import { maxUnnormalizedChars } from "./normalize.js";

const everyForbidden = new RegExp(forbidden, "gu");
const everyBidiControl = /\p{Bidi_Control}/gu;

/**
 * The valid key that is nearest to the text. Undefined if nothing of the text can be kept. Returns a valid key in NFC,
 * otherwise unchanged.
 *
 * Backslashes become slashes. Other forbidden characters become `-`. Bidirectional controls, white space at the ends of
 * segments, and segments that are empty, `.` or `..` are removed. A text that is too long is cut between code points.
 */
export function suggestKey(text: string): string | undefined {
  return repair(text, { isPrefix: false });
}

/**
 * The valid key prefix that is nearest to the text, by the rules of `suggestKey`. Its last segment may be incomplete.
 */
export function suggestKeyPrefix(text: string): string | undefined {
  return repair(text, { isPrefix: true });
}

/** The cut can leave white space or a dot at the end, so the text is cleaned again after it. Cleaning keeps NFC. */
function repair(text: string, options: { readonly isPrefix: boolean }): string | undefined {
  const clear = text.slice(0, maxUnnormalizedChars).replace(everyBidiControl, "").normalize("NFC");
  const name = cleanSegments(cutBytes(cleanSegments(clear, options), maxKeyBytes), options);
  return name === "" ? undefined : name;
}

function cleanSegments(text: string, { isPrefix }: { readonly isPrefix: boolean }): string {
  const segments = text.replaceAll("\\", "/").split("/");
  // Keys continue the last segment of a prefix, so only its characters are cleaned.
  const open = isPrefix ? [segments.pop() ?? ""] : [];
  const whole = segments.map(trimWhiteSpace).filter((segment) => !["", ".", ".."].includes(segment));
  return [...whole, ...open].join("/").replace(everyForbidden, "-");
}

function trimWhiteSpace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && whiteSpace.test(text.charAt(start))) start += 1;
  while (end > start && whiteSpace.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** The beginning of the text with at most `bytes` bytes of UTF-8. Never cuts a code point in two. */
function cutBytes(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && isContinuation(all[end])) end -= 1;
  return all.toString("utf8", 0, end);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
