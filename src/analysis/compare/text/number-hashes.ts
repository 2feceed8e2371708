/** Numbers from 0 to `count` - 1 in place of hashes: equal hashes have equal numbers. */
export interface NumberedHashes {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly count: number;
}

export function numberHashes(left: Float64Array, right: Float64Array): NumberedHashes {
  const total = left.length + right.length;
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(total + 1) + 0.5)).fill(-1);
  const mask = slots.length - 1;
  const hashes = new Float64Array(total);
  let count = 0;
  const numberOf = (hash: number): number => {
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot] as number;
      if (number >= 0 && hashes[number] !== hash) continue;
      if (number >= 0) return number;
      slots[slot] = count;
      hashes[count] = hash;
      return count++;
    }
  };
  return { left: Int32Array.from(left, numberOf), right: Int32Array.from(right, numberOf), count };
}
