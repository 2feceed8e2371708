import { randomUUID } from "node:crypto";
import { endOfString, hasControlCharacter } from "./json-string.js";
import type { Utf8Encoding } from "./utf8.js";

/** `JSON.parse` is as fast for shorter strings. In bytes. */
const minLargeBytes = 4 * 1024;
/** If more than this remains besides the large strings, `JSON.parse` is as fast for the whole text. In bytes. */
const maxRestBytes = 16 * 1024;
/** After so many escaped quotation marks in a string, its end is searched for word by word. */
const maxIndexedQuotes = 100;

const quoteMark = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/** A JSON text in which each large string was replaced by `placeholder` and the string's index. */
interface CutText {
  readonly text: string;
  readonly placeholder: string;
  /** The large strings as they stand in the JSON text, without quotation marks. */
  readonly literals: readonly Buffer[];
}

/**
 * Returns the value that a large string becomes, or undefined if it becomes a string.
 *
 * @param literal the string as it stands in the JSON text, without quotation marks
 * @param name the name of the member that has the string as its value
 * @param holder the object or array with that member; its other large strings may not be in place yet
 * @param root the whole value
 */
export type Reviver = (literal: Buffer, name: string, holder: object, root: unknown) => unknown;

const reviveNothing: Reviver = () => undefined;

/**
 * Parses like `JSON.parse` of the decoded text. Large strings do not pass through `JSON.parse`: they are decoded
 * straight from the bytes. This is several times faster if one string is most of the text.
 *
 * @param json UTF-8; ASCII if `encoding` is `latin1`
 * @throws SyntaxError
 */
export function parseJson(json: Buffer, encoding: Utf8Encoding, revive = reviveNothing): unknown {
  const cut = cutLargeStrings(json, encoding);
  if (cut !== undefined) {
    try {
      return putBack(JSON.parse(cut.text), cut, encoding, revive);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // the parser below describes the error in the original text
    }
  }
  return JSON.parse(json.toString(encoding));
}

/** Returns undefined if the text has to be parsed as a whole. */
function cutLargeStrings(json: Buffer, encoding: Utf8Encoding): CutText | undefined {
  if (json.length < minLargeBytes) return undefined;
  const placeholder = randomUUID(); // random, so that the text cannot contain it already
  const literals: Buffer[] = [];
  let text = "";
  let kept = 0;
  for (let open = json.indexOf(quoteMark); open !== -1; ) {
    const close = closingQuote(json, open + 1);
    if (close === -1 || text.length + open - kept > maxRestBytes) return undefined;
    if (close - open > minLargeBytes && !isMemberName(json, close)) {
      text += `${json.toString(encoding, kept, open + 1)}${placeholder}${literals.length}`;
      literals.push(json.subarray(open + 1, close));
      kept = close;
    }
    open = json.indexOf(quoteMark, close + 1);
  }
  const isWorthIt = literals.length > 0 && json.length - kept < maxRestBytes;
  return isWorthIt ? { text: text + json.toString(encoding, kept), placeholder, literals } : undefined;
}

/** Returns the index of the quotation mark that ends the string. Returns -1 if the string does not end. */
function closingQuote(json: Buffer, start: number): number {
  let escaped = 0;
  for (let at = json.indexOf(quoteMark, start); at !== -1; at = json.indexOf(quoteMark, at + 1)) {
    if (!isEscaped(json, start, at)) return at;
    escaped += 1;
    if (escaped === maxIndexedQuotes) return endOfString(json, at + 1);
  }
  return -1;
}

/** Tells whether an odd number of backslashes stands before `at`. */
function isEscaped(json: Buffer, start: number, at: number): boolean {
  let before = at;
  while (before > start && json[before - 1] === backslash) before -= 1;
  return (at - before) % 2 === 1;
}

/** Tells whether the string that ends at `close` is the name of a member. */
function isMemberName(json: Buffer, close: number): boolean {
  let at = close + 1;
  while (json[at] === 0x20 || json[at] === 0x09 || json[at] === 0x0d || json[at] === 0x0a) at += 1;
  return json[at] === colon;
}

/** Works without recursion, because values may be nested deeper than the call stack allows. @throws SyntaxError */
function putBack(parsed: unknown, cut: CutText, encoding: Utf8Encoding, revive: Reviver): unknown {
  const { placeholder, literals } = cut;
  const root = { parsed };
  const unused = new Set(literals);
  const left: Record<string, unknown>[] = [root];
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    for (const name of Object.keys(holder)) {
      const value = holder[name];
      if (typeof value === "object" && value !== null) left.push(value as Record<string, unknown>);
      else if (typeof value === "string" && value.startsWith(placeholder)) {
        const literal = literals[Number(value.slice(placeholder.length))] as Buffer;
        unused.delete(literal);
        setMember(holder, name, revive(literal, name, holder, parsed) ?? decodeString(literal, encoding));
      }
    }
  }
  // If two members have one name, only the last one was kept. The other one still has to be valid JSON.
  for (const literal of unused) decodeString(literal, encoding);
  return root.parsed;
}

/** @throws SyntaxError */
function decodeString(literal: Buffer, encoding: Utf8Encoding): string {
  if (literal.includes(backslash)) return JSON.parse(`"${literal.toString(encoding)}"`);
  if (hasControlCharacter(literal)) throw new SyntaxError("a control character in a string");
  return literal.toString(encoding);
}

/** An assignment would treat `__proto__` differently from other names. */
function setMember(holder: object, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}
