import { createHash } from "node:crypto";
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
 * segments, and segments that are empty, `.` or `..` are removed. A text that is too long is cut between code points; it
 * keeps its extension, and gets a part of its digest, so that two long texts become two keys.
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
  const whole = cleanSegments(clear, options);
  const name = options.isPrefix ? cleanSegments(cutBytes(whole, maxKeyBytes), options) : shortened(whole, text);
  return name === "" ? undefined : name;
}

/** A key that is too long is cut to so many bytes, so that a model can read and write it. */
const suggestedBytes = 72;
/** Characters of the digest in a key that was cut. */
const digestChars = 8;
const extensionPattern = /\.[A-Za-z0-9]{1,16}$/;

/** @param text the whole text that `key` was made of */
function shortened(key: string, text: string): string {
  if (Buffer.byteLength(key) <= maxKeyBytes) return key;
  const [extension = ""] = extensionPattern.exec(key) ?? [];
  const end = `-${createHash("sha256").update(text).digest("hex").slice(0, digestChars)}${extension}`;
  const stem = key.slice(0, key.length - extension.length);
  return cleanSegments(cutBytes(stem, suggestedBytes - end.length), { isPrefix: false }) + end;
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
