import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DerivedFacts } from "../../../../src/store/insight/derived-facts.js";
import { LineReader, type ReadLines } from "../../../../src/store/insight/lines/line-reader.js";
import { createMemoryDerivedStore } from "../../../support/memory-derived-store.js";
import { openText } from "../../../support/open-text.js";
import { silentLog } from "../../../support/silent-log.js";

const KiB = 1024;
const MiB = 1024 * KiB;
/** Room for any page of these tests. */
const chars = 32 * MiB;

function newReader(): LineReader {
  const artifacts = { get: async () => openText("").artifact };
  const derived = createMemoryDerivedStore();
  return new LineReader(new DerivedFacts({ artifacts, derived, log: silentLog, readOnly: false, maxRowPieceBytes: 0 }));
}

const read = (content: Uint8Array | string, wanted: Partial<ReadLines> = {}) =>
  newReader().read(openText(content), { chars, ...wanted });

/** The lines of a text without their line ends. */
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  return [...lines.map((line) => line.replace(/\r$/, "")), ...(last === "" ? [] : [last])];
}

const utf16be = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();
const encoders: Record<string, (text: string) => Buffer> = {
  "utf-8": (text) => Buffer.from(text),
  "utf-16le": (text) => Buffer.from(`\ufeff${text}`, "utf16le"),
  "utf-16be": (text) => utf16be(`\ufeff${text}`),
};

describe("LineReader.read()", () => {
  it("returns the lines from `line` on, and where the page lies", async () => {
    const page = await read("one\ntwo\nthree\nfour\n", { line: 2, lines: 2 });
    expect(page).toEqual({ text: "two\nthree", first: 2, last: 3, total: 4, encoding: "utf-8" });
    expect(await read("one\ntwo\n", { line: 2 })).toMatchObject({ text: "two", first: 2, last: 2, total: 2 });
    expect(await read("one\ntwo\n")).toMatchObject({ text: "one\ntwo", first: 1, last: 2, total: 2 });
    expect(await read("one\ntwo\n", { lines: 99 })).toMatchObject({ text: "one\ntwo", first: 1, last: 2 });
  });

  it("counts negative numbers from the end", async () => {
    const text = "1\n2\n3\n4\n5";
    expect(await read(text, { line: -1 })).toMatchObject({ text: "5", first: 5, last: 5, total: 5 });
    expect(await read(text, { line: -3, lines: 2 })).toMatchObject({ text: "3\n4", first: 3, last: 4 });
    expect(await read(text, { lines: -2 })).toMatchObject({ text: "4\n5", first: 4, last: 5 });
    expect(await read(text, { lines: -20 })).toMatchObject({ text, first: 1, last: 5 });
    expect(await read(text, { line: -20, lines: 1 })).toMatchObject({ text: "1", first: 1, last: 1 });
  });

  it("a last line without a line end counts, and an empty one does not", async () => {
    expect(await read("a\nb")).toMatchObject({ text: "a\nb", total: 2 });
    expect(await read("a\nb\n")).toMatchObject({ text: "a\nb", total: 2 });
    expect(await read("a\n\n")).toMatchObject({ text: "a\n", last: 2, total: 2 });
    expect(await read("\n")).toMatchObject({ text: "", first: 1, last: 1, total: 1 });
  });

  it("a text that begins with the letters of another format has lines", async () => {
    for (const text of ["PAR1 is a magic\nline2\n", "GIF89a notes\n2\n", "PK\n2\n"]) {
      expect(await read(text)).toMatchObject({ first: 1, last: 2, total: 2, encoding: "utf-8" });
    }
    for (const [content, type] of [
      [Buffer.from("%PDF-1.4\n"), "application/pdf"],
      [Buffer.from("GIF89a\0\0"), "image/gif"],
      [Buffer.from("PAR1\0\0"), "application/vnd.apache.parquet"],
    ] as const) {
      const message = `The content has no lines: it is ${type}.`;
      await expect(read(content)).rejects.toMatchObject({ code: "invalid_argument", message });
    }
  });

  it("empty content has no lines", async () => {
    const none = { text: "", first: 0, last: 0, total: 0 };
    for (const wanted of [{}, { line: 1 }, { line: -1 }, { lines: -20 }]) {
      expect(await read("", wanted)).toEqual({ ...none, encoding: "utf-8" });
    }
    expect(await read(Buffer.from([0xff, 0xfe]))).toEqual({ ...none, encoding: "utf-16le" });
    await expect(read("", { line: 2 })).rejects.toMatchObject({ code: "invalid_argument", details: { lines: 0 } });
  });

  it("does not show CR before LF, and shows it elsewhere", async () => {
    expect(await read("a\r\nb\r\n")).toMatchObject({ text: "a\nb", total: 2 });
    expect(await read("a\rb\nc\r")).toMatchObject({ text: "a\rb\nc\r", total: 2 });
  });

  it("the window in which the encoding is found may end inside a character", async () => {
    for (const shift of [0, 1, 2]) {
      const text = `${"x".repeat(shift)}${"日".repeat(30_000)}`;
      expect(await read(text)).toMatchObject({ text, encoding: "utf-8" });
    }
  });

  it("skips a byte order mark at the start alone", async () => {
    expect(await read("\ufeffa\n\ufeffb\n")).toMatchObject({ text: "a\n\ufeffb", total: 2 });
    expect(await read("\ufeffa\n\ufeffb\n", { line: 2 })).toMatchObject({ text: "\ufeffb" });
  });

  it("reads bytes that are no UTF-8, but plainly text, as Windows-1252", async () => {
    const page = await read(Buffer.from("636166e90a8035", "hex"), { line: 1 });
    expect(page).toMatchObject({ text: "café\n€5", total: 2, encoding: "latin-1" });
    expect(await read(Buffer.from("636166e9", "hex"))).toMatchObject({ text: "café", encoding: "latin-1" });
  });

  it("colours of a terminal are text, and a seldom bell or NUL", async () => {
    expect(await read("\x1b[31mred\x1b[0m\n")).toMatchObject({ total: 1, encoding: "utf-8" });
    expect(await read(`${"a line of a log\n".repeat(10)}\x07\n`)).toMatchObject({ total: 11, encoding: "utf-8" });
    const nul = `${"a line of a log\n".repeat(100)}${"\0".repeat(30)}\nthe next line\n`;
    expect(await read(nul, { line: -1 })).toMatchObject({ text: "the next line", total: 102, encoding: "utf-8" });
  });

  it.each([
    ["a picture", Buffer.from("89504e470d0a1a0a0000", "hex"), "image/png"],
    ["a zip", Buffer.from("504b030414000000", "hex"), "application/zip"],
    ["zeros", Buffer.alloc(100), "binary"],
    ["text with a NUL", Buffer.from("line\n\0\n"), "binary"],
    ["text of which every tenth byte is NUL", Buffer.from(`a line of\0`.repeat(1_000)), "binary"],
    ["control characters", Buffer.from([1, 2, 3, 4]), "binary"],
    ["a few bytes of no language", Buffer.from("41f3e2c1b0a7ffe041", "hex"), "binary"],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), "binary"],
  ])("refuses %s, and says what it is", async (_, content, what) => {
    await expect(read(content)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(what),
      next: "describe_content",
      details: { argument: "line" },
    });
  });

  it("refuses numbers that name no line", async () => {
    await expect(read("a\nb\n", { line: 3 })).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("2 lines"),
      details: { argument: "line", lines: 2 },
    });
    for (const line of [0, 1.5, Number.NaN]) {
      await expect(read("a", { line })).rejects.toMatchObject({ details: { argument: "line" } });
    }
    for (const lines of [0, 0.5]) {
      await expect(read("a", { lines })).rejects.toMatchObject({ details: { argument: "lines" } });
    }
    await expect(read("a\nb", { line: 1, lines: -1 })).rejects.toMatchObject({ details: { argument: "lines" } });
  });
});

describe("a page that is too short", () => {
  it("ends with the last whole line that fits", async () => {
    const text = "1234\n6789\n12\n";
    expect(await read(text, { chars: 9 })).toMatchObject({ text: "1234\n6789", first: 1, last: 2, total: 3 });
    expect(await read(text, { chars: 8 })).toMatchObject({ text: "1234", first: 1, last: 1, total: 3 });
    expect(await read(text, { chars: 12 })).toMatchObject({ text: "1234\n6789\n12", last: 3 });
    expect(await read(text, { chars: 11 })).toMatchObject({ text: "1234\n6789", last: 2 });
    expect((await read(text, { chars: 4 })).cut).toBeUndefined();
  });

  it("counts characters, not bytes, and CRLF as one", async () => {
    expect(await read("äöü\r\näöü\r\nx\r\n", { chars: 7 })).toMatchObject({ text: "äöü\näöü", last: 2 });
    expect(await read("日本\n日本\nx\n", { chars: 5 })).toMatchObject({ text: "日本\n日本", last: 2 });
  });

  it("cuts a first line that alone is too long, and says where the rest begins", async () => {
    const page = await read("short\n0123456789\r\nend\n", { line: 2, chars: 4 });
    expect(page).toMatchObject({ text: "0123", first: 2, last: 2, total: 3 });
    expect(page.cut).toEqual({ line: 2, shown_bytes: 4, line_bytes: 10, next_offset: 10 });
  });

  it.each([
    ["UTF-8", Buffer.from("日日日日日\n"), 2, "日", 3, 15, 3],
    ["UTF-8 of four bytes", Buffer.from("a😀😀\n"), 2, "a", 1, 9, 1],
    ["one character that is longer than the page", Buffer.from("😀😀\n"), 1, "😀", 4, 8, 4],
    ["Windows-1252", Buffer.from("41e94141410d0a", "hex"), 2, "Aé", 2, 5, 2],
    ["UTF-16", encoders["utf-16le"]?.("a😀b\r\n") as Buffer, 2, "a", 2, 8, 4],
    ["UTF-16 BE", encoders["utf-16be"]?.("a😀b") as Buffer, 3, "a😀", 6, 8, 8],
  ])("cuts %s at a character", async (_, content, most, text, shown_bytes, line_bytes, next_offset) => {
    const page = await read(content, { chars: most });
    expect(page).toMatchObject({ text, cut: { line: 1, shown_bytes, line_bytes, next_offset } });
  });

  it("cuts bytes that are no characters where a decoder does", async () => {
    const broken = Buffer.concat([Buffer.alloc(70 * KiB, "a"), Buffer.from("e080e280ff80808080f0", "hex")]);
    const page = await read(broken, { chars: 70 * KiB + 4 });
    const decoded = new TextDecoder().decode(broken);
    expect(decoded.startsWith(page.text)).toBe(true);
    expect(page.text.length).toBeGreaterThan(70 * KiB);
    const rest = broken.subarray(page.cut?.next_offset);
    expect(page.text + new TextDecoder().decode(rest)).toBe(decoded);
  });

  it("cuts a line of 10 MB and finds the lines after it", async () => {
    const content = Buffer.concat([Buffer.from("first\n"), Buffer.alloc(10_000_000, "x"), Buffer.from("\nlast")]);
    const page = await read(content, { line: 2, chars: 8_000 });
    expect(page).toMatchObject({ text: "x".repeat(8_000), first: 2, last: 2, total: 3 });
    expect(page.cut).toEqual({ line: 2, shown_bytes: 8_000, line_bytes: 10_000_000, next_offset: 8_006 });
    expect(await read(content, { line: 3 })).toMatchObject({ text: "last", first: 3 });
    expect(await read(content, { line: 1, lines: 1, chars: 8_000 })).toMatchObject({ text: "first", last: 1 });
  });
});

describe("long texts", () => {
  it("1,000,000 empty lines, and the same with CRLF", async () => {
    const page = await read("\n".repeat(1_000_000), { line: 999_990 });
    expect(page).toMatchObject({ text: "\n".repeat(10), first: 999_990, last: 1_000_000, total: 1_000_000 });
    const cut = await read("\r\n".repeat(1_000_000), { line: -500_000, chars: 99 });
    expect(cut).toMatchObject({ text: "\n".repeat(99), first: 500_001, last: 500_100, total: 1_000_000 });
  });

  it.each(Object.keys(encoders))("finds each line at the borders of blocks in %s", async (encoding) => {
    const unit = encoding === "utf-8" ? 1 : 2;
    const border = (256 * KiB) / unit;
    for (const shift of [-3, -2, -1, 0, 1]) {
      const skipped = unit === 2 ? 1 : 0; // the byte order mark
      const before = "x".repeat(border - skipped + shift);
      const text = `${before}\r\n${"y".repeat(5 * border)}\nlast\n`;
      const content = encoders[encoding]?.(text) ?? Buffer.alloc(0);
      const page = await read(content, { line: 1, lines: 1 });
      expect(page).toMatchObject({ first: 1, last: 1, total: 3, encoding });
      expect(page.text === before).toBe(true);
      expect(await read(content, { line: 3 })).toMatchObject({ text: "last" });
      expect((await read(content, { line: 2, lines: 1 })).text).toHaveLength(5 * border);
    }
  });

  it("a text that ends exactly with a block", async () => {
    for (const end of ["\n", "x"]) {
      const content = `${"0123456\n".repeat((2 * MiB) / 8 - 1)}0123456${end}`;
      const lines = linesOf(content);
      expect(await read(content, { line: -1 })).toMatchObject({ text: lines.at(-1), total: lines.length });
    }
  });

  it("UTF-16 whose halves look like line feeds, and that ends with half a unit", async () => {
    const text = "\u0a0a\u0a00\u000d\u0a0d".repeat(300_000);
    for (const encoding of ["utf-16le", "utf-16be"]) {
      const whole = encoders[encoding]?.(`${text}\n${text}\nlast`) ?? Buffer.alloc(0);
      const content = Buffer.concat([whole, Buffer.from([0x0a])]);
      expect(await read(content, { line: -1 })).toMatchObject({ text: "last\ufffd", total: 3 });
    }
  });

  it("any text, at any place, in any encoding", async () => {
    const part = fc.oneof(
      fc.constantFrom("\n", "\r\n", "\r", "", "\n\n\n"),
      fc.string({ unit: "grapheme", maxLength: 50 }),
      fc.integer({ min: 0, max: 300_000 }).map((length) => "ab日".repeat(length / 3)),
    );
    const texts = fc.array(part, { maxLength: 30 }).map((parts) => parts.join("").replace(/\p{Cc}/gu, keepLineEnds));
    await fc.assert(
      fc.asyncProperty(
        texts,
        fc.constantFrom(...Object.keys(encoders)),
        fc.nat(),
        fc.nat(40),
        async (text, encoding, at, lines) => {
          const all = linesOf(text);
          fc.pre(all.length > 0 && !text.startsWith("\ufeff"));
          const first = (at % all.length) + 1;
          const page = await read(encoders[encoding]?.(text) ?? "", { line: first, lines: lines + 1 });
          const expected = all.slice(first - 1, first + lines);
          expect(page.text === expected.join("\n")).toBe(true);
          expect(page).toMatchObject({ first, last: first - 1 + expected.length, total: all.length });
        },
      ),
      { numRuns: 60 },
    );
  });
});

const keepLineEnds = (character: string): string => (character === "\n" || character === "\r" ? character : "");
