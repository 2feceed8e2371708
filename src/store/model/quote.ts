/** `quote` and `shorten` cut a text that is longer than this, in UTF-16 code units. */
export const maxQuotedChars = 80;

/**
 * Characters that a terminal, a log or JSON could misread: controls, surrogates, separators of lines and paragraphs,
 * non-characters and bidirectional controls.
 */
const unsafe = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Bidi_Control}]/gu;

/** A caller's text as a JSON string for an error message: cut if it is long, with unsafe characters as `\uXXXX`. */
export function quote(text: string): string {
  return escapeUnsafe(JSON.stringify(cut(text)));
}

/** A caller's text for an error message, like `quote` but without quotation marks. */
export function shorten(text: string): string {
  return escapeUnsafe(cut(text));
}

/** Never cuts a surrogate pair in two. */
function cut(text: string): string {
  if (text.length <= maxQuotedChars) return text;
  const end = maxQuotedChars - "...".length;
  const isPair = (text.codePointAt(end - 1) ?? 0) > 0xffff;
  return `${text.slice(0, isPair ? end - 1 : end)}...`;
}

/** A text with unsafe characters as `\uXXXX`, for a terminal. */
export function escapeUnsafe(text: string): string {
  return text.replace(unsafe, (character) =>
    Array.from({ length: character.length }, (_, at) => escapeUnit(character.charCodeAt(at))).join(""),
  );
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
