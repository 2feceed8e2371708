import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findLines } from "../../../src/analysis/find/find-lines.js";
import type { Run, Source } from "../../../src/analysis/source.js";
import type { FindAnalysis } from "../../../src/store/ports/analyses.js";
import type { FoundLines } from "../../../src/store/ports/description.js";

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
  return { from, total: shown.length, shown: shown.length, last: shown.at(-1) ?? 0, text: out.join("\n") };
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
    const expected = { from: 1, total: 2, shown: 2, last: 3, text: "1:Grüße\n3:und Grüße" };
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
      from: 1,
      total: 1_000,
      shown: 5,
      last: 5,
      text: "1:line 1\n2:line 2\n3:line 3\n4:line 4\n5:line 5",
    });
    let shown = 0;
    for (let line = 1; line <= 1_000; ) {
      const page = await find(text, { find: "line", chars: 50, context: 1, line });
      expect(page.text.length).toBeLessThanOrEqual(50);
      expect(page).toMatchObject({ from: line, total: 1_001 - line });
      shown += page.shown;
      line = page.last + 1;
    }
    expect(shown).toBe(1_000);
  });

  it("shows the first match in any case, cut if it must be", async () => {
    expect(await find("aaa\nbbbbbbbb\nccc\n", { find: "b", context: 1, chars: 6 })).toEqual({
      from: 1,
      total: 1,
      shown: 1,
      last: 2,
      text: "2:bbbb",
    });
  });

  it("cuts a line that is too long for the page around its first match, and never inside a character", async () => {
    const cut = async (text: string) => (await find(text, { find: "needle", chars: 300 })).text;
    expect(await cut(`${"😀".repeat(1_000)}needle${"😀".repeat(1_000)}`)).toBe(
      `1@4000:…${"😀".repeat(48)}needle${"😀".repeat(48)}…`,
    );
    expect(await cut(`needle${"y".repeat(1_000)}`)).toBe(`1@0:needle${"y".repeat(194)}…`);
    expect(await cut(`${"y".repeat(1_000)}needle`)).toBe(`1@1000:…${"y".repeat(194)}needle`);
  });

  it("shows lines whole while there is room, the matches first, and says which are cut", async () => {
    const line = (length: number) => `needle${"y".repeat(length - 6)}`;
    const text = `${"x".repeat(250)}\n${line(400)}\n${line(300)}\n${line(199)}\n`;
    const of = (chars: number) => find(text, { find: "needle", context: 1, chars });
    const whole = await of(8_000);
    expect(whole.text).toBe(`1-${"x".repeat(250)}\n2:${line(400)}\n3:${line(300)}\n4:${line(199)}`);
    expect(whole.cut).toBeUndefined();
    // Cut to 200 characters and an ellipsis, all take 203 + 203 + 203 + 201 and three line ends; 99 more are line 3.
    expect((await of(813)).cut).toEqual({ lines: 2, line: 2 });
    const some = await of(813 + 99);
    expect(some.text).toBe(`1-${"x".repeat(200)}…\n2:${line(200)}…\n3:${line(300)}\n4:${line(199)}`);
    expect(some.cut).toEqual({ lines: 1, line: 2 });
  });

  it("counts the matches of a line that is longer than the page, and shows an excerpt for each with its offset", async () => {
    const rows = Array.from({ length: 2_000 }, (_, index) => `{"délai":${index}}`);
    const text = `first\n[${rows.join(",")}]\n`;
    const bytes = Buffer.from(text);
    const places = [...text.matchAll(/:77/g)].map(({ index }) => Buffer.byteLength(text.slice(0, index)));
    expect(places).toHaveLength(11); // 77 and 770 to 779
    for (const wanted of [{ find: ":77" }, { find: ":7{2}", regex: true }]) {
      const { text: shown, ...found } = await find(text, wanted);
      const cut = { lines: 1, line: 2, matches: 11, offset: places[0] };
      expect(found).toEqual({ from: 1, total: 1, shown: 1, last: 2, cut });
      const excerpts = shown.split("\n").map((line) => /^2@(\d+):…(.*)…$/u.exec(line));
      for (const each of excerpts) {
        const [, offset, excerpt = ""] = each ?? [];
        expect(bytes.toString("utf8", Number(offset), Number(offset) + 3)).toBe(":77");
        expect(text).toContain(excerpt);
      }
      // Those that the excerpt before shows have none: 771 to 773 are in that of 770.
      expect(excerpts.map((found) => Number(found?.[1]))).toEqual([0, 1, 5, 9].map((n) => places[n]));
    }
    const utf16 = await find(Buffer.from(`\uFEFF${text}`, "utf16le"), { find: ":77" });
    expect(utf16.cut).toEqual({ lines: 1, line: 2, matches: 11 });
    expect(utf16.text).toMatch(/^2:…/u);
  });

  it("shows no more matching lines than are wanted, and what belongs to them", async () => {
    const text = "a\nb\nc\na\nd\na\na\ne\n";
    expect(await find(text, { find: "a", lines: 2, context: 1 })).toEqual({
      from: 1,
      total: 4,
      shown: 2,
      last: 4,
      text: "1:a\n2-b\n3-c\n4:a\n5-d",
    });
    expect(await find(text, { find: "a", lines: 3, context: 1 })).toMatchObject({ shown: 3, last: 6, total: 4 });
    expect((await find(text, { find: "a", lines: 3, context: 1, line: 3 })).text).toBe("3-c\n4:a\n5-d\n6:a\n7:a\n8-e");
  });

  it("refuses an expression that is too large", async () => {
    const expression = "a".repeat(1_000_000);
    await expect(find("a\n", { find: expression, regex: true })).rejects.toMatchObject({
      code: "invalid_argument",
      message: "The regular expression cannot be tried: regular expression too large.",
      details: { argument: "find" },
    });
  });

  it("searches the last lines, also through gzip", async () => {
    const text = Array.from({ length: 50_000 }, (_, index) => `line ${index + 1}`).join("\n");
    for (const content of [text, `${text}\n`, gzipSync(text), Buffer.from(`\uFEFF${text}`, "utf16le")]) {
      const found = await find(content, { find: "9", line: -10 });
      // 49991 to 50000: all but the last
      expect(found).toMatchObject({ from: 49_991, total: 9, shown: 9, last: 49_999 });
    }
    expect(await find("a\na\n", { find: "a", line: -300 })).toMatchObject({ from: 1, total: 2 });
    expect(await find("", { find: "a", line: -300 })).toMatchObject({ from: 1, total: 0 });
  });

  it("finds a literal anywhere in a line of several blocks, once", async () => {
    for (const at of [0, 5, MiB - 7, MiB - 4, MiB - 1, MiB, 2 * MiB - 3, 2 * MiB + 5, 3 * MiB - 9]) {
      const line = Buffer.alloc(3 * MiB, "y");
      line.write("néédle", at);
      const whole = Buffer.concat([Buffer.from("before\n"), line, Buffer.from("\r\nafter néédle\n")]);
      const found = await find(whole, { find: "néédle", context: 1 });
      expect(found).toMatchObject({ total: 2, shown: 2, last: 3 });
      expect(found.text).toMatch(/^1-before\n2@\d+:…?y*néédley*…?\n3:after néédle$/u);
      expect(found.cut).toEqual({ lines: 1, line: 2, matches: 1, offset: 7 + at });
      expect(found.text.length).toBeLessThan(250);
    }
  });

  it("tries an expression on the first 1 MiB of a longer line, and says so", async () => {
    const long = (beginning: string) => beginning + "y".repeat(2 * MiB);
    const text = `a\n${long("")}a\n${long("a")}\n${long("")}\na\n`;
    expect(await find(text, { find: "a", regex: true })).toEqual({
      from: 1,
      total: 3,
      shown: 3,
      last: 5,
      text: `1:a\n3@${2 * MiB + 4}:a${"y".repeat(199)}…\n5:a`,
      cut: { lines: 1, line: 3, matches: 1, offset: 2 * MiB + 4 },
      partial: {
        reason: "size",
        message:
          "3 lines, the first of them line 2, are longer than 1 MiB: the expression was tried on the first 1 MiB alone. A literal text is looked for in all.",
      },
    });
    expect(await find(text, { find: "a" })).toMatchObject({ total: 4 });
  });

  it("counts a million matches, and reads a line of 100 MB", async () => {
    expect(await find("a\n".repeat(1_000_000), { find: "a", chars: 3 })).toEqual({
      from: 1,
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
      from: 1,
      cut: { lines: 1, line: 1, matches: 1, offset: 100 * MiB },
      total: 1,
      shown: 1,
      last: 1,
      text: `1@${100 * MiB}:…${"y".repeat(97)}needle${"z".repeat(97)}…\n2-last`,
    });
  });

  it("says how many lines were searched when the time is over, and a search from the next line on finds the rest", async () => {
    const text = Array.from({ length: 500_000 }, (_, index) => `line ${index + 1}\n`).join("");
    for (const regex of [false, true]) {
      let total = 0;
      let line: number | undefined = 1;
      for (let calls = 0; line !== undefined; calls += 1) {
        let looks = 0;
        const run = { ...endless, isOver: () => ++looks > (regex ? 2_000 : 2 + 2 * calls) };
        const found: FoundLines = await find(text, { find: "99", regex, line }, run);
        expect(found.from).toBe(line);
        total += found.total;
        const { searched_to: end } = found;
        expect(found.partial).toEqual(
          end && { reason: "time", message: `The time limit was reached after line ${end}.` },
        );
        line = end && end + 1;
        expect(calls).toBeLessThan(20);
        if (line === undefined) expect(calls).toBeGreaterThan(1);
      }
      const lines = text.split("\n").filter((each) => each.includes("99"));
      expect(total).toBe(lines.length);
    }
  });

  it("counts lines, not blocks, of a slow expression, and refuses one that was tried on no line", async () => {
    const line = `${"a".repeat(20)}b`;
    const run = (ms: number) => {
      const end = performance.now() + ms;
      return { ...endless, isOver: () => performance.now() > end };
    };
    const slow = await find(`${line}\n`.repeat(5_000), { find: "(a+)+$|b", regex: true }, run(400));
    expect(slow.searched_to).toBeGreaterThan(0);
    expect(slow.searched_to).toBeLessThan(5_000);
    expect(slow.total).toBe(slow.searched_to);
    await expect(find("a\na\n", { find: "a", regex: true, line: 2 }, run(-1))).rejects.toMatchObject({
      code: "invalid_argument",
      message: "The expression takes too long: the time limit was reached before it was tried on all of line 2.",
      next: "simplify_expression",
    });
    for (const wanted of [
      { find: "a", line: 2 },
      { find: "a", line: -1 },
    ]) {
      await expect(find("a\na\n", wanted, run(-1))).rejects.toMatchObject({ code: "too_large", next: "look_at_less" });
    }
  });

  it("does not try an expression on the lines before the first one that is wanted", async () => {
    const slow = `${"a".repeat(40)}b\n`;
    const text = `${slow.repeat(100)}c\n`;
    // On one of the first lines it would take hours.
    expect(await find(text, { find: "^(a+)+$|c", regex: true, line: 101 })).toMatchObject({ total: 1, last: 101 });
  });

  it("finds what comes out of a gzip that breaks off", async () => {
    const text = Array.from({ length: 50_000 }, (_, index) => `find ${(index * 7_919) % 50_021}\n`).join("");
    const found = await find(gzipSync(text).subarray(0, -20), { find: "find" });
    expect(found.total).toBeGreaterThan(40_000);
    expect(found.partial?.reason).toBe("damaged");
  });

  it("finds nothing in empty content", async () => {
    expect(await find("", {})).toEqual({ from: 1, total: 0, shown: 0, last: 0, text: "" });
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
