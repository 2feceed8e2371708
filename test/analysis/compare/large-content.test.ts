import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { AnalysisThreads } from "../../../src/engines/threads/analysis-threads.js";
import type { AnalysedContent } from "../../../src/store/ports/analyses.js";
import type { Comparison } from "../../../src/store/ports/description.js";

const MiB = 1024 * 1024;

/** The limit of memory is the product's. That of time is far away: what is proven here are results, not speed. */
const threads = new AnalysisThreads(() => undefined, {
  program: fileURLToPath(new URL("../../../node_modules/.cache/test-workers/analysis-thread.cjs", import.meta.url)),
  limits: { timeMs: 10 * 60_000, graceMs: 10 * 60_000, memoryBytes: 64 * MiB },
});
afterAll(() => threads.close());

/** A content that is made when it is read: lines of one length, whose last byte is the line end. */
function linesOf(key: string, lines: number, lineAt: (index: number) => string): AnalysedContent {
  const length = Buffer.byteLength(lineAt(0));
  const bytes = lines * length;
  const read = async (start: number, wanted: number) => {
    const end = Math.min(bytes, start + wanted);
    const first = Math.floor(start / length);
    let text = "";
    for (let line = first; line * length < end; line++) text += lineAt(line);
    return Buffer.from(text, "latin1").subarray(start - first * length, end - first * length);
  };
  return { key, mimeType: "text/plain", bytes, reader: { read } };
}

/** Bytes that are all the same but for some. */
function bytesOf(key: string, bytes: number, fill: number, others: Readonly<Record<number, number>>): AnalysedContent {
  const read = async (start: number, wanted: number) => {
    const block = Buffer.alloc(Math.max(0, Math.min(wanted, bytes - start)), fill);
    for (const [at, byte] of Object.entries(others)) {
      const place = Number(at) - start;
      if (place >= 0 && place < block.length) block[place] = byte;
    }
    return block;
  };
  return { key, mimeType: "", bytes, reader: { read } };
}

const compare = (before: AnalysedContent, after: AnalysedContent, by?: string): Promise<Comparison> =>
  threads.run({ kind: "compare", names: ["a", "b"], chars: 2000, by }, [before, after]);

const line = (word: string, index: number): string => `${`${word} ${index}`.padEnd(49, ".")}\n`;
const hundredMegabytes = 2_000_000;

describe("compare() within 64 MiB", () => {
  it("finds edits at the beginning, in the middle and at the end of 100 MB", async () => {
    const edited = new Set([0, hundredMegabytes / 2, hundredMegabytes - 1]);
    const after = (index: number) => line(edited.has(index) ? "edited" : "line", index);
    const { text, ...rest } = await compare(
      linesOf("a.txt", hundredMegabytes, (index) => line("line", index)),
      linesOf("b.txt", hundredMegabytes, after),
    );
    expect(rest).toEqual({ kind: "text" });
    expect(text).toMatchObject({ lines_added: 3, lines_removed: 3, hunks: 3, cut: false });
    expect(text?.diff.match(/^[-+@].*/gm)?.map((shown) => shown.replaceAll(".", ""))).toEqual([
      "--- a",
      "+++ b",
      "@@ -1,4 +1,4 @@",
      "-line 0",
      "+edited 0",
      "@@ -999998,7 +999998,7 @@",
      "-line 1000000",
      "+edited 1000000",
      "@@ -1999997,4 +1999997,4 @@",
      "-line 1999999",
      "+edited 1999999",
    ]);
  });

  it("finds lines again that 400,000 new ones have moved", async () => {
    const { text, partial } = await compare(
      linesOf("a.txt", 1_000_000, (index) => line("line", index)),
      linesOf("b.txt", 1_400_000, (index) => (index < 400_000 ? line("new", index) : line("line", index - 400_000))),
    );
    expect(partial).toBeUndefined();
    expect(text).toMatchObject({ lines_added: 400_000, lines_removed: 0, hunks: 1, cut: true });
  });

  it("counts 1,000,000 lines that are all different", async () => {
    const { text, partial } = await compare(
      linesOf("a.txt", 1_000_000, (index) => line("one", index)),
      linesOf("b.txt", 1_000_000, (index) => line("two", index)),
    );
    expect(text).toMatchObject({ lines_added: 1_000_000, lines_removed: 1_000_000, cut: true });
    expect(partial).toMatchObject({ reason: "size" });
  });

  it("counts lines of ten kinds in random order", async () => {
    const kindAt = (index: number, factor: number) => Math.imul(index ^ (index >>> 7), factor) >>> 29;
    const { text } = await compare(
      linesOf("a.txt", 300_000, (index) => `${kindAt(index, 2654435761)}\n`),
      linesOf("b.txt", 300_000, (index) => `${kindAt(index, 1597334677)}\n`),
    );
    expect(text?.lines_added).toBe(text?.lines_removed);
    expect(text?.lines_added).toBeLessThanOrEqual(300_000);
    expect(text?.lines_added).toBeGreaterThan(0);
  });

  it("compares single lines of 200 MB", async () => {
    const x = 0x78;
    const { text } = await compare(
      bytesOf("a.txt", 200 * MiB, x, {}),
      bytesOf("b.txt", 200 * MiB, x, { 100000000: 0x79 }),
    );
    expect(text).toMatchObject({ lines_added: 1, lines_removed: 1, hunks: 1, cut: false });
    expect(text?.diff.length).toBeLessThan(2000);
  });

  it("finds the first byte that differs in 200 MB that are no text", async () => {
    const before = bytesOf("a.bin", 200 * MiB, 0, { 0: 0xff });
    const after = bytesOf("b.bin", 200 * MiB, 0, { 0: 0xff, 150000000: 1 });
    expect(await compare(before, after)).toMatchObject({ kind: "bytes", bytes: { first_difference: 150_000_000 } });
  });

  it("compares 1,000,000 rows by a key, in another order", async () => {
    const rows = 1_000_000;
    const row = (id: number, value: number) => `${id},${value}`.padEnd(19, "0").concat("\n");
    const header = "id,value________add\n";
    const before = linesOf("a.csv", rows + 1, (index) => (index === 0 ? header : row(1_000_000 + index, 1)));
    const after = linesOf("b.csv", rows + 1, (index) => {
      const id = 1_000_000 + rows + 2 - index; // the last one first, and one that is new
      return index === 0 ? header : row(id, id % 100_000 === 7 ? 2 : 1);
    });
    const { table, partial } = await compare(before, after, "id");
    expect(partial).toBeUndefined();
    expect(table).toMatchObject({
      rows_before: rows,
      rows_after: rows,
      by: { rows_added: 1, rows_removed: 1, rows_changed: 10, repeated_keys: 0, cut: false },
    });
  });

  const millions = 3_000_000;
  const keyed = (key: string, rows: number, idAt: (row: number) => number, changed = new Set<number>()) =>
    linesOf(key, rows + 1, (index) => {
      const id = idAt(index);
      return index === 0 ? "key____,v\n" : `${id},${changed.has(id) ? 9 : id % 7}\n`;
    });

  it("compares 3,000,000 rows in about the same order exactly", async () => {
    const changed = new Set([1_000_010, 2_500_000, 3_999_999]);
    const { table, partial } = await compare(
      keyed("a.csv", millions, (row) => 999_999 + row),
      keyed("b.csv", millions, (row) => 1_000_000 + (row ^ 1), changed), // neighbours change places
      "key____",
    );
    expect(partial).toBeUndefined();
    expect(table).toMatchObject({ rows_before: millions, rows_after: millions });
    expect(table?.by).not.toHaveProperty("at_least");
    expect(table?.by).toMatchObject({
      rows_added: 1,
      rows_removed: 1,
      rows_changed: 3,
      repeated_keys: 0,
      changes:
        "~ key____=1000010: v 4 -> 9\n~ key____=2500000: v 6 -> 9\n~ key____=3999999: v 3 -> 9\n+ key____=4000001: v=5\n- key____=1000001\n",
      cut: false,
    });
  });

  it("compares 3,000,000 rows with a few of them exactly, in any order", async () => {
    const { table, partial } = await compare(
      keyed("a.csv", millions, (row) => 999_999 + row),
      keyed("b.csv", 200_000, (row) => 3_999_999 - row),
      "key____",
    );
    expect(partial).toBeUndefined();
    expect(table?.by).toMatchObject({ rows_added: 0, rows_removed: 2_800_000, rows_changed: 0, cut: true });
    expect(table?.by?.changes.split("\n").slice(-3)).toEqual(["- key____=1000019", "- and 2799980 more", ""]);
  });

  it("gives lower bounds where too many rows wait for a row with the same key", async () => {
    const { table, partial, same } = await compare(
      keyed("a.csv", millions, (row) => 999_999 + row),
      keyed("b.csv", millions, (row) => 4_000_000 - row, new Set([2_500_000])),
      "key____",
    );
    expect(partial).toMatchObject({
      reason: "memory",
      message: expect.stringMatching(
        /^The comparison is not complete: after \d+ rows of a and \d+ rows of b, \d+ of them /,
      ),
    });
    expect(same).toBeUndefined();
    expect(table?.by).toMatchObject({ at_least: true, rows_added: 0, rows_removed: 0, rows_changed: 0 });
    const [, before, after, waiting] =
      /after (\d+) rows of a and (\d+) rows of b, (\d+)/.exec(partial?.message ?? "") ?? [];
    expect(Number(before) + Number(after)).toBe(Number(waiting));
    expect(Number(waiting)).toBeGreaterThan(2 ** 20);
  });
});
