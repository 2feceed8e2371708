import { Hasher } from "./hasher.js";
import { countLineEnds } from "./line-ends.js";
import type { Text } from "./text-of.js";

const lf = 10;
const cr = 13;

/**
 * The hashes of the lines of a UTF-8 text, in groups. A last line without a line end has another hash than the same with
 * one.
 *
 * @param exactEnds CR LF and LF are different line ends
 */
export async function* lineHashes(text: Text, exactEnds: boolean): AsyncGenerator<Float64Array, void, undefined> {
  let { line: firstLine, offset } = text.start;
  const hasher = new Hasher();
  const heldCr = Uint8Array.of(cr);
  let holdsCr = false;
  let isOpen = false;
  for await (const block of text.blocks()) {
    text.remember({ line: firstLine, offset });
    const hashes = new Float64Array(countLineEnds(block));
    let from = 0;
    for (let line = 0; line < hashes.length; line++) {
      const to = block.indexOf(lf, from);
      const hasCr = !exactEnds && to > from && block[to - 1] === cr;
      if (holdsCr && to > from) hasher.addBytes(heldCr, 0, 1);
      holdsCr = false;
      hasher.addBytes(block, from, hasCr ? to - 1 : to);
      hasher.addBytes(block, to, to + 1);
      hashes[line] = hasher.take();
      from = to + 1;
    }
    if (hashes.length > 0) isOpen = false;
    if (from < block.length) {
      if (holdsCr) hasher.addBytes(heldCr, 0, 1);
      holdsCr = !exactEnds && block.at(-1) === cr;
      hasher.addBytes(block, from, holdsCr ? block.length - 1 : block.length);
      isOpen = true;
    }
    firstLine += hashes.length;
    offset += block.length;
    yield hashes;
  }
  if (holdsCr) hasher.addBytes(heldCr, 0, 1);
  if (isOpen) yield Float64Array.of(hasher.take());
}
