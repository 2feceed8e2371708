import type { Hit } from "./pattern.js";

/** Characters of a line that is cut. */
export const shownChars = 200;

/** A part of a line around a match. */
export interface Excerpt {
  /** `…` is where the line is cut. */
  readonly text: string;
  /** Where it ends, in the text that it was cut from. */
  readonly end: number;
}

/** @param isPart whether the text is only a part of a line, which goes on before or behind it */
export function excerptOf(
  text: string,
  { at, length }: Hit = { at: 0, length: 0 },
  width = shownChars,
  isPart: { readonly before?: boolean; readonly after?: boolean } = {},
): Excerpt {
  const room = Math.max(0, Math.floor((width - length) / 2));
  let start = Math.max(0, Math.min(at - room, text.length - width));
  let end = Math.min(text.length, start + width);
  if (isLowSurrogate(text, start)) start += 1;
  if (isLowSurrogate(text, end)) end -= 1;
  const before = start > 0 || isPart.before ? "…" : "";
  const after = end < text.length || isPart.after ? "…" : "";
  return { text: `${before}${text.slice(start, end)}${after}`, end };
}

/** A line, cut to about 200 characters around a match. */
export function cutLine(line: string, hit?: Hit): string {
  return line.length <= shownChars ? line : excerptOf(line, hit).text;
}

/** Whether a cut here would divide a character. */
export function isLowSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}
