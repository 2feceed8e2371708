/**
 * Repeats `length` bytes that lie `distance` bytes before `to`, as LZ77 compressions do: the two may overlap.
 *
 * @returns the end of the copy
 * @throws RangeError if they do not lie in `output`
 */
export function copyMatch(output: Uint8Array, to: number, distance: number, length: number): number {
  if (distance === 0 || distance > to || length > output.length - to) throw new RangeError("a match does not fit");
  const end = to + length;
  if (distance >= length) output.copyWithin(to, to - distance, end - distance);
  else for (let at = to; at < end; at++) output[at] = output[at - distance] as number;
  return end;
}

/** Copies bytes `[from, from + length)` as they are. Returns the end of the copy. @throws RangeError as `copyMatch` */
export function copyLiterals(input: Uint8Array, from: number, length: number, output: Uint8Array, to: number): number {
  if (length > input.length - from || length > output.length - to) throw new RangeError("literals do not fit");
  output.set(input.subarray(from, from + length), to);
  return to + length;
}
