import { randomUUID } from "node:crypto";
import { endOfString, hasControlCharacter } from "./json-string.js";
import { JsonText } from "./json-text.js";

/** Shorter strings are as well parsed where they stand. In bytes. */
const leastLiteralBytes = 4 * 1024;
/** Where more than this would be left of a line, it is as well parsed whole. In bytes. */
const mostRestBytes = 16 * 1024;
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
    if (escaped === fewQuotes) return endOfString(line, at + 1);
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
  while (line[at] === 0x20 || line[at] === 0x09 || line[at] === 0x0d || line[at] === 0x0a) at += 1;
  return line[at] === colon;
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
  if (hasControlCharacter(literal)) throw new SyntaxError("a control character in a string");
  return literal.toString(encoding);
}

/** `__proto__` too is a member like any other. */
function set(holder: object, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}

/** JSON as UTF-8. */
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
  if (!hasLargeString(value)) return piece(Buffer.from(`${JSON.stringify(value)}\n`));
  const mark = randomUUID();
  const literals: JsonText[] = [];
  const text = JSON.stringify(
    withoutLarge(
      value,
      (literal) => `${mark}${literals.push(literal instanceof JsonText ? literal : JsonText.ofString(literal)) - 1}`,
    ),
  );
  const pieces: Buffer[] = [];
  let kept = 0;
  literals.forEach((literal, n) => {
    const place = `"${mark}${n}"`;
    const at = text.indexOf(place, kept);
    pieces.push(Buffer.from(text.slice(kept, at + 1)), ...literal.pieces);
    kept = at + place.length - 1;
  });
  pieces.push(Buffer.from(`${text.slice(kept)}\n`));
  const release = (): void => {
    for (const literal of literals) literal.release();
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

const piece = (bytes: Buffer): Line => ({ pieces: [bytes], release: () => undefined });

function isLargeString(value: unknown): value is string | JsonText {
  return (typeof value === "string" && value.length > leastLiteralBytes) || value instanceof JsonText;
}

function hasLargeString(value: object): boolean {
  return Object.values(value).some(
    (part) => isLargeString(part) || (typeof part === "object" && part !== null && hasLargeString(part)),
  );
}
