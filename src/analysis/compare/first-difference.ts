import { blocksOf, type Run, type Source } from "../source.js";

export interface FirstDifference {
  /** Undefined if all bytes that were looked at are the same. */
  readonly at: number | undefined;
  /** Bytes that were looked at; fewer than there are if the time limit was reached. */
  readonly compared: number;
}

/** Where two contents differ first: the end of the shorter one, if it is the beginning of the other. */
export async function firstDifference(before: Source, after: Source, run: Run): Promise<FirstDifference> {
  const shared = Math.min(before.bytes, after.bytes);
  const others = blocksOf(after, 0, shared);
  let compared = 0;
  try {
    for await (const block of blocksOf(before, 0, shared)) {
      const { value: other = new Uint8Array() } = await others.next();
      const at = differenceIn(block, other);
      if (at !== undefined) return { at: compared + at, compared };
      compared += block.length;
      if (run.isOver() && compared < shared) return { at: undefined, compared };
    }
  } finally {
    await others.return();
  }
  return { at: before.bytes === after.bytes ? undefined : shared, compared };
}

/** Blocks of both have the same length, as long as the sources give all that is asked for. */
function differenceIn(block: Uint8Array, other: Uint8Array): number | undefined {
  const length = Math.min(block.length, other.length);
  if (Buffer.compare(block, other) === 0) return undefined;
  for (let at = 0; at < length; at++) {
    if (block[at] !== other[at]) return at;
  }
  return length;
}
