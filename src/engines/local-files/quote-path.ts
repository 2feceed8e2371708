const maxShownChars = 300;

/**
 * A path for an error message, quoted as in JSON and cut to 300 characters. Every character except printable ASCII and
 * plain letters and digits is escaped, like `\u200b`, so that a look-alike of another name is seen as different.
 */
export function quotePath(path: string): string {
  const text = path.length > maxShownChars ? `${path.slice(0, maxShownChars - 3)}...` : path;
  return JSON.stringify(text).replace(/[^ -~]/gu, (character) =>
    isPlain(character) ? character : escapeUnits(character),
  );
}

function isPlain(character: string): boolean {
  return (
    /[\p{L}\p{N}]/u.test(character) &&
    !/\p{Default_Ignorable_Code_Point}/u.test(character) &&
    character.normalize("NFKC") === character
  );
}

function escapeUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
