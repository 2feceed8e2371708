import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findLines } from "../../../src/analysis/find/find-lines.js";
import type { Run, Source } from "../../../src/analysis/source.js";
import type { FindAnalysis } from "../../../src/store/ports/analyses.js";

const MiB = 1024 * 1024;
const endless: Run = { isOver: () => false, report: () => undefined };

function sourceOf(content: Uint8Array | string, key = "a.txt"): Source {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const read = async (start: number, length: number) => Uint8Array.from(bytes.subarray(start, start + length));
  return { key, mimeType: "text/plain", bytes: bytes.length, read };
}

const find = (content: Uint8Array | string, wanted: Partial<FindAnalysis>, run = endless) =>
  findLines(sourceOf(content), { kind: "find", find: "x", regex: false, context: 0, chars: 8_000, ...wanted }, run);

/** What grep prints, from the lines as a whole. */
function grep(text: string, isMatch: (line: string) => boolean, context: number, from: number) {
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  const contents = lines.map((line, index) =>
    index < lines.length - 1 || text.endsWith("\n") ? line.replace(/\r$/, "") : line,
  );
  const matches = contents.flatMap((line, index) => (text !== "" && isMatch(line) ? [index + 1] : []));
  const shown = matches.filter((line) => line >= from);
  const out: string[] = [];
  let previous = 0;
  for (const [index, content] of contents.entries()) {
    const line = index + 1;
    if (!shown.some((match) => Math.abs(match - line) <= context)) continue;
    if (context > 0 && previous > 0 && line > previous + 1) out.push("--");
    out.push(`${line}${shown.includes(line) ? ":" : "-"}${content}`);
    previous = line;
  }
  const before = matches.length - shown.length;
  return { total: matches.length, before, shown: shown.length, last: shown.at(-1) ?? 0, text: out.join("\n") };
}

const someLines = fc
  .array(fc.tuple(fc.stringMatching(/^[abé😀 ]{0,4}$/u), fc.constantFrom("\n", "\r\n")), { maxLength: 30 })
  .map((lines) => lines.flat().join(""));
const aText = fc.tuple(someLines, fc.constantFrom("", "b", "ab")).map(([lines, last]) => lines + last);
const contexts = fc.integer({ min: 0, max: 3 });
const froms = fc.integer({ min: 1, max: 12 });

describe("findLines", () => {
  it("finds what grep finds, with context, from any line on", async () => {
    await fc.assert(
      fc.asyncProperty(aText, fc.constantFrom("a", "b", "é", "😀", "ab", " "), contexts, froms, async (...given) => {
        const [text, wanted, context, line] = given;
        const expected = grep(text, (each) => each.includes(wanted), context, line);
        expect(await find(text, { find: wanted, context, line })).toEqual(expected);
        if (text !== "") expect(await find(gzipSync(text), { find: wanted, context, line })).toEqual(expected);
      }),
    );
  });

  it("tries an expression on each line without its line end", async () => {
    const expressions = fc.constantFrom("^a", "b$", "^$", "^.$", "a|é", "\\s", "(?i)A", "b*", "[^a]$");
    await fc.assert(
      fc.asyncProperty(aText, expressions, contexts, froms, async (text, expression, context, line) => {
        const plain = new RegExp(expression.replace("(?i)", ""), expression.startsWith("(?i)") ? "iu" : "u");
        const expected = grep(text, (each) => plain.test(each), context, line);
        expect(await find(text, { find: expression, regex: true, context, line })).toEqual(expected);
      }),
    );
  });

  it("finds the same where blocks end inside lines and characters", async () => {
    await fc.assert(
      fc.asyncProperty(aText, fc.integer({ min: 0, max: 60 }), contexts, froms, async (text, back, context, line) => {
        const whole = `${"é".repeat((MiB - back) / 2)}\n${text}`;
        const lines = grep(whole, (each) => each.includes("a"), context, line);
        const expected = { ...lines, text: lines.text.replace(/(?<=1-)(é{200})é+/u, "$1…") };
        expect(await find(whole, { find: "a", context, line })).toEqual(expected);
        expect(await find(whole, { find: "a", regex: true, context, line })).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it.each(["utf-16le", "utf-16be", "latin-1", "utf-8 with BOM"])("reads %s", async (encoding) => {
    const text = "Grüße\r\nnone\r\nund Grüße\r\n";
    const utf16 = Buffer.from(`\uFEFF${text}`, "utf16le");
    const bytes = {
      "utf-16le": utf16,
      "utf-16be": Buffer.from(utf16).swap16(),
      "latin-1": Buffer.from(text, "latin1"),
      "utf-8 with BOM": Buffer.from(`\uFEFF${text}`),
    }[encoding] as Buffer;
    const expected = { total: 2, before: 0, shown: 2, last: 3, text: "1:Grüße\n3:und Grüße" };
    expect(await find(bytes, { find: "Grüße" })).toEqual(expected);
    expect(await find(bytes, { find: "Gr..e$", regex: true })).toEqual(expected);
    expect(await find(bytes, { find: "^Gr", regex: true })).toMatchObject({ total: 1, last: 1 });
  });

  it("compares a literal text as it is, and an expression with (?i) without case", async () => {
    const text = "Error (1)\nerror (2)\nERROR [3]\n";
    expect(await find(text, { find: "error" })).toMatchObject({ total: 1, last: 2 });
    expect(await find(text, { find: "(?i)error" })).toMatchObject({ total: 0, last: 0, text: "" });
    expect(await find(text, { find: "(?i)error", regex: true })).toMatchObject({ total: 3 });
    expect(await find(text, { find: "(1)" })).toMatchObject({ total: 1, text: "1:Error (1)" });
    // Needless backslashes and lone brackets parse only without the flag u.
    expect(await find(text, { find: "\\-|]", regex: true })).toMatchObject({ total: 1, last: 3 });
  });

  it("shows as many whole lines as fit, counts all, and goes on at the line behind the last", async () => {
    const text = Array.from({ length: 1_000 }, (_, index) => `line ${index + 1}`).join("\n");
    const first = await find(text, { find: "line", chars: 50 });
    // "1:line 1" to "5:line 5" with their line ends are 44 characters.
    expect(first).toEqual({
      total: 1_000,
      before: 0,
      shown: 5,
      last: 5,
      text: "1:line 1\n2:line 2\n3:line 3\n4:line 4\n5:line 5",
    });
    let shown = 0;
    for (let line = 1; line <= 1_000; ) {
      const page = await find(text, { find: "line", chars: 50, context: 1, line });
      expect(page.text.length).toBeLessThanOrEqual(50);
      expect(page).toMatchObject({ total: 1_000 });
      shown += page.shown;
      line = page.last + 1;
    }
    expect(shown).toBe(1_000);
  });

  it("shows the first match in any case, cut if it must be", async () => {
    expect(await find("aaa\nbbbbbbbb\nccc\n", { find: "b", context: 1, chars: 6 })).toEqual({
      total: 1,
      before: 0,
      shown: 1,
      last: 2,
      text: "2:bbbb",
    });
  });

  it("cuts a long line around its first match, and never inside a character", async () => {
    const long = `${"😀".repeat(1_000)}needle${"😀".repeat(1_000)}`;
    const { text } = await find(long, { find: "needle" });
    expect(text).toBe(`1:…${"😀".repeat(48)}needle${"😀".repeat(48)}…`);
    expect((await find(`needle${"y".repeat(1_000)}`, { find: "needle" })).text).toBe(`1:needle${"y".repeat(194)}…`);
    expect((await find(`${"y".repeat(1_000)}needle`, { find: "needle" })).text).toBe(`1:…${"y".repeat(194)}needle`);
  });

  it("finds a literal anywhere in a line of several blocks, once", async () => {
    for (const at of [0, 5, MiB - 7, MiB - 4, MiB - 1, MiB, 2 * MiB - 3, 2 * MiB + 5, 3 * MiB - 9]) {
      const line = Buffer.alloc(3 * MiB, "y");
      line.write("néédle", at);
      const whole = Buffer.concat([Buffer.from("before\n"), line, Buffer.from("\r\nafter néédle\n")]);
      const found = await find(whole, { find: "néédle", context: 1 });
      expect(found).toMatchObject({ total: 2, shown: 2, last: 3 });
      expect(found.text).toMatch(/^1-before\n2:…?y*néédley*…?\n3:after néédle$/u);
      expect(found.text.length).toBeLessThan(250);
    }
  });

  it("tries an expression on the first 1 MiB of a longer line, and says so", async () => {
    const long = (beginning: string) => beginning + "y".repeat(2 * MiB);
    const text = `a\n${long("")}a\n${long("a")}\n${long("")}\na\n`;
    expect(await find(text, { find: "a", regex: true })).toEqual({
      total: 3,
      before: 0,
      shown: 3,
      last: 5,
      text: `1:a\n3:a${"y".repeat(199)}…\n5:a`,
      partial: {
        reason: "size",
        message:
          "2 lines, the first of them line 2, are longer than 1 MiB: the expression was tried on the first 1 MiB alone.",
      },
    });
    expect(await find(text, { find: "a" })).toMatchObject({ total: 4 });
  });

  it("counts a million matches, and reads a line of 100 MB", async () => {
    expect(await find("a\n".repeat(1_000_000), { find: "a", chars: 3 })).toEqual({
      total: 1_000_000,
      shown: 1,
      last: 1,
      text: "1:a",
    });
    const block = Buffer.alloc(MiB, "y");
    const end = Buffer.from(`needle${"z".repeat(300)}\nlast`);
    const bytes = 100 * MiB + end.length;
    const read = async (start: number, length: number) =>
      start < 100 * MiB ? block.subarray(0, length) : end.subarray(start - 100 * MiB, start - 100 * MiB + length);
    const source = { ...sourceOf(""), bytes, read };
    const wanted = { kind: "find", find: "needle", regex: false, context: 1, chars: 8_000 } as const;
    expect(await findLines(source, wanted, endless)).toEqual({
      total: 1,
      shown: 1,
      last: 1,
      text: `1:…${"y".repeat(97)}needle${"z".repeat(97)}…\n2-last`,
    });
  });

  it("says how far it came when the time is over", async () => {
    const text = "find me\n".repeat((3 * MiB) / 8);
    let looks = 0;
    const run = { ...endless, isOver: () => ++looks > 2 };
    const found = await find(text, { find: "me" }, run);
    expect(found.total).toBe((2 * MiB) / 8);
    expect(found.partial).toEqual({ reason: "time", message: "The time was over after the first 2,097,152 bytes." });
    looks = 0;
    expect(await find(text, { find: "me", regex: true }, run)).toMatchObject({ partial: { reason: "time" } });
  });

  it("finds what comes out of a gzip that breaks off", async () => {
    const text = Array.from({ length: 50_000 }, (_, index) => `find ${(index * 7_919) % 50_021}\n`).join("");
    const found = await find(gzipSync(text).subarray(0, -20), { find: "find" });
    expect(found.total).toBeGreaterThan(40_000);
    expect(found.partial?.reason).toBe("damaged");
  });

  it("finds nothing in empty content", async () => {
    expect(await find("", {})).toEqual({ total: 0, before: 0, shown: 0, last: 0, text: "" });
  });

  it.each([
    [{ find: "" }, "nothing to find"],
    [{ find: "", regex: true }, "nothing to find"],
    [{ find: "a\nb" }, "has a line end"],
    [{ find: "(", regex: true }, "does not parse as a regular expression of JavaScript: unterminated group."],
    [{ find: "a{2,1}", regex: true }, "numbers out of order in {} quantifier."],
  ])("refuses %o", async (wanted, message) => {
    await expect(find("a", wanted)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(message),
      details: { argument: "find" },
    });
  });

  it("says what content is that is no text", async () => {
    const png = Buffer.from("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489", "hex");
    await expect(find(png, {})).rejects.toMatchObject({
      code: "invalid_argument",
      message: "This content is no text, in which lines could be found: it is of the format png.",
      next: "describe_content",
      details: { argument: "find", format: "png" },
    });
  });
});
