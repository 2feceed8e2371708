import type { Hit } from "./pattern.js";

/** Characters of a line that are shown. */
const shownChars = 200;

/** A line as it is shown. */
export interface ShownLine {
  readonly line: number;
  readonly text: string;
}

/** Matching lines with their context, as grep shows them, up to a number of characters. */
export class FoundText {
  readonly #chars: number;
  readonly #context: number;
  readonly #parts: string[] = [];
  #length = 0;
  #shown = 0;
  #last = 0;
  /** The last line in the text. */
  #lastLine = 0;
  #isFull = false;

  constructor(chars: number, context: number) {
    this.#chars = chars;
    this.#context = context;
  }

  /** Nothing more can be added. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get found() {
    return { shown: this.#shown, last: this.#last, text: this.#parts.join("\n") };
  }

  /** The last line whose context after a match is still missing; 0 if none is. */
  get contextEnd(): number {
    const end = this.#shown === 0 ? 0 : this.#last + this.#context;
    return this.#isFull || this.#lastLine >= end ? 0 : end;
  }

  /** The first line of the context before a match in this line, without what is shown already. */
  contextStart(line: number): number {
    return Math.max(1, line - this.#context, this.#lastLine + 1);
  }

  /** Adds a match, with the lines before it from `contextStart` on. */
  match({ line, text }: ShownLine, before: readonly ShownLine[]): void {
    if (this.#isFull) return;
    const own = `${line}:${text}`;
    const first = before[0]?.line ?? line;
    const gap = this.#context > 0 && this.#shown > 0 && first > this.#lastLine + 1 ? ["--"] : [];
    const isAdded =
      this.#add([...gap, ...before.map((each) => `${each.line}-${each.text}`), own]) || this.#addFirst(own);
    if (!isAdded) {
      this.#isFull = true;
      return;
    }
    this.#shown += 1;
    this.#last = line;
    this.#lastLine = line;
  }

  /** Adds the next line of the context after a match. */
  after({ line, text }: ShownLine): void {
    if (this.#isFull) return;
    if (this.#add([`${line}-${text}`])) this.#lastLine = line;
    else this.#isFull = true;
  }

  /** The first match is shown in any case, so that a caller who goes on behind it comes to an end. */
  #addFirst(own: string): boolean {
    return this.#shown === 0 && this.#add([own.length <= this.#chars ? own : own.slice(0, this.#chars)]);
  }

  #add(lines: readonly string[]): boolean {
    const length = lines.reduce((sum, line) => sum + line.length, 0) + lines.length;
    if (this.#length + length > this.#chars + 1) return false; // the last line has no line end
    this.#parts.push(...lines);
    this.#length += length;
    return true;
  }
}

/** A line, cut to about 200 characters around a match. `…` is where it is cut. */
export function cutLine(line: string, { at, length }: Hit = { at: 0, length: 0 }): string {
  if (line.length <= shownChars) return line;
  const room = Math.max(0, Math.floor((shownChars - length) / 2));
  let start = Math.max(0, Math.min(at - room, line.length - shownChars));
  let end = start + shownChars;
  if (isLowSurrogate(line, start)) start += 1;
  if (isLowSurrogate(line, end)) end -= 1;
  return `${start > 0 ? "…" : ""}${line.slice(start, end)}${end < line.length ? "…" : ""}`;
}

/** Whether a cut here would divide a character. */
function isLowSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}
