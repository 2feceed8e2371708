import { StringDecoder } from "node:string_decoder";
import { cutLine, isLowSurrogate, shownChars } from "./excerpt.js";
import { LineMatches } from "./line-matches.js";
import { longLineBytes } from "./line-pieces.js";
import { contentEnd, type Pattern } from "./pattern.js";

/** Looks for a pattern in a line that comes in parts. */
export class LongLine {
  readonly matches: LineMatches;
  /** How it is shown if it does not match. */
  #beginning: string | undefined;
  readonly #pattern: Pattern | undefined;
  /** Parts may end inside a character. */
  readonly #decoder = new StringDecoder("utf8");
  /** The end of the part before: enough for a match that the next part ends, and for what is shown before a match. */
  #tail = "";
  /** Where the search goes on in it. */
  #from = 0;
  /** Where it begins: characters of the line, and bytes of the content if they are known. */
  #tailChars = 0;
  #tailOffset: number | undefined;

  /**
   * @param pattern undefined if the line is not to be searched
   * @param offset where the line begins in the content
   */
  constructor(pattern: Pattern | undefined, chars: number, offset: number | undefined) {
    this.#pattern = pattern;
    this.matches = new LineMatches(chars);
    this.#tailOffset = offset;
  }

  get beginning(): string {
    return this.#beginning ?? "";
  }

  /** Only the first 1 MiB was tried. */
  get isCut(): boolean {
    return this.#pattern !== undefined && this.#pattern.length === undefined;
  }

  write(bytes: Buffer, isEnd: boolean): void {
    const isFirst = this.#beginning === undefined;
    const length = this.#pattern?.length;
    if (!isFirst && length === undefined) return;
    const read = length === undefined ? bytes.subarray(0, longLineBytes) : bytes;
    const text = withoutEnd(`${this.#tail}${this.#decoder.write(read)}`);
    this.#beginning ??= cutLine(text);
    const part = { text, charsBefore: this.#tailChars, offset: this.#tailOffset, isEnd };
    let from = this.#from;
    for (const hit of this.#pattern?.hitsIn(text, from) ?? []) {
      this.matches.add(part, hit);
      from = hit.at + hit.length;
    }
    if (length !== undefined) this.#keep(text, Math.max(from, text.length - length + 1), length);
  }

  #keep(text: string, from: number, length: number): void {
    const wanted = Math.max(0, text.length - shownChars - length);
    const start = wanted > 0 && isLowSurrogate(text, wanted) ? wanted - 1 : wanted;
    if (this.#tailOffset !== undefined) this.#tailOffset += Buffer.byteLength(text.slice(0, start));
    this.#tailChars += start;
    this.#tail = text.slice(start);
    this.#from = Math.max(0, from - start);
  }
}

/** A line without its line end. */
function withoutEnd(line: string): string {
  return line.endsWith("\n") ? line.slice(0, contentEnd(line, 0, line.length - 1)) : line;
}
