import { Hasher } from "../hasher.js";
import { countLineEnds } from "./line-ends.js";
import type { Text } from "./text-of.js";

const lf = 10;
const cr = 13;

/**
 * The hashes of the lines of a text, in groups. A last line without a line end has another hash than the same with one.
 *
 * @param exactEnds CR LF and LF are different line ends
 */
export async function* lineHashes(text: Text, exactEnds: boolean): AsyncGenerator<Float64Array, void, undefined> {
  let { line, offset } = text.start;
  const lines = new LineHasher(exactEnds);
  for await (const block of text.blocks()) {
    text.remember({ line, offset });
    const hashes = lines.hashesIn(block);
    line += hashes.length;
    offset += block.length;
    yield hashes;
  }
  const last = lines.last();
  if (last !== undefined) yield Float64Array.of(last);
}

class LineHasher {
  readonly #exactEnds: boolean;
  readonly #hasher = new Hasher();
  /** The last line was begun in a block before. */
  #isOpen = false;
  /** Its last character is a CR, whose next character is not known yet. */
  #holdsCr = false;

  constructor(exactEnds: boolean) {
    this.#exactEnds = exactEnds;
  }

  /** The hashes of the lines that end in a block. */
  hashesIn(block: Uint8Array): Float64Array {
    const hashes = new Float64Array(countLineEnds(block));
    let from = 0;
    for (let line = 0; line < hashes.length; line++) {
      const to = block.indexOf(lf, from);
      this.#add(block, from, to);
      this.#holdsCr = false;
      this.#hasher.addBytes(block, to, to + 1);
      hashes[line] = this.#hasher.take();
      from = to + 1;
    }
    if (hashes.length > 0) this.#isOpen = false;
    if (from < block.length) this.#isOpen = true;
    this.#add(block, from, block.length);
    return hashes;
  }

  /** The hash of the last line, if it has no line end. */
  last(): number | undefined {
    this.#addHeldCr();
    return this.#isOpen ? this.#hasher.take() : undefined;
  }

  #add(block: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    this.#addHeldCr();
    this.#holdsCr = !this.#exactEnds && block[to - 1] === cr;
    this.#hasher.addBytes(block, from, this.#holdsCr ? to - 1 : to);
  }

  #addHeldCr(): void {
    if (this.#holdsCr) this.#hasher.addBytes(Uint8Array.of(cr), 0, 1);
    this.#holdsCr = false;
  }
}
