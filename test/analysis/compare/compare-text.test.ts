import { gzipSync } from "node:zlib";
import { applyPatch } from "diff";
import { describe, expect, it } from "vitest";
import { compare } from "../../../src/analysis/compare/compare.js";
import type { Run } from "../../../src/analysis/source.js";
import type { Comparison } from "../../../src/store/ports/description.js";
import { endlessRun, sourceOfBytes } from "../../support/byte-sources.js";
import { randomNumbers } from "../../support/random-numbers.js";

type Content = string | Uint8Array;

async function compareTexts(
  before: Content,
  after: Content,
  chars = 8000,
  run: Run = endlessRun(),
): Promise<Comparison> {
  return compare(
    sourceOfBytes(before, "notes.txt", "text/plain"),
    sourceOfBytes(after, "notes.txt", "text/plain"),
    { kind: "compare", names: ["a", "b"], chars },
    run,
  );
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `line ${at + 1}`);
const joined = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** Length of the longest common subsequence, by the textbook. */
function commonLength(left: readonly string[], right: readonly string[]): number {
  let row = new Array<number>(right.length + 1).fill(0);
  for (const line of left) {
    const next = [0];
    right.forEach((other, at) => {
      next.push(line === other ? (row[at] ?? 0) + 1 : Math.max(row[at + 1] ?? 0, next[at] ?? 0));
    });
    row = next;
  }
  return row[right.length] ?? 0;
}

/** Two short texts of few different lines: the second one is another, or made of the first. */
function similarTexts(seed: number): [string, string] {
  const random = randomNumbers(seed);
  const lines = () => Array.from({ length: random(40) }, () => `${random(1 + random(12))}`);
  const left = lines();
  const edited = left.filter(() => random(5) > 0).flatMap((line) => (random(6) > 0 ? [line] : [line, "n"]));
  const textOf = (of: readonly string[]) => `${of.join("\n")}${random(3) > 0 && of.length > 0 ? "\n" : ""}`;
  return [textOf(left), textOf(seed % 2 === 0 ? lines() : edited)];
}

const linesOf = (text: string): string[] => text.match(/.*\n|.+$/g) ?? [];

describe("compare() of texts", () => {
  it("shows a changed line as GNU diff -u does", async () => {
    const before = numbered(10);
    const after = before.with(4, "line five");
    expect(await compareTexts(joined(before), joined(after))).toEqual({
      kind: "text",
      text: {
        lines_added: 1,
        lines_removed: 1,
        hunks: 1,
        diff: [
          "--- a",
          "+++ b",
          "@@ -2,7 +2,7 @@",
          " line 2",
          " line 3",
          " line 4",
          "-line 5",
          "+line five",
          " line 6",
          " line 7",
          " line 8",
          "",
        ].join("\n"),
        cut: false,
      },
    });
  });

  it("joins changes with six lines between them, and divides those with seven", async () => {
    const before = numbered(20);
    const six = before.with(2, "x").with(9, "y");
    const seven = before.with(2, "x").with(10, "y");
    expect((await compareTexts(joined(before), joined(six))).text?.hunks).toBe(1);
    const divided = (await compareTexts(joined(before), joined(seven))).text;
    expect(divided?.hunks).toBe(2);
    expect(divided?.diff.match(/^@@.*/gm)).toEqual(["@@ -1,6 +1,6 @@", "@@ -8,7 +8,7 @@"]);
  });

  it("says that a last line has no line end", async () => {
    const { text } = await compareTexts("one\ntwo\n", "one\ntwo");
    expect(text?.diff).toBe("--- a\n+++ b\n@@ -1,2 +1,2 @@\n one\n-two\n+two\n\\ No newline at end of file\n");
  });

  it("compares with an empty content, from either side", async () => {
    expect((await compareTexts("", "one\ntwo\n")).text).toMatchObject({
      lines_added: 2,
      lines_removed: 0,
      diff: "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+one\n+two\n",
    });
    expect((await compareTexts("one\n", "")).text?.diff).toBe("--- a\n+++ b\n@@ -1 +0,0 @@\n-one\n");
    expect(await compareTexts("", "")).toEqual({ kind: "identical" });
  });

  it("compares the characters of texts in other encodings, and names these", async () => {
    const text = joined(["größe", "zwei", "drei"]);
    const utf16 = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text.replace("zwei", "2"), "utf16le")]);
    const found = (await compareTexts(text, utf16)).text;
    expect(found).toMatchObject({ lines_added: 1, lines_removed: 1, encodings: ["utf-8", "utf-16le with BOM"] });
    expect(found?.diff).toBe("--- a\n+++ b\n@@ -1,3 +1,3 @@\n größe\n-zwei\n+2\n drei\n");
    const bom = (await compareTexts(text, `\uFEFF${text}`)).text;
    expect(bom).toMatchObject({ lines_added: 0, hunks: 0, diff: "", encodings: ["utf-8", "utf-8 with BOM"] });
  });

  it("looks through line ends that all differ, and names them", async () => {
    const before = numbered(6);
    const after = before.with(2, "other");
    const found = (await compareTexts(joined(before), after.map((line) => `${line}\r\n`).join(""))).text;
    expect(found).toMatchObject({ lines_added: 1, lines_removed: 1, line_ends: ["lf", "crlf"] });
    expect(found?.diff).toContain("-line 3\n+other\n");
    expect(found?.diff).not.toContain("\r");
  });

  it("tells single lines whose line ends differ", async () => {
    const { text } = await compareTexts("a\r\nb\r\nc\n", "a\r\nb\nc\n");
    expect(text).toMatchObject({ lines_added: 1, lines_removed: 1 });
    expect(text).not.toHaveProperty("line_ends");
  });

  it("gives a patch that makes the one text of the other, with the fewest lines", async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const [before, after] = similarTexts(seed);
      const { kind, text } = await compareTexts(before, after, 100_000);
      expect(kind).toBe(before === after ? "identical" : "text");
      if (before === after) continue;
      expect(applyPatch(before, text?.diff ?? ""), JSON.stringify([before, after])).toBe(after);
      const [left, right] = [linesOf(before), linesOf(after)];
      const common = commonLength(left, right);
      expect(text).toMatchObject({ lines_removed: left.length - common, lines_added: right.length - common });
    }
  });

  it("cuts after a whole hunk, and counts all", async () => {
    const before = numbered(1000);
    const after = before.map((line, at) => (at % 100 === 50 ? `${line} changed` : line));
    const { text } = await compareTexts(joined(before), joined(after), 400);
    expect(text).toMatchObject({ lines_added: 10, lines_removed: 10, hunks: 10, cut: true });
    expect(text?.diff.length).toBeLessThanOrEqual(400);
    expect(text?.diff.match(/^@@/gm)).toHaveLength(3);
    expect(text?.diff.endsWith(" line 254\n")).toBe(true);
  });

  it("cuts the first hunk after a line, so that it can be applied", async () => {
    const before = numbered(1000);
    const after = ["zero", ...before.map((line) => `${line}!`)];
    const { text } = await compareTexts(joined(before), joined(after), 300);
    expect(text).toMatchObject({ lines_added: 1001, lines_removed: 1000, hunks: 1, cut: true });
    expect(text?.diff.length).toBeLessThanOrEqual(300);
    expect(text?.diff.length).toBeGreaterThan(280);
    expect(applyPatch(joined(before), text?.diff ?? "")).not.toBe(false);
  });

  it("shows about 1,500 characters where most lines differ", async () => {
    const { text } = await compareTexts(joined(numbered(1000)), joined(numbered(1000).map((line) => `${line}!`)), 7200);
    expect(text).toMatchObject({ lines_added: 1000, lines_removed: 1000, cut: true });
    expect(text?.diff.length).toBeLessThanOrEqual(1500);
    expect(text?.diff.length).toBeGreaterThan(1450);
  });

  it("shows a part of a second hunk that is large", async () => {
    const before = numbered(3000);
    const { text } = await compareTexts(
      joined(before),
      joined([...before.slice(1, 1000), ...before.slice(1500)]),
      4000,
    );
    expect(text).toMatchObject({ lines_removed: 501, hunks: 2, cut: true });
    expect(text?.diff.length).toBeGreaterThan(3900);
    expect(applyPatch(joined(before), text?.diff ?? "")).not.toBe(false);
  });

  it("says that only the line ends, the encoding, the compression or the order differ", async () => {
    const lines = numbered(50);
    const same = async (after: Content) => {
      const { same: what, differs } = await compareTexts(joined(lines), after);
      return [what, differs];
    };
    expect(await same(joined(lines).replaceAll("\n", "\r\n"))).toEqual(["text", ["line_ends"]]);
    expect(await same(Buffer.from(`\ufeff${joined(lines)}`, "utf16le"))).toEqual(["text", ["encoding"]]);
    expect(await same(gzipSync(joined(lines)))).toEqual(["text", ["compression"]]);
    expect(await same(joined([...lines.slice(20), ...lines.slice(0, 20)]))).toEqual(["lines", ["order"]]);
    expect(await same(joined([...lines.slice(20), ...lines.slice(1, 20), "x"]))).toEqual([undefined, undefined]);
  });

  it("cuts long lines, and counts them", async () => {
    const long = "x".repeat(3_000_000);
    const { text } = await compareTexts(`a\n${long}1\nb\n`, `a\n${long}2\nb\n`);
    expect(text).toMatchObject({ lines_added: 1, lines_removed: 1, cut: false });
    expect(text?.diff).toContain(`-${"x".repeat(500)} [... 3000001 bytes]\n`);
  });

  it("shows where long lines differ, as far as the first megabyte of one", async () => {
    const json = (price: number) => JSON.stringify({ items: "é".repeat(200_000), price, more: "z".repeat(1000) });
    const { text } = await compareTexts(json(12), json(13));
    const shown = (price: number) =>
      `[199921 characters ...] ${"é".repeat(89)}","price":${price},"more":"${"z".repeat(390)}`;
    expect(text?.diff.split("\n").map((line) => line.replace(/ \[\.\.\. \d+ bytes\]$/, ""))).toEqual([
      "--- a",
      "+++ b",
      "@@ -1 +1 @@",
      `-${shown(12)}`,
      "\\ No newline at end of file",
      `+${shown(13)}`,
      "\\ No newline at end of file",
      "",
    ]);
  });

  it("compares what could be unpacked of a gzip that breaks off, and says so", async () => {
    const random = randomNumbers(3);
    const lines = Array.from({ length: 20_000 }, () => `${random(1_000_000_000)}`);
    const packed = gzipSync(joined(lines));
    const { text, partial } = await compareTexts(joined(lines), packed.subarray(0, packed.length / 2));
    expect(partial).toMatchObject({ reason: "damaged" });
    expect(text).toMatchObject({ hunks: 1, encodings: ["utf-8", "utf-8, gzip"] });
    expect(text?.lines_removed).toBeGreaterThan(5_000);
    expect(text?.lines_removed).toBeLessThan(15_000);
    expect(text?.lines_added).toBeLessThanOrEqual(1); // the line that breaks off
  });

  it("passes the errors of a content", async () => {
    const failure = new Error("the disk is gone");
    const source = sourceOfBytes("a\n".repeat(2_000_000), "a.txt");
    const failing = {
      ...source,
      read: (at: number, length: number) => (at > 1_000_000 ? Promise.reject(failure) : source.read(at, length)),
    };
    const wanted = { kind: "compare", names: ["a", "b"], chars: 8000 } as const;
    await expect(compare(source, failing, wanted, endlessRun())).rejects.toBe(failure);
    await expect(compare(failing, source, wanted, endlessRun())).rejects.toBe(failure);
  });

  it("says so if the time is over", async () => {
    let asked = 0;
    const run: Run = { isOver: () => ++asked > 5, report: () => undefined };
    const before = joined(numbered(300_000));
    const found = await compareTexts(before, `zero\n${before}`, 8000, run);
    expect(found.partial).toMatchObject({ reason: "time" });
  });
});
