import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readLines } from "../../../src/analysis/find/read-lines.js";
import type { Run, Source } from "../../../src/analysis/source.js";
import type { LinesAnalysis } from "../../../src/store/ports/analyses.js";

const MiB = 1024 * 1024;
const endless: Run = { isOver: () => false, report: () => undefined };

function sourceOf(bytes: Uint8Array): Source {
  const read = async (start: number, length: number) => Uint8Array.from(bytes.subarray(start, start + length));
  return { key: "a.log.gz", mimeType: "application/gzip", bytes: bytes.length, read };
}

const read = (text: Uint8Array | string, wanted: Partial<LinesAnalysis>, run = endless) =>
  readLines(sourceOf(gzipSync(text)), { kind: "lines", chars: 7_500, ...wanted }, run);

const numbered = Array.from({ length: 100_000 }, (_, index) => `line ${index + 1}`);
const text = `${numbered.join("\n")}\n`;

describe("readLines() of gzip", () => {
  it.each<[Partial<LinesAnalysis>, number, number]>([
    [{ lines: -3 }, 99_998, 100_000],
    [{ line: -3, lines: 2 }, 99_998, 99_999],
    [{ line: 70_000, lines: 5 }, 70_000, 70_004],
    [{ line: 100_000 }, 100_000, 100_000],
    [{ lines: 2 }, 1, 2],
    // "line 1" to "line 5" with the line ends between them are 34 characters.
    [{ chars: 35 }, 1, 5],
    [{ chars: 34 }, 1, 5],
    [{ chars: 33 }, 1, 4],
  ])("%o are the lines from %d to %d", async (wanted, first, last) => {
    const expected = {
      text: numbered.slice(first - 1, last).join("\n"),
      first,
      last,
      total: 100_000,
      encoding: "utf-8",
    };
    expect(await read(text, wanted)).toEqual(expected);
  });

  it("reads any lines of any text", async () => {
    const texts = fc.array(fc.tuple(fc.stringMatching(/^[aé😀]{0,4}$/u), fc.constantFrom("\n", "\r\n")), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom("", "end"), fc.nat(), fc.nat(9), async (pairs, end, at, more) => {
        const lines = [...pairs.map(([line]) => line), ...(end === "" ? [] : [end])];
        fc.pre(lines.length > 0);
        const first = (at % lines.length) + 1;
        const part = lines.slice(first - 1, first + more);
        const whole = pairs.flat().join("") + end;
        const expected = { text: part.join("\n"), first, last: first - 1 + part.length, total: lines.length };
        expect(await read(whole, { line: first, lines: more + 1 })).toMatchObject(expected);
        expect(await read(whole, { line: first - 1 - lines.length, lines: more + 1 })).toMatchObject(expected);
      }),
    );
  });

  it.each([12_000, MiB - 1, 3 * MiB + 5])("cuts a line of %d bytes that is too long", async (length) => {
    for (const end of ["\n", "\r\n"]) {
      const long = `first\n${"é".repeat(10)}${"x".repeat(length - 20)}${end}last`;
      const cut = { line: 2, shown_bytes: 7_510, line_bytes: length };
      const shown = `${"é".repeat(10)}${"x".repeat(7_490)}`;
      expect(await read(long, { line: 2 })).toEqual({
        text: shown,
        first: 2,
        last: 2,
        total: 3,
        encoding: "utf-8",
        cut,
      });
      expect(await read(long, {})).toMatchObject({ text: "first", last: 1, total: 3 });
      expect(await read(long, { line: -1 })).toMatchObject({ text: "last", first: 3, total: 3 });
    }
  });

  it("reads UTF-16, and content without lines", async () => {
    const utf16 = Buffer.from("\uFEFFeins\r\nzwei", "utf16le");
    expect(await read(utf16, { line: 2 })).toEqual({ text: "zwei", first: 2, last: 2, total: 2, encoding: "utf-16le" });
  });

  it("refuses lines that there are not, and content that is no text", async () => {
    await expect(read("a\nb\n", { line: 3 })).rejects.toMatchObject({
      code: "invalid_argument",
      message: "There is no line 3: the content has 2 lines.",
      details: { argument: "line", lines: 2 },
    });
    await expect(read("a", { lines: 0 })).rejects.toMatchObject({ details: { argument: "lines" } });
    await expect(read(Buffer.from([1, 2, 3, 4, 0, 0]), {})).rejects.toMatchObject({
      code: "invalid_argument",
      next: "describe_content",
      details: { argument: "line" },
    });
  });

  it("reads what comes out of a gzip that breaks off, and says so", async () => {
    const packed = gzipSync(text);
    const source = sourceOf(packed.subarray(0, packed.length / 2));
    const page = await readLines(source, { kind: "lines", line: 10, lines: 2, chars: 100 }, endless);
    expect(page).toMatchObject({ text: "line 10\nline 11", partial: { reason: "damaged" } });
    expect(page.total).toBeGreaterThan(10_000);
    expect(page.total).toBeLessThan(100_000);
    const last = await readLines(source, { kind: "lines", lines: -1, chars: 100 }, endless);
    expect(last).toMatchObject({ first: page.total, partial: { reason: "damaged" } });
    await expect(readLines(source, { kind: "lines", line: 200_000, chars: 100 }, endless)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(
        /^There is no line 200000 that can be read: the content has at least \d+ lines\. The gzip data breaks off/,
      ),
    });
  });

  it("does not count the lines if the time is over, and refuses lines that it did not reach", async () => {
    const overAfter = (most: number) => {
      let looks = 0;
      return { ...endless, isOver: () => ++looks > most };
    };
    const page = await read(text, { line: 10, lines: 2 }, overAfter(2));
    expect(page).toEqual({ text: "line 10\nline 11", first: 10, last: 11, encoding: "utf-8" });
    for (const wanted of [{ line: 99_000 }, { lines: -5 }]) {
      await expect(read(text, wanted, overAfter(2))).rejects.toMatchObject({ code: "too_large", next: "look_at_less" });
    }
  });
});
