/** Random numbers from 0 up to, but not including, 1: mulberry32. The same seed gives the same numbers. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Texts that often break names: separators, white space, controls, combining marks, the ends of Unicode's ranges. */
const awkward = [
  ..."/////...  \\\\-_~%?#&+=;:'\"<>|*()[]{}!@$,",
  ...["\0", "\t", "\n", "\x1f", "\x7f", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u3000", "\ufeff"],
  ...["\u061c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069"],
  ...["\ufdd0", "\ufdef", "\ufffe", "\uffff", "\u{1fffe}", "\u{10ffff}", "\ud800", "\udbff", "\udc00", "\udfff"],
  ...["e", "a", "=", "<", "\u0301", "\u0308", "\u0323", "\u0327", "\u0338", "\u0344", "\u0345"],
  ...["é", "ế", "ΐ", "\u0958", "\u0f73", "\u212b", "\u1100", "\u1161", "\u11a8", "각", "\ufb2c", "\u{2f800}"],
  ...["报", "告", "😀", "\ud7ff", "\ue000", "\uf8ff", "\ufffd", "\u{10000}", "\u{1d160}", "%41", "%2F", "%zz", "x"],
];

/** A text of at most `most` parts: awkward texts and random code points, including lone surrogates. */
export function randomText(random: () => number, most: number): string {
  let text = "";
  for (let left = Math.floor(random() * (most + 1)); left > 0; left -= 1) {
    const piece = awkward[Math.floor(random() * awkward.length * 1.2)];
    const top = [0x80, 0x800, 0x10000, 0x110000][Math.floor(random() * 4)] ?? 0x80;
    text += piece ?? String.fromCodePoint(Math.floor(random() * top));
  }
  return text;
}
