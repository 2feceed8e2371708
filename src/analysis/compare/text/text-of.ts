import { BrokenContentError, decodedText } from "../../formats/byte-stream.js";
import type { Detected } from "../../formats/detect-format.js";
import { blocksOf, type Source } from "../../source.js";
import { countLineEnds } from "./line-ends.js";

type Blocks = AsyncGenerator<Uint8Array, void, undefined>;

/** Where a block begins: in a line, at an offset of the content. */
export interface Place {
  readonly line: number;
  readonly offset: number;
}

/** A text as UTF-8 without a byte order mark. It remembers where its blocks begin. */
export class Text {
  /** The place of the first block. */
  readonly start: Place;
  /** How a compressed content breaks off. Known after its last block. */
  broken: string | undefined;
  readonly #source: Source;
  readonly #detected: Detected;
  readonly #places: Place[] = [];

  constructor(source: Source, detected: Detected, start?: Place) {
    this.#source = source;
    this.#detected = detected;
    this.start = start ?? { line: 1, offset: detected.bom && isPlain(detected) ? 3 : 0 };
  }

  /** The bytes are those that are stored. */
  get isPlain(): boolean {
    return isPlain(this.#detected);
  }

  /** @param from a place of this text. One that is no plain text is read from its start, wherever that is */
  blocks(from = this.start): Blocks {
    return this.isPlain ? blocksOf(this.#source, from.offset) : this.#encoded();
  }

  /** Remembers the beginning of a block. Blocks come in order. */
  remember(place: Place): void {
    if (this.isPlain) this.#places.push(place);
  }

  /** The last known place before a line. */
  placeBefore(line: number): Place {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle]?.line ?? 0) < line) low = middle + 1;
      else high = middle;
    }
    return this.#places[low - 1] ?? this.start;
  }

  async *#encoded(): Blocks {
    try {
      for await (const text of decodedText(this.#source, this.#detected)) yield Buffer.from(text);
    } catch (error) {
      if (!(error instanceof BrokenContentError)) throw error;
      this.broken = error.message;
    }
  }
}

/** How a text is stored, for a reader: `utf-8`, `utf-8 with BOM`, `utf-16le with BOM, gzip`. */
export function storageOf({ encoding = "utf-8", bom = false, compression }: Detected): string {
  return `${encoding}${bom ? " with BOM" : ""}${compression === undefined ? "" : `, ${compression}`}`;
}

function isPlain({ encoding = "utf-8", compression }: Detected): boolean {
  return encoding === "utf-8" && compression === undefined;
}

/** How far back the beginning of a line is looked for. */
const maxBackBytes = 64 * 1024;

/**
 * Two texts without the beginning that they have in common, but with some lines of it for the context. They are the
 * whole texts if they are not stored in the same way, or if lines are very long.
 *
 * @param at where their bytes differ first
 */
export async function endsOf(
  before: readonly [Source, Detected],
  after: readonly [Source, Detected],
  at: number,
  context: number,
): Promise<[Text, Text]> {
  const [source, detected] = before;
  const isSame = isPlain(detected) && isPlain(after[1]) && detected.bom === after[1].bom;
  const offset = isSame ? await lineStartBefore(source, at, context) : 0;
  if (offset === 0) return [new Text(...before), new Text(...after)];
  let line = 1;
  for await (const block of blocksOf(source, 0, offset)) line += countLineEnds(block);
  return [new Text(...before, { line, offset }), new Text(...after, { line, offset })];
}

/** The beginning of the line that is so many lines before the one at `at`; 0 if it is not near. */
async function lineStartBefore(source: Source, at: number, lines: number): Promise<number> {
  const from = Math.max(0, at - maxBackBytes);
  const bytes = await source.read(from, at - from);
  let found = bytes.length;
  for (let line = 0; line <= lines && found >= 0; line++) found = found === 0 ? -1 : bytes.lastIndexOf(10, found - 1);
  return found < 0 ? 0 : from + found + 1;
}
