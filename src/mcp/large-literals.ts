import { randomUUID } from "node:crypto";
import { JsonText } from "./json-text.js";

/** Shorter strings are as well parsed where they stand. In bytes. */
const leastLiteralBytes = 4 * 1024;
/** Where more than this would be left of a line, it is as well parsed whole. In bytes. */
const mostRestBytes = 16 * 1024;

/** What is parsed at once of a large string: short enough that its text costs no memory that is new to the process. */
const stepBytes = 32 * 1024;
/** Quotation marks in a string that are looked for one by one. */
const fewQuotes = 100;

const quoteMark = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/** A line of JSON whose large strings are left out: each is its index behind `mark` there. */
interface Cut {
  readonly text: string;
  readonly mark: string;
  /** Where they lie in the line, without their quotation marks. */
  readonly literals: readonly Buffer[];
}

/**
 * What a large string becomes in place of a string; undefined where it becomes one.
 *
 * @param holder what it is a member of, the large strings among its other members not there yet
 * @param root the whole message
 */
export type Replace = (literal: Buffer, name: string, holder: object, root: unknown) => unknown;

const replaceNone: Replace = () => undefined;

/**
 * As `JSON.parse` of the decoded line. Large strings are decoded straight from the bytes, and without escapes not
 * looked at character by character: several times faster where one string is most of the line.
 *
 * @param line UTF-8; for `latin1`, ASCII
 * @throws SyntaxError
 */
export function parseJson(line: Buffer, encoding: "latin1" | "utf8", replace = replaceNone): unknown {
  const cut = cutLine(line, encoding);
  if (cut !== undefined) {
    try {
      return putBack(JSON.parse(cut.text), cut, encoding, replace);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // what is wrong is said of the line as it came
    }
  }
  return JSON.parse(line.toString(encoding));
}

/** Undefined where the line has to be parsed whole. */
function cutLine(line: Buffer, encoding: "latin1" | "utf8"): Cut | undefined {
  if (line.length < leastLiteralBytes) return undefined;
  const mark = randomUUID(); // nobody who wrote the line can have known it
  const literals: Buffer[] = [];
  let text = "";
  let kept = 0;
  for (let open = line.indexOf(quoteMark); open !== -1; ) {
    const close = closeOf(line, open + 1);
    if (close === -1 || text.length + open - kept > mostRestBytes) return undefined;
    if (close - open > leastLiteralBytes && !isName(line, close)) {
      text += `${line.toString(encoding, kept, open + 1)}${mark}${literals.length}`;
      literals.push(line.subarray(open + 1, close));
      kept = close;
    }
    open = line.indexOf(quoteMark, close + 1);
  }
  const isWorthIt = literals.length > 0 && line.length - kept < mostRestBytes;
  return isWorthIt ? { text: text + line.toString(encoding, kept), mark, literals } : undefined;
}

/** Where the string ends that begins at `start`; -1 where it does not. */
function closeOf(line: Buffer, start: number): number {
  let escaped = 0;
  for (let at = line.indexOf(quoteMark, start); at !== -1; at = line.indexOf(quoteMark, at + 1)) {
    if (!isEscaped(line, start, at)) return at;
    escaped += 1;
    if (escaped === fewQuotes) return closeByBytes(line, at + 1);
  }
  return -1;
}

/** The same, looking at each byte: what is faster where there are many quotation marks in it. */
function closeByBytes(line: Buffer, start: number): number {
  for (let at = start; at < line.length; at += 1) {
    const byte = line[at];
    if (byte === backslash) at += 1;
    else if (byte === quoteMark) return at;
  }
  return -1;
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(bytes: Buffer, start: number, at: number): boolean {
  let before = at;
  while (before > start && bytes[before - 1] === backslash) before -= 1;
  return (at - before) % 2 === 1;
}

/** Whether the string that ends at `close` names a member. */
function isName(line: Buffer, close: number): boolean {
  let at = close + 1;
  while (line[at] === 0x20 || line[at] === 0x09 || line[at] === 0x0d) at += 1;
  return line[at] === colon;
}

/** Whether any byte of `[start, end)` is below 0x20. */
function hasControlCharacter(line: Buffer, start: number, end: number): boolean {
  const aligned = Math.min(end, start + ((4 - ((line.byteOffset + start) % 4)) % 4));
  const words = new Int32Array(line.buffer, line.byteOffset + aligned, (end - aligned) >> 2);
  const rest = aligned + words.length * 4;
  const isControl = (byte: number): boolean => byte < 0x20;
  return line.subarray(start, aligned).some(isControl) || hasLowByte(words) || line.subarray(rest, end).some(isControl);
}

/** The same of whole words: a byte below 0x20, and only such a one, borrows and so gets the highest bit, unless it had that before. */
function hasLowByte(words: Int32Array): boolean {
  const low = (word: number): number => (word - 0x20202020) & ~word;
  let found = 0;
  let n = 0;
  for (const last = words.length - 3; n < last; n += 4) {
    const [a, b, c, d] = [words[n], words[n + 1], words[n + 2], words[n + 3]] as [number, number, number, number];
    found |= low(a) | low(b) | low(c) | low(d);
  }
  for (; n < words.length; n += 1) found |= low(words[n] as number);
  return (found & 0x80808080) !== 0;
}

/** Not by recursion: a line may be nested deeper than calls can be. @throws SyntaxError */
function putBack(parsed: unknown, { mark, literals }: Cut, encoding: "latin1" | "utf8", replace: Replace): unknown {
  const root = { parsed };
  const unused = new Set(literals);
  const left: Record<string, unknown>[] = [root];
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    for (const name of Object.keys(holder)) {
      const value = holder[name];
      if (typeof value === "object" && value !== null) left.push(value as Record<string, unknown>);
      else if (typeof value === "string" && value.startsWith(mark)) {
        const literal = literals[Number(value.slice(mark.length))] as Buffer;
        unused.delete(literal);
        set(holder, name, replace(literal, name, holder, parsed) ?? stringOf(literal, encoding));
      }
    }
  }
  for (const literal of unused) stringOf(literal, encoding); // of two members with one name the last counts
  return root.parsed;
}

/** @throws SyntaxError */
function stringOf(literal: Buffer, encoding: "latin1" | "utf8"): string {
  if (literal.includes(backslash)) return JSON.parse(`"${literal.toString(encoding)}"`);
  if (hasControlCharacter(literal, 0, literal.length)) throw new SyntaxError("a control character in a string");
  return literal.toString(encoding);
}

/** `__proto__` too is a member like any other. */
function set(holder: object, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * The UTF-8 that a large string stands for, without the string.
 *
 * @param literal UTF-8
 * @param target of the literal's length or more
 * @returns the part of `target` that was filled; undefined where it has escapes that tell a character by its number
 * @throws SyntaxError
 */
export function unescapeInto(literal: Buffer, target: Buffer): Buffer | undefined {
  let length = 0;
  for (let at = 0, end = 0; at < literal.length; at = end) {
    end = Math.min(at + stepBytes, literal.length);
    if (isEscaped(literal, at, end)) end -= 1;
    const step = literal.subarray(at, end);
    if (!step.includes(backslash) && !hasControlCharacter(step, 0, step.length)) {
      length += step.copy(target, length);
    } else {
      if (step.includes("\\u")) return undefined;
      // As Latin-1, each byte is a character, and comes out as it is.
      length += target.write(JSON.parse(`"${step.toString("latin1")}"`), length, "latin1");
    }
  }
  return target.subarray(0, length);
}

export interface Line {
  readonly pieces: readonly Buffer[];
  /** They have been written, and may become another line's. */
  release(): void;
}

/**
 * A line of JSON, with its newline, as UTF-8 in pieces: large strings that need no escapes, and those that are written
 * already, are pieces of their own, never part of a larger string and not looked at character by character.
 */
export function lineOf(value: object): Line {
  if (!hasLargeString(value)) return { pieces: [Buffer.from(`${JSON.stringify(value)}\n`)], release: () => undefined };
  const mark = randomUUID();
  const literals: (string | JsonText)[] = [];
  const text = JSON.stringify(withoutLarge(value, (literal) => `${mark}${literals.push(literal) - 1}`));
  const pieces: Buffer[] = [];
  let kept = 0;
  literals.forEach((literal, n) => {
    const place = `"${mark}${n}"`;
    const at = text.indexOf(place, kept);
    pieces.push(Buffer.from(text.slice(kept, at)), ...literalPieces(literal));
    kept = at + place.length;
  });
  pieces.push(Buffer.from(`${text.slice(kept)}\n`));
  const release = (): void => {
    for (const literal of literals) if (literal instanceof JsonText) literal.release();
  };
  return { pieces, release };
}

/** A copy with something else in place of its large strings, which come in their order in JSON. */
function withoutLarge(value: unknown, replace: (literal: string | JsonText) => string): unknown {
  if (isLargeString(value)) return replace(value);
  if (Array.isArray(value)) return value.map((part) => withoutLarge(part, replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutLarge(part, replace)]));
}

const quotes = Buffer.from('"');

function literalPieces(literal: string | JsonText): Buffer[] {
  if (literal instanceof JsonText) return [quotes, ...literal.pieces, quotes];
  const bytes = Buffer.from(literal);
  const isPlain =
    literal.isWellFormed() &&
    !bytes.includes(quoteMark) &&
    !bytes.includes(backslash) &&
    !hasControlCharacter(bytes, 0, bytes.length);
  return isPlain ? [quotes, bytes, quotes] : [Buffer.from(JSON.stringify(literal))];
}

function isLargeString(value: unknown): value is string | JsonText {
  return (typeof value === "string" && value.length > leastLiteralBytes) || value instanceof JsonText;
}

function hasLargeString(value: object): boolean {
  return Object.values(value).some(
    (part) => isLargeString(part) || (typeof part === "object" && part !== null && hasLargeString(part)),
  );
}
