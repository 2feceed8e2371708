import { forbidden, whiteSpace } from "../../model/names/characters.js";

/*
 * How `--rename` maps names. What the other side refuses is written as `%` and two hex digits a byte of its UTF-8, and so
 * is each `%` that two hex digits follow. Decoding all `%XX` gives the name again, so no two names become one.
 */

const forbiddenEach = new RegExp(forbidden.source, "gu");
const literalPercent = /%(?=[0-9A-Fa-f]{2})/g;
/** What Windows refuses in a name. */
const windowsCharacters = /[<>:"|?*]/g;
const windowsDevice = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³])(?= *(?:\.|$))/i;
/** The hidden file of an unfinished get, see `part-names.ts` of the engine. */
const partName = /^\..*\.[0-9a-f]{16}-[0-9a-f]{8}-\d{1,10}-[0-9a-f]{8}\.part$/;
const maxNameBytes = 255;
/** The surrogate of a byte that is no UTF-8 is U+DC00 plus the byte. */
const byteSurrogates = 0xdc00;

/** A file's name, with `/` between segments, as the end of a key. It may still be too long for one. */
export function escapedKey(name: string): string {
  return name.split("/").map(escapedSegment).join("/");
}

function escapedSegment(segment: string): string {
  return escapedEnds(segment.replace(literalPercent, "%25").replace(forbiddenEach, escaped), whiteSpace);
}

/** The same, for a name that is another spelling of a key that is there already: only ASCII stays. */
export function escapedSpelling(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything but ASCII
  return escapedKey(name).replace(/[^\x00-\x7f]/gu, escaped);
}

export interface FileNameRules {
  readonly isWindows: boolean;
  /** Escapes what the file system refuses. */
  readonly rename: boolean;
}

/** The segment of a key as the name of a file, or why it is none. */
export function fileSegment(
  segment: string,
  { isWindows, rename }: FileNameRules,
): { readonly name: string } | { readonly problem: string } {
  const escapedName = escapedFileSegment(segment, isWindows);
  const plain = segment.replace(literalPercent, "%25");
  if (!rename && escapedName !== plain) {
    const why = partName.test(segment) ? "is kept for unfinished files of get" : "is none that Windows takes";
    return { problem: `the name ${JSON.stringify(segment)} ${why} (--rename maps it)` };
  }
  const name = rename ? escapedName : segment;
  if (Buffer.byteLength(name) <= maxNameBytes) return { name };
  return { problem: `a part of its name has more than ${maxNameBytes} bytes, and no file can have that name` };
}

function escapedFileSegment(segment: string, isWindows: boolean): string {
  const name = segment.replace(literalPercent, "%25");
  if (partName.test(name)) return `%2E${name.slice(1)}`;
  if (!isWindows) return name;
  const legal = name.replace(windowsCharacters, escaped).replace(/[. ]$/, escaped);
  return windowsDevice.test(legal) ? escaped(legal.charAt(0)) + legal.slice(1) : legal;
}

/** A name that differs from another one only in case: its letters of the wrong case are escaped. */
export function escapedCase(name: string): string {
  return name.replace(/\p{L}/gu, (letter) => (letter === letter.toUpperCase() ? letter : escaped(letter)));
}

function escapedEnds(text: string, pattern: RegExp): string {
  const [first, last] = [text.charAt(0), text.charAt(text.length - 1)];
  const begin = pattern.test(first) ? escaped(first) + text.slice(1) : text;
  return text.length > 1 && pattern.test(last) ? begin.slice(0, -1) + escaped(last) : begin;
}

function escaped(character: string): string {
  const code = character.charCodeAt(0) - byteSurrogates;
  const isByte = character.length === 1 && code >= 0x80 && code <= 0xff;
  const bytes = isByte ? Buffer.of(code) : Buffer.from(character);
  return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}
