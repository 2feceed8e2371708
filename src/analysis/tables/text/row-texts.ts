import { count } from "../../../store/model/count.js";
import type { PartialReason } from "../../../store/ports/description.js";
import { BrokenContentError, decodedText } from "../../formats/byte-stream.js";
import type { Detected } from "../../formats/detect-format.js";
import { type Source, timeIsOver } from "../../source.js";

/** The longest row, in characters: what an unfinished row holds in memory is bounded. */
export const maxRowChars = 8 * 1024 * 1024;
/** Columns that are read. A row of 8 MiB could have millions. */
export const maxColumns = 100_000;

/**
 * Text of a content, each part together with the unfinished row of the part before. The caller looks at `text`, says with
 * `use` how much of it is whole rows, and asks for `more`.
 */
export class RowTexts {
  readonly #detected: Detected;
  readonly #parts: AsyncGenerator<string, void, undefined>;
  #text = "";
  #usedBytes: number;
  #isLast = false;
  #damage: string | undefined;
  #line = 1;
  readonly #newline: string;

  /** @param newline what ends a line */
  constructor(source: Source, detected: Detected, newline: "\n" | "\r" = "\n") {
    this.#newline = newline;
    this.#detected = detected;
    this.#parts = decodedText(source, detected);
    this.#usedBytes = detected.bom === true ? (detected.encoding === "utf-8" ? 3 : 2) : 0;
  }

  /** What is not used yet. */
  get text(): string {
    return this.#text;
  }

  /** No text follows, and the content is not damaged. */
  get isLast(): boolean {
    return this.#isLast && this.#damage === undefined;
  }

  /** How the content is damaged behind the text, if it is. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** The offset in bytes, out of a compression, at which the text begins. */
  get offset(): number {
    return this.#usedBytes;
  }

  /** The number of the line at which the text begins. */
  get line(): number {
    return this.#line;
  }

  /** Drops the first characters of the text. */
  use(chars: number): void {
    const used = chars === this.#text.length ? this.#text : this.#text.slice(0, chars);
    this.#usedBytes += this.#bytesOf(used);
    for (let at = used.indexOf(this.#newline); at !== -1; at = used.indexOf(this.#newline, at + 1)) this.#line += 1;
    this.#text = this.#text.slice(chars);
  }

  /**
   * Adds the next part; more of them if the unfinished row is long, so that looking at it again and again takes time in
   * proportion to its length. Returns false if nothing follows.
   */
  async more(): Promise<boolean> {
    if (this.#isLast) return false;
    const wanted = Math.min(this.#text.length, maxRowChars);
    const added: string[] = [];
    for (let chars = 0; chars === 0 || chars < wanted; ) {
      const part = await this.#next();
      if (part === undefined) break;
      added.push(part);
      chars += part.length;
    }
    this.#text += added.join("");
    return true;
  }

  async close(): Promise<void> {
    await this.#parts.return();
  }

  async #next(): Promise<string | undefined> {
    try {
      const { value, done } = await this.#parts.next();
      if (done !== true) return value;
    } catch (error) {
      if (!(error instanceof BrokenContentError)) throw error;
      this.#damage = error.message;
    }
    this.#isLast = true;
    return undefined;
  }

  #bytesOf(text: string): number {
    if (this.#detected.encoding === "latin-1") return text.length;
    return this.#detected.encoding === "utf-8" ? Buffer.byteLength(text) : 2 * text.length;
  }
}

/** Says that a table breaks off at the beginning of the text. @param why about the next row, as "is too long" */
export function brokenAt(rows: number, texts: RowTexts, why: string): string {
  const place = `byte ${texts.offset} (line ${texts.line})`;
  return `The table breaks off after ${count(rows, "row")}: the next one begins at ${place}, and ${why}. Nothing behind that was read.`;
}

/** Says that the content breaks off, or is damaged. */
export function endedByDamage(rows: number, damage: string): PartialReason {
  return { reason: "damaged", message: `The table breaks off after ${count(rows, "row")}. ${damage}` };
}

export function endedByTime(rows: number, texts: RowTexts): PartialReason {
  return timeIsOver(`${count(rows, "row")} (${texts.offset} bytes)`);
}
