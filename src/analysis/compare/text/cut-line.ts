import type { ShownLine } from "./shown-lines.js";

/** Longer lines are cut. */
const maxLineChars = 500;
/** Characters before the first difference, if it is far from the beginning. */
const charsBefore = 100;

/**
 * A line as it is shown: at most 500 characters, and how long it is if that is not all.
 *
 * @param other the line in its place in the other text, if there is one. Then the first difference is shown
 */
export function cutLine(line: ShownLine, other?: ShownLine): string {
  const { text, bytes, isWhole } = line;
  if (isWhole && text.length <= maxLineChars) return text;
  const from = other === undefined ? 0 : wholeCharacter(text, startOf(text, other.text));
  const to = wholeCharacter(text, from + maxLineChars);
  const before = from === 0 ? "" : `[${from} characters ...] `;
  const after = isWhole && to >= text.length ? "" : ` [... ${bytes} bytes]`;
  return `${before}${text.slice(from, to)}${after}`;
}

/** 0 if the first difference is seen from there, or is not found. */
function startOf(text: string, other: string): number {
  const shared = Math.min(text.length, other.length);
  let same = 0;
  while (same < shared && text[same] === other[same]) same++;
  return same < maxLineChars - charsBefore || same === shared ? 0 : same - charsBefore;
}

/** The index, or the one before it if it divides a pair of surrogates. */
function wholeCharacter(text: string, index: number): number {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff ? index - 1 : index;
}
