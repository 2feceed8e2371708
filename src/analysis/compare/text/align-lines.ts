import { diffArrays } from "diff";
import type { Run } from "../../source.js";
import { numberHashes } from "./number-hashes.js";

/** Lines that two texts have in common: `length` of them, from index `before` of the one and `after` of the other. */
export interface CommonRun {
  readonly before: number;
  readonly after: number;
  readonly length: number;
}

/** More edits than this need too much time and memory: the search keeps a list of steps for each. */
const maxEdits = 1200;
const maxEditsBetweenAnchors = 100;
const timeoutMs = 1000;

/**
 * The longest common subsequence of two lists of hashes, in runs. Where more than 1,200 edits are needed between lines
 * that both have, it is a long one, and perhaps not the longest.
 */
export function alignLines(before: Float64Array, after: Float64Array, run: Run): CommonRun[] {
  const runs = new Runs();
  const shared = Math.min(before.length, after.length);
  let start = 0;
  while (start < shared && before[start] === after[start]) start++;
  let end = 0;
  while (end < shared - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  runs.add(0, 0, start);
  const [left, right] = linesOfBoth(
    before.subarray(start, before.length - end),
    after.subarray(start, after.length - end),
  );
  align(left.numbers, right.numbers, run, (leftAt, rightAt, length) => {
    for (let at = 0; at < length; at++) {
      runs.add(start + (left.indexes[leftAt + at] ?? 0), start + (right.indexes[rightAt + at] ?? 0), 1);
    }
  });
  runs.add(before.length - end, after.length - end, end);
  return runs.list;
}

/** Joins runs that follow each other. */
class Runs {
  readonly list: CommonRun[] = [];

  add(before: number, after: number, length: number): void {
    if (length === 0) return;
    const last = this.list.at(-1);
    if (last !== undefined && last.before + last.length === before && last.after + last.length === after) {
      this.list[this.list.length - 1] = { ...last, length: last.length + length };
    } else this.list.push({ before, after, length });
  }
}

interface Kept {
  readonly numbers: number[];
  readonly indexes: number[];
}

/** Only lines that both texts have can be common. The others need no search, however many they are. */
function linesOfBoth(before: Float64Array, after: Float64Array): [Kept, Kept] {
  const { left, right, count } = numberHashes(before, after);
  return [keepThose(left, seenIn(right, count)), keepThose(right, seenIn(left, count))];
}

function seenIn(numbers: Int32Array, count: number): Uint8Array {
  const seen = new Uint8Array(count);
  for (const number of numbers) seen[number] = 1;
  return seen;
}

function keepThose(all: Int32Array, wanted: Uint8Array): Kept {
  const numbers: number[] = [];
  const indexes: number[] = [];
  for (let index = 0; index < all.length; index++) {
    const number = all[index] as number;
    if (wanted[number] === 0) continue;
    numbers.push(number);
    indexes.push(index);
  }
  return { numbers, indexes };
}

type OnCommon = (before: number, after: number, length: number) => void;

function align(before: number[], after: number[], run: Run, onCommon: OnCommon): void {
  if (before.length === 0 || after.length === 0) return;
  if (alignMinimally(before, after, maxEdits, onCommon)) return;
  let left = 0;
  let right = 0;
  for (const anchor of [...anchorsOf(before, after), { before: before.length, after: after.length }]) {
    const [fromLeft, fromRight] = [left, right];
    const between: OnCommon = (leftAt, rightAt, length) => onCommon(fromLeft + leftAt, fromRight + rightAt, length);
    if (fromLeft < anchor.before && fromRight < anchor.after && !run.isOver()) {
      alignBetween(before.slice(fromLeft, anchor.before), after.slice(fromRight, anchor.after), between);
    }
    if (anchor.before < before.length) onCommon(anchor.before, anchor.after, 1);
    left = anchor.before + 1;
    right = anchor.after + 1;
  }
}

/** Gives up where the two have too little in common: all their lines then count as removed and added. */
function alignBetween(before: number[], after: number[], onCommon: OnCommon): void {
  if (alignMinimally(before, after, maxEditsBetweenAnchors, onCommon)) return;
  let start = 0;
  while (before[start] === after[start]) start++;
  let end = 0;
  while (before[before.length - 1 - end] === after[after.length - 1 - end] && end < before.length - start) end++;
  onCommon(0, 0, start);
  onCommon(before.length - end, after.length - end, end);
}

/** Returns whether the search ended within its limits. */
function alignMinimally(before: number[], after: number[], maxEditLength: number, onCommon: OnCommon): boolean {
  const parts = diffArrays(before, after, { maxEditLength, timeout: timeoutMs });
  if (parts === undefined) return false;
  let left = 0;
  let right = 0;
  for (const { added, removed, count } of parts) {
    if (!added && !removed) onCommon(left, right, count);
    if (!added) left += count;
    if (!removed) right += count;
  }
  return true;
}

interface Anchor {
  readonly before: number;
  readonly after: number;
}

/** Lines that are in each text once, as many as have the same order in both ("patience"). */
function anchorsOf(before: number[], after: number[]): Anchor[] {
  const leftAt = onlyPlaces(before);
  const rightAt = onlyPlaces(after);
  const pairs: Anchor[] = [];
  for (let at = 0; at < before.length; at++) {
    const number = before[at] as number;
    const other = rightAt[number] ?? -1;
    if (leftAt[number] === at && other >= 0) pairs.push({ before: at, after: other });
  }
  return longestRising(pairs);
}

const twice = -2;

/** For each number its only index in a list; negative if it is not in it, or more than once. */
function onlyPlaces(numbers: readonly number[]): Int32Array {
  let greatest = 0;
  for (const number of numbers) greatest = Math.max(greatest, number);
  const places = new Int32Array(greatest + 1).fill(-1);
  numbers.forEach((number, at) => {
    places[number] = places[number] === -1 ? at : twice;
  });
  return places;
}

/** The longest subsequence in which `after` rises. */
function longestRising(pairs: readonly Anchor[]): Anchor[] {
  const ends: number[] = []; // index of the pair with the least end, by length
  const previous = new Int32Array(pairs.length);
  const endOf = (index: number | undefined) => pairs[index ?? 0]?.after ?? 0;
  pairs.forEach((pair, index) => {
    let low = 0;
    for (let high = ends.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (endOf(ends[middle]) < pair.after) low = middle + 1;
      else high = middle;
    }
    previous[index] = low === 0 ? -1 : (ends[low - 1] ?? -1);
    ends[low] = index;
  });
  const rising: Anchor[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) rising.push(pairs[at] as Anchor);
  return rising.reverse();
}
