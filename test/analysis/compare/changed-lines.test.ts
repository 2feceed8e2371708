import { describe, expect, it } from "vitest";
import { type ChangedLines, changedLines } from "../../../src/analysis/compare/text/changed-lines.js";
import { LineQueue } from "../../../src/analysis/compare/text/line-queue.js";
import { endlessRun } from "../../support/byte-sources.js";

/** Lines are numbers here, in groups of `group`. */
async function changesOf(
  before: readonly number[],
  after: readonly number[],
  windows: { usual: number; most: number },
  group = 3,
) {
  const run = endlessRun();
  const queueOf = (lines: readonly number[]) => new LineQueue(groupsOf(lines, group), 1, run);
  const generator = changedLines(queueOf(before), queueOf(after), run, windows);
  const changes: ChangedLines[] = [];
  for (;;) {
    const step = await generator.next();
    if (step.done) return { changes, isLost: step.value };
    changes.push(step.value);
  }
}

async function* groupsOf(lines: readonly number[], size: number): AsyncGenerator<Float64Array, void, undefined> {
  for (let at = 0; at < lines.length; at += size) yield Float64Array.from(lines.slice(at, at + size));
}

/** Makes the text after of the one before. */
function applied(before: readonly number[], after: readonly number[], changes: readonly ChangedLines[]): number[] {
  const lines: number[] = [];
  let next = 1;
  for (const { before: at, removed, after: other, added } of changes) {
    lines.push(...before.slice(next - 1, at - 1), ...after.slice(other - 1, other - 1 + added));
    next = at + removed;
  }
  return [...lines, ...before.slice(next - 1)];
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

describe("changedLines()", () => {
  it("makes the one text of the other, however small the windows are", async () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 500; round++) {
      const before = Array.from({ length: random(60) }, () => random(8));
      const after = before.filter(() => random(6) > 0).flatMap((line) => (random(6) > 0 ? [line] : [line, random(8)]));
      const windows = { usual: 1 + random(8), most: 8 + random(20) };
      const { changes } = await changesOf(before, after, windows, 1 + random(9));
      expect(applied(before, after, changes), JSON.stringify({ before, after, windows })).toEqual(after);
    }
  });

  it("finds lines again that have moved less far than the largest window", async () => {
    const before = range(0, 100);
    const after = [...range(1000, 1060), ...before];
    const found = await changesOf(before, after, { usual: 16, most: 128 });
    expect(found).toEqual({ changes: [{ before: 1, removed: 0, after: 1, added: 60 }], isLost: false });
  });

  it("says so where lines have moved further", async () => {
    const before = range(0, 100);
    const { changes, isLost } = await changesOf(before, [...range(1000, 1060), ...before], { usual: 8, most: 32 });
    expect(isLost).toBe(true);
    expect(applied(before, [...range(1000, 1060), ...before], changes)).toEqual([...range(1000, 1060), ...before]);
  });

  it("needs few lines between lines that both texts have once, after many edits", async () => {
    const length = 6000;
    const before = range(0, length);
    const after = before.map((line) => (line % 3 === 0 ? line : 10_000 + (line % 50))); // 4,000 edits of lines that repeat
    const repeated = before.map((line) => (line % 3 === 0 ? line : 10_000 + ((line + 1) % 50)));
    const { changes } = await changesOf(repeated, after, { usual: 10_000, most: 10_000 });
    expect(applied(repeated, after, changes)).toEqual(after);
    expect(changes.reduce((sum, { removed }) => sum + removed, 0)).toBeLessThanOrEqual(4000);
  });
});
