import { parseExactJson } from "./exact-json.js";

/** The longest row, in characters. What comes out of JSON may need a hundred times as much memory as its text. */
export const maxJsonChars = 1024 * 1024;

/** The lines of a text that are not blank, as JSON, one after another. */
export class JsonRows {
  readonly #text: string;
  readonly #isLast: boolean;
  #at = 0;
  #value: unknown;
  #failure: "too long" | "no JSON" | undefined;

  /** @param isLast the text ends with a whole line; otherwise the line at its end may go on */
  constructor(text: string, isLast: boolean) {
    this.#text = text;
    this.#isLast = isLast;
  }

  /** Where the next line begins. */
  get at(): number {
    return this.#at;
  }

  /** The value of the line. */
  get value(): unknown {
    return this.#value;
  }

  /** Why `next` or `skip` returned false for a whole line; it stays before that line. */
  get failure(): "too long" | "no JSON" | undefined {
    return this.#failure;
  }

  /** Goes to the next line, and parses it. */
  next(): boolean {
    const start = this.#at;
    if (!this.skip()) return false;
    try {
      this.#value = parseExactJson(this.#text.slice(start, this.#at));
      return true;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#failure = "no JSON";
      this.#at = start;
      return false;
    }
  }

  /** Passes the next line without parsing it. */
  skip(): boolean {
    while (this.#at < this.#text.length) {
      const lf = this.#text.indexOf("\n", this.#at);
      if (lf === -1 && !this.#isLast) return false;
      const end = lf === -1 ? this.#text.length : lf;
      if (end - this.#at > maxJsonChars) {
        this.#failure = "too long";
        return false;
      }
      const isBlank = this.#isBlank(end);
      this.#at = lf === -1 ? end : end + 1;
      if (!isBlank) return true;
    }
    return false;
  }

  #isBlank(end: number): boolean {
    for (let at = this.#at; at < end; at += 1) {
      const unit = this.#text.charCodeAt(at);
      if (unit !== 0x20 && unit !== 0x0d && unit !== 0x09) return false;
    }
    return true;
  }
}
