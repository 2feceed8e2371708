const lf = 10;

export function countLineEnds(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === lf) count++;
  }
  return count;
}

/** The line ends in the first block of a text, if they are all the same. */
export async function lineEndsIn(
  blocks: AsyncGenerator<Uint8Array, void, undefined>,
): Promise<"lf" | "crlf" | undefined> {
  const { value: block = new Uint8Array() } = await blocks.next();
  await blocks.return();
  let crlf = 0;
  let all = 0;
  for (let at = block.indexOf(lf); at >= 0; at = block.indexOf(lf, at + 1)) {
    all++;
    if (block[at - 1] === 13) crlf++;
    if (crlf > 0 && crlf < all) return undefined;
  }
  if (all === 0) return undefined;
  return crlf > 0 ? "crlf" : "lf";
}
