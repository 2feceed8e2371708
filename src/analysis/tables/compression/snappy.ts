import { copyLiterals, copyMatch } from "./copy-match.js";

/**
 * Decompresses raw Snappy. https://github.com/google/snappy/blob/main/format_description.txt
 *
 * The one of hyparquet never ends for some damaged bytes: a literal of more than 2 GiB makes it go back.
 *
 * @param bytes how many come out, at most
 * @throws RangeError if they are damaged, or do not fit
 */
export function decompressSnappy(input: Uint8Array, bytes: number): Uint8Array {
  const output = new Uint8Array(bytes);
  let from = 0;
  let to = 0;
  const number = (length: number) => {
    if (length > input.length - from) throw new RangeError("Snappy breaks off");
    let value = 0;
    for (let index = 0; index < length; index++) value += (input[from + index] as number) * 2 ** (8 * index);
    from += length;
    return value;
  };
  while (number(1) >= 0x80); // the length, which the caller knows
  while (from < input.length) {
    const tag = number(1);
    const rest = tag >> 2;
    if ((tag & 3) === 0) {
      const length = (rest < 60 ? rest : number(rest - 59)) + 1;
      to = copyLiterals(input, from, length, output, to);
      from += length;
    } else if ((tag & 3) === 1) {
      to = copyMatch(output, to, (rest >> 3) * 256 + number(1), (rest & 7) + 4);
    } else {
      to = copyMatch(output, to, number((tag & 3) === 2 ? 2 : 4), rest + 1);
    }
  }
  return output.subarray(0, to);
}
