import { BrokenContentError, decodedText } from "../../formats/byte-stream.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Source } from "../../source.js";
import { createExactParser } from "./exact-json.js";
import { maxJsonChars } from "./json-rows.js";

/** Text that the parser is given at once: few items, so that they are garbage before they grow old. */
const partChars = 64 * 1024;
/** With a buffer, the parser holds a long text once, and not as an array of its characters. */
const stringBufferSize = 64 * 1024;
/** Lists and objects of one item. Each takes about 200 bytes of memory, if they are in one another. */
export const maxContainers = 100_000;

/** The items of a JSON array, part by part. */
export class JsonItems {
  readonly #texts: AsyncGenerator<string, void, undefined>;
  readonly #parser = createExactParser({ paths: ["$.*"], keepStack: false, stringBufferSize }, 2);
  #text = "";
  #at = 0;
  #found: unknown[] = [];
  /** Characters since the last item. */
  #waiting = 0;
  #chars = 0;
  #containers = 0;
  #failure: "too long" | "no JSON" | undefined;
  #damage: string | undefined;

  constructor(source: Source, detected: Detected) {
    this.#texts = decodedText(source, detected);
    this.#parser.onValue = (value) => {
      this.#found.push(value);
      this.#containers = 0;
    };
    this.#parser.onContainer = () => this.#count();
  }

  /** Why `next` has returned undefined before the end of the array. */
  get failure(): "too long" | "no JSON" | undefined {
    return this.#failure;
  }

  /** How the content is damaged behind the items, if its compression tells it. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** Characters that were read. */
  get chars(): number {
    return this.#chars;
  }

  /** The items that end in the next part; it may be none. Undefined if there is no other. */
  async next(): Promise<readonly unknown[] | undefined> {
    if (this.#failure !== undefined || !(await this.#hasText())) return undefined;
    const part = this.#text.slice(this.#at, this.#at + partChars);
    this.#at += part.length;
    this.#chars += part.length;
    this.#found = [];
    try {
      this.#parser.write(part);
    } catch {
      this.#failure ??= "no JSON"; // the parser has no other errors, and has handed out what came before
    }
    this.#waiting = this.#found.length > 0 ? 0 : this.#waiting + part.length;
    if (this.#waiting > maxJsonChars) this.#failure ??= "too long";
    return this.#found;
  }

  async close(): Promise<void> {
    await this.#texts.return();
  }

  /** @throws Error to stop the parser */
  #count(): void {
    this.#containers += 1;
    if (this.#containers <= maxContainers) return;
    this.#failure = "too long";
    throw new RangeError("too many lists and objects");
  }

  async #hasText(): Promise<boolean> {
    while (this.#at === this.#text.length) {
      const text = await this.#nextText();
      if (text === undefined) {
        if (!this.#parser.isEnded && this.#damage === undefined) this.#failure = "no JSON";
        return false;
      }
      this.#text = text;
      this.#at = 0;
    }
    return true;
  }

  async #nextText(): Promise<string | undefined> {
    try {
      const { value, done } = await this.#texts.next();
      return done === true ? undefined : value;
    } catch (error) {
      if (!(error instanceof BrokenContentError)) throw error;
      this.#damage = error.message;
      return undefined;
    }
  }
}
