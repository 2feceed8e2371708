import type { Run } from "../../source.js";
import { alignLines, type CommonRun } from "./align-lines.js";
import type { LineQueue } from "./line-queue.js";

/** Lines that were replaced by others. Both begin at a line number; either may have no lines. */
export interface ChangedLines {
  readonly before: number;
  readonly removed: number;
  readonly after: number;
  readonly added: number;
}

export interface Windows {
  readonly usual: number;
  /** Where a change fills the usual one. */
  readonly most: number;
}

/** Lines of each text that are compared at once: they need about 40 bytes each. */
const defaultWindows: Windows = { usual: 2 ** 16, most: 2 ** 19 };

/** Texts that have less than this part of a window in common are compared in a larger one. */
const usualPart = 1 / 4;
/** In the largest window less may do. Lines as empty ones are in all texts, so it is not much less. */
const poorestPart = 1 / 8;

/**
 * Which lines differ, from the first to the last. Texts of any length are compared in windows. Within one window the
 * changes are the fewest possible, as `alignLines` finds them. It ends early if the time is over.
 *
 * @returns whether a change was larger than a window. Then lines after it may count as changed that have only moved
 */
export async function* changedLines(
  before: LineQueue,
  after: LineQueue,
  run: Run,
  windows = defaultWindows,
): AsyncGenerator<ChangedLines, boolean, undefined> {
  let isLost = false;
  for (;;) {
    await before.fill(1);
    await after.fill(1);
    if (run.isOver() || before.length + after.length === 0) return isLost;
    if (skipCommon(before, after) > 0 && !(before.hasAll && after.hasAll)) continue;
    const window = await nextWindow(before, after, isLost ? [windows.most] : [windows.usual, windows.most], run);
    if (window === undefined) return isLost;
    isLost ||= window.isPoor;
    yield* changesIn(before, after, window);
  }
}

function skipCommon(before: LineQueue, after: LineQueue): number {
  const left = before.view(before.length);
  const right = after.view(after.length);
  const shared = Math.min(left.length, right.length);
  let common = 0;
  while (common < shared && left[common] === right[common]) common++;
  before.skip(common);
  after.skip(common);
  return common;
}

interface Window {
  /** At most so many lines of each text. */
  readonly lines: number;
  readonly runs: readonly CommonRun[];
  /** All its lines count. Else the lines after the last run are compared again with those that follow. */
  readonly isWhole: boolean;
  /** The texts have little in common here, and go on. */
  readonly isPoor: boolean;
}

/** The first window that is not poor, or the last one. Undefined if the time is over. */
async function nextWindow(
  before: LineQueue,
  after: LineQueue,
  sizes: readonly number[],
  run: Run,
): Promise<Window | undefined> {
  let window: Window | undefined;
  for (const lines of sizes) {
    await before.fill(lines);
    await after.fill(lines);
    if (run.isOver()) return undefined;
    window = windowOf(before, after, lines, lines === sizes.at(-1) ? poorestPart : usualPart, run);
    if (!window.isPoor) break;
  }
  return window;
}

function windowOf(before: LineQueue, after: LineQueue, lines: number, leastPart: number, run: Run): Window {
  const left = before.view(lines);
  const right = after.view(lines);
  const isLast = before.hasAll && after.hasAll && left.length === before.length && right.length === after.length;
  const runs = alignLines(left, right, run);
  const common = runs.reduce((sum, { length }) => sum + length, 0);
  const shorter = Math.min(left.length, right.length);
  const isPoor = !isLast && common < shorter * leastPart;
  return { lines, runs, isPoor, isWhole: isLast || isPoor || shorter === 0 };
}

/** Takes the compared lines out of the queues. */
function* changesIn(
  before: LineQueue,
  after: LineQueue,
  { lines, runs, isWhole }: Window,
): Generator<ChangedLines, void, undefined> {
  const end = { before: Math.min(lines, before.length), after: Math.min(lines, after.length), length: 0 };
  const [firstLeft, firstRight] = [before.next, after.next];
  let left = 0;
  let right = 0;
  for (const common of isWhole ? [...runs, end] : runs) {
    const removed = common.before - left;
    const added = common.after - right;
    if (removed + added > 0) yield { before: firstLeft + left, removed, after: firstRight + right, added };
    left = common.before + common.length;
    right = common.after + common.length;
  }
  before.skip(left);
  after.skip(right);
}
