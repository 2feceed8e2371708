/** Characters that end a line, or change how a line is read. */
const unsafe = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A name or a value on one line: what would break the line is written as `\n` or `\u2028`. */
export function oneLine(text: string): string {
  return text.replace(unsafe, (character) => {
    const json = JSON.stringify(character).slice(1, -1);
    return json === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : json;
  });
}
