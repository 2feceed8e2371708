import { forbidden, whiteSpace } from "../../model/names/characters.js";

/*
 * How `--rename` maps names, a part of them at a time. What the other side refuses is written as `%` and two hex digits a
 * byte of its UTF-8, and so is each `%` of that part that two hex digits follow. All other parts stay as they are, except
 * those that look like a mapped part, or like one that was kept apart so: in these only such `%` are escaped. So no two
 * names become one, and mapping back gives the name again: files to keys and keys to files are inverse.
 */

const forbiddenEach = new RegExp(forbidden.source, "gu");
const literalPercent = /%(?=[0-9A-Fa-f]{2})/g;
const escapes = /(?:%[0-9A-F]{2})+/g;
/** What Windows refuses in a name. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Windows refuses them
const windowsCharacters = /[\u0000-\u001f<>:"|?*\\]/g;
const windowsDevice = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³])(?= *(?:\.|$))/i;
/** The hidden file of an unfinished get, see `part-names.ts` of the engine. */
const partName = /^\..*\.[0-9a-f]{16}-[0-9a-f]{8}-\d{1,10}-[0-9a-f]{8}\.part$/;
const maxNameBytes = 255;
/** The surrogate of a byte that is no UTF-8 is U+DC00 plus the byte. */
const byteSurrogates = 0xdc00;

type Side = "file" | "key";

/** A file's name, with `/` between segments, as the end of a key. It may still be too long for one. */
export function escapedKey(name: string, isWindows = false): string {
  return name
    .split("/")
    .map((segment) => translated(segment, "file", isWindows))
    .join("/");
}

/** The same, for a name that is another spelling of a key that is there already: only ASCII stays. */
export function escapedSpelling(name: string, isWindows = false): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything but ASCII
  return escapedKey(name, isWindows).replace(/[^\x00-\x7f]/gu, escaped);
}

export interface FileNameRules {
  readonly isWindows: boolean;
  /** Escapes what the file system refuses. */
  readonly rename: boolean;
}

/**
 * The segment of a key as the name of a file, or why it is none.
 *
 * @param segment may have several parts with U+0000 between them, which stands for a slash in the name: `%2F`
 */
export function fileSegment(
  segment: string,
  { isWindows, rename }: FileNameRules,
): { readonly name: string } | { readonly problem: string } {
  const parts = segment.split("\u0000");
  if (!rename && !parts.every((part) => isFileName(part, isWindows))) {
    const why = partName.test(segment) ? "is kept for unfinished files of get" : "is none that Windows takes";
    return { problem: `the name ${JSON.stringify(segment)} ${why} (--rename maps it)` };
  }
  const names = rename ? parts.map((part) => translated(part, "key", isWindows)) : parts;
  const name = names.join("%2F");
  if (Buffer.byteLength(name) <= maxNameBytes) return { name };
  return { problem: `a part of its name has more than ${maxNameBytes} bytes, and no file can have that name` };
}

/** What a segment is on the other side. */
function translated(segment: string, from: Side, isWindows: boolean): string {
  const isLegal = from === "file" ? isKeySegment(segment) : isFileName(segment, isWindows);
  if (!isLegal) return escapedSegment(segment, isWindows);
  const side = sideOfRoot(segment, isWindows);
  if (side === undefined) return segment;
  return side === from ? escapedSegment(segment, isWindows) : decoded(segment);
}

/**
 * The side of the segment that is left when all escapes are undone, if only one side can have that segment. Undefined if
 * the segment is no escaped one.
 */
function sideOfRoot(segment: string, isWindows: boolean): Side | undefined {
  for (let text = segment; ; ) {
    const root = decoded(text);
    if (root === text || escapedSegment(root, isWindows) !== text) return undefined;
    const [isKey, isFile] = [isKeySegment(root), isFileName(root, isWindows)];
    if (isKey !== isFile) return isKey ? "key" : "file";
    text = root;
  }
}

function isKeySegment(segment: string): boolean {
  return escapedForKey(segment) === segment;
}

/** Whether a directory can have a file of that name, as far as a segment of a key or an escaped name goes. */
function isFileName(name: string, isWindows: boolean): boolean {
  return escapedForFile(name, isWindows) === name && !name.includes("/") && !name.includes("\u0000");
}

function escapedSegment(segment: string, isWindows: boolean): string {
  return escapedForFile(escapedForKey(segment.replace(literalPercent, "%25")), isWindows);
}

function escapedForKey(segment: string): string {
  return escapedEnds(segment.replace(forbiddenEach, escaped), whiteSpace);
}

function escapedForFile(name: string, isWindows: boolean): string {
  if (partName.test(name)) return `%2E${name.slice(1)}`;
  if (!isWindows) return name;
  const legal = name.replace(windowsCharacters, escaped).replace(/[. ]$/, escaped);
  return windowsDevice.test(legal) ? escaped(legal.charAt(0)) + legal.slice(1) : legal;
}

/** The text whose escapes these are. A byte that is no UTF-8 becomes its surrogate. */
function decoded(segment: string): string {
  return segment.replace(escapes, (run) => {
    const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const length = [1, 2, 3, 4].find((size) => isCharacter(bytes.subarray(at, at + size)));
      const end = at + (length ?? 1);
      text += length ? bytes.toString("utf8", at, end) : String.fromCharCode(byteSurrogates + (bytes[at] ?? 0));
      at = end;
    }
    return text;
  });
}

function isCharacter(bytes: Buffer): boolean {
  const text = bytes.toString("utf8");
  return [...text].length === 1 && Buffer.from(text).equals(bytes);
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
