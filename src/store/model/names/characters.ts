import { quote } from "../quote.js";

/** A character that no key has: a control, a lone surrogate, a non-character, a bidirectional control, a backslash. */
export const forbidden = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\p{Bidi_Control}\\]/u;

const forbiddenKinds: readonly (readonly [RegExp, string])[] = [
  [/\p{Cc}/u, "control character"],
  [/\p{Cs}/u, "lone surrogate"],
  [/\p{Noncharacter_Code_Point}/u, "non-character"],
  [/\p{Bidi_Control}/u, "bidirectional control"],
  [/\\/u, "backslash"],
];

/** Unicode's white space. `trim` differs: it removes U+FEFF, which is no white space in Unicode, and leaves U+0085. */
export const whiteSpace = /\p{White_Space}/u;

export function isCodePoint(text: string): boolean {
  const code = text.codePointAt(0);
  return code !== undefined && String.fromCodePoint(code) === text;
}

/** For example `the control character U+0007`, or `the character "é" (U+00E9)`. */
export function describeCharacter(character: string): string {
  const kind = forbiddenKinds.find(([pattern]) => pattern.test(character))?.[1];
  if (kind !== undefined) return `the ${kind} ${codePointName(character)}`;
  return `the character ${quote(character)} (${codePointName(character)})`;
}

/** The code point as Unicode writes it, for example `U+00E9`. */
export function codePointName(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return `U+${hex.padStart(4, "0")}`;
}
