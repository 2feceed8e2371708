import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Arguments, type Connection, connect, pageTextOf, sha256Of, textOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const pageChars = 7_500;
const pageBytes = 9_000;
const MiB = 1024 * 1024;
const where = { bucket: "b", key: "k" };

async function setup() {
  const connection = await connect(createMemoryEngines());
  const save = (content: string | Uint8Array, mime_type = "text/plain") =>
    connection.store.artifacts.save({ ...where, bytes: Buffer.from(content), defaultMimeType: mime_type, mime_type });
  const read = (args: Arguments = {}) => connection.call("read_artifact", { ...where, ...args });
  return { ...connection, save, read };
}

interface Page {
  readonly text: string;
  readonly bytes: Buffer;
  readonly meta: Record<string, unknown>;
  /** The arguments of the next call, from the first block. Undefined on the last page. */
  readonly next: Arguments | undefined;
}

/** The bytes of characters in Windows-1252. */
const bytesByCharacter = new Map(
  Array.from({ length: 256 }, (_, byte) => [
    new TextDecoder("windows-1252").decode(Uint8Array.of(byte), { stream: true }),
    byte,
  ]),
);
const asLatin1 = (text: string): Buffer =>
  Buffer.from([...text].map((character) => bytesByCharacter.get(character) ?? 0x3f));

function pageOf(result: CallToolResult): Page {
  expect(result.isError, JSON.stringify(result.content).slice(0, 500)).toBeUndefined();
  expect(result).not.toHaveProperty("structuredContent");
  expect(result.content).toHaveLength(2);
  const [line, text] = [textOf(result), textOf(result, 1)];
  const next = / read_artifact (\{.*\})$/.exec(line)?.[1];
  if (next === undefined) expect(line).toMatch(/This is the end\.$/);
  const bytes = / as latin-1,/.test(line)
    ? asLatin1(text)
    : Buffer.from(text, / as base64,/.test(line) ? "base64" : "utf8");
  expect(result._meta).toMatchObject({ length: bytes.length });
  return { text, bytes, meta: result._meta ?? {}, next: next === undefined ? undefined : JSON.parse(next) };
}

/** All pages, read with the calls that the answers name. */
async function pagesOf({ call }: Pick<Connection, "call">, first: Arguments = {}): Promise<Page[]> {
  const pages: Page[] = [];
  for (let args: Arguments | undefined = { ...where, ...first }; args !== undefined; ) {
    const page = pageOf(await call("read_artifact", args));
    if (page.next) expect(page.meta).toMatchObject({ next_offset: page.next["offset"] });
    else expect(page.meta).not.toHaveProperty("next_offset");
    pages.push(page);
    args = page.next;
  }
  return pages;
}

const joined = (pages: readonly Page[]) => Buffer.concat(pages.map(({ bytes }) => bytes));

describe("read_artifact", () => {
  it.each([
    ["ASCII", "abcdefghij"],
    ["2-byte", "äöüéèñçøåß"],
    ["3-byte", "€‱あいうえお中文字"],
    ["4-byte", "😀🚀𝒳🎉🧪🎈🌍🍀🐢🦊"],
    ["mixed", "a€é😀"],
  ])(
    "cuts %s text between characters into pages of at most 7,500 characters and 9,000 bytes, which add up",
    async (_name, unit) => {
      const { save, call } = await setup();
      const content = `x${unit.repeat(Math.ceil(20_001 / unit.length))}`;
      await save(content);
      const pages = await pagesOf({ call });
      expect(pages.map(({ text }) => text).join("")).toBe(content);
      for (const { text } of pages) {
        expect(text.isWellFormed()).toBe(true);
        expect(text.length).toBeLessThanOrEqual(pageChars);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(pageBytes);
      }
      for (const { text } of pages.slice(0, -1)) {
        expect(text.length >= pageChars - 1 || Buffer.byteLength(text) > pageBytes - 4).toBe(true);
      }
    },
  );

  it("answers 7,500 characters in one page, and 7,501 in two", async () => {
    const { save, call } = await setup();
    await save("x".repeat(pageChars));
    expect(await pagesOf({ call })).toHaveLength(1);
    await save("x".repeat(pageChars + 1));
    expect((await pagesOf({ call })).map(({ text }) => text.length)).toEqual([pageChars, 1]);
  });

  it("says in _meta where the page is, in bytes, and in the first block which call is next", async () => {
    const { save, read } = await setup();
    await save("€".repeat(5));
    const first = await read({ length: 7 });
    expect(first._meta).toEqual({ offset: 0, length: 6, next_offset: 6, bytes: 15 });
    expect(pageTextOf(first)).toBe("€€");
    expect(pageOf(first).next).toEqual({ ...where, version: 1, offset: 6, length: 7 });
    const last = await read({ offset: 6 });
    expect(last._meta).toEqual({ offset: 6, length: 9, bytes: 15 });
    expect(pageOf(last).next).toBeUndefined();
  });

  it("names the version in the next call, so that pages of two versions do not mix", async () => {
    const { save, call, read } = await setup();
    await save("1".repeat(10_000));
    const { next } = pageOf(await read());
    await save("2".repeat(10_000));
    expect(pageOf(await call("read_artifact", next)).text).toBe("1".repeat(10_000 - pageChars));
  });

  it.each([0, 1, 2, 3])("moves an offset %i bytes inside a character to the start of the character", async (inside) => {
    const { save, read } = await setup();
    await save("ab😀cd");
    const page = pageOf(await read({ offset: 2 + inside }));
    expect(page.text).toBe("😀cd");
    expect(page.meta).toEqual({ offset: 2, length: 6, bytes: 8 });
  });

  it.each([1, 2, 3])("answers at least one character if length %i is smaller than a character", async (length) => {
    const { save, call } = await setup();
    await save("😀€é");
    const pages = await pagesOf({ call }, { length });
    expect(pages.map(({ text }) => text).join("")).toBe("😀€é");
    expect(pages.length).toBeLessThanOrEqual(3);
  });

  it("answers pages that add up for any text, length and encoding", async () => {
    const { save, call } = await setup();
    const anyText = fc.string({ unit: "binary", minLength: 1, maxLength: 60 });
    const encodings = fc.constantFrom("auto", "utf8", "base64");
    await fc.assert(
      fc.asyncProperty(anyText, fc.integer({ min: 1, max: 20 }), encodings, async (text, length, encoding) => {
        const { version } = await save(text);
        expect(joined(await pagesOf({ call }, { version, length, encoding }))).toEqual(Buffer.from(text));
      }),
      { numRuns: 60 },
    );
  });

  it("answers pages that add up for any bytes under a text type", async () => {
    const { save, call } = await setup();
    const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(anyBytes, fc.integer({ min: 1, max: 20 }), async (bytes, length) => {
        const { version } = await save(bytes);
        expect(joined(await pagesOf({ call }, { version, length }))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 200, examples: [[Uint8Array.of(0, 0x80, 0xc2, 0x80, 0), 3]] },
    );
  });

  it("answers pages that add up if a page in the middle of long text is not UTF-8", async () => {
    const { save, call } = await setup();
    const bytes = Buffer.concat([Buffer.from("€".repeat(9_000)), Buffer.from([0xff]), Buffer.from("€".repeat(9_000))]);
    await save(bytes);
    const pages = await pagesOf({ call });
    expect(pages[0]?.text).toBe("€".repeat(3_000));
    expect(sha256Of(joined(pages))).toBe(sha256Of(bytes));
  });

  it("answers bytes of other types as base64, 7,500 characters a page", async () => {
    const { save, call } = await setup();
    const bytes = Buffer.from(Uint8Array.from({ length: 15_001 }, (_, n) => n % 251));
    await save(bytes, "application/octet-stream");
    const pages = await pagesOf({ call }, { encoding: "base64" });
    expect(pages.map(({ text }) => text.length)).toEqual([
      pageChars,
      pageChars,
      4 * Math.ceil((15_001 - 2 * 5_625) / 3),
    ]);
    expect(sha256Of(joined(pages))).toBe(sha256Of(bytes));
  });

  it.each([
    ["text", Buffer.from("a,b\r\n1,\u20ac\t2\n"), "utf8"],
    ["empty", Buffer.alloc(0), "utf8"],
    ["text with a NUL", Buffer.from("a\0b"), "base64"],
    ["text with an escape", Buffer.from("a\u001bb"), "base64"],
    ["not UTF-8", Buffer.from([0x61, 0xff]), "base64"],
  ] as const)("shows a part of content without a type by what its bytes are: %s", async (_what, bytes, encoding) => {
    const { save, read } = await setup();
    await save(bytes, "application/octet-stream");
    const page = await read({ length: 100 });
    expect(pageTextOf(page)).toBe(bytes.toString(encoding));
    expect(textOf(page)).toContain(` as ${encoding}, `);
    expect(textOf(page)).not.toMatch(/not UTF-8/);
  });

  it("answers pages that add up if text without a type has bytes of other kinds in its middle", async () => {
    const { save, call } = await setup();
    const bytes = Buffer.concat([
      Buffer.from("\u20ac".repeat(9_000)),
      Buffer.from([0, 0xff]),
      Buffer.from("\u20ac".repeat(9_000)),
    ]);
    await save(bytes, "application/octet-stream");
    expect(sha256Of(joined(await pagesOf({ call })))).toBe(sha256Of(bytes));
  });

  it("answers base64 if a part of a text type is neither UTF-8 nor like text in Latin-1", async () => {
    const { save, read } = await setup();
    const bytes = Buffer.from("caf\u00e9\u0081 au lait", "latin1"); // Windows-1252 has no 0x81
    await save(bytes);
    const page = await read({ length: 100 });
    expect(pageTextOf(page)).toBe(bytes.toString("base64"));
    expect(textOf(page)).toMatch(/as base64/);
  });

  it.each(["text/csv", "application/octet-stream"])("shows Windows-1252 under %s as text", async (type) => {
    const { save, read, call } = await setup();
    const content = "caf\u00e9;\u20ac 5\n".repeat(3_000); // 0xe9 and 0x80
    const bytes = asLatin1(content);
    await save(bytes, type);
    for (const args of [{}, { length: 7 }, { length: 9, offset: 3 }, { encoding: "utf8" }]) {
      const page = pageOf(await read(args));
      const { offset, length } = page.meta as { offset: number; length: number };
      expect(page.text).toBe(content.slice(offset, offset + length)); // one byte a character
    }
    const pages = await pagesOf({ call });
    expect(pages.map(({ text }) => text).join("")).toBe(content);
    for (const { text } of pages) {
      expect(text.length).toBeLessThanOrEqual(pageChars);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(pageBytes);
    }
    expect(pages.length).toBeLessThanOrEqual(5);
    expect(textOf(await read())).toMatch(
      new RegExp(`^\\d+ bytes from offset 0 as latin-1, of 27000 \\(${type}, version 1\\)\\. Next`),
    );
  });

  it.each([
    ["Parquet", "t.parquet", "application/vnd.apache.parquet"],
    ["another type", "t.xyz", "x/y"],
  ])("shows text that is stored as %s, all its pages, and says so", async (_what, _key, type) => {
    const { save, read, call } = await setup();
    const content = "id,name\n1,\u20ac\n".repeat(2_000);
    await save(content, type);
    expect(textOf(await read())).toContain(
      `(${type}, version 1). The content is text, though its type does not say so. Next page: `,
    );
    expect((await pagesOf({ call })).map(({ text }) => text).join("")).toBe(content);
    const bytes = Buffer.from("PAR1\u0000\u0001\u00ff");
    await save(bytes, type);
    expect(textOf(await read())).toMatch(/^Not shown: /);
  });

  it.each([
    ["a byte", Buffer.from("caf\u00e9\u0081", "latin1"), { length: 9 }, "0xe9 at offset 3"],
    ["a byte from an offset", Buffer.from("caf\u00e9\u0081", "latin1"), { offset: 2 }, "0xe9 at offset 3"],
    ["text that is cut off in a character", Buffer.from("a\u20ac").subarray(0, 3), { length: 9 }, "0xe2 at offset 1"],
    [
      "a byte far behind",
      Buffer.concat([Buffer.alloc(21_000, "\u20ac"), Buffer.of(0xff)]),
      { offset: 15_000 },
      "0xff at offset 21000",
    ],
  ])("names the first byte that is not UTF-8 under a text type: %s", async (_what, bytes, args, invalid) => {
    const { save, read, refusal } = await setup();
    await save(bytes, "text/csv");
    const said = `Stored as text/csv, but not UTF-8: the first byte that is not is ${invalid}.`;
    const line = textOf(await read(args));
    expect(line).toMatch(/as base64, of \d+ \(text\/csv, version 1\)\. Stored/);
    expect(line).toContain(said);
    const error = await refusal("read_artifact", { ...where, ...args, encoding: "utf8" });
    expect(error).toMatchObject({ code: "invalid_argument", argument: "encoding" });
    expect(error.message).toBe(`${said} Read the bytes with encoding base64.`);
  });

  it("answers text as base64 and bytes as text if encoding says so, and repeats encoding in the next call", async () => {
    const { save, read } = await setup();
    await save("hel\u001blo", "x/y");
    expect(pageTextOf(await read({ length: 9 }))).toBe("aGVsG2xv");
    expect(pageTextOf(await read({ encoding: "utf8" }))).toBe("hel\u001blo");
    await save("hello world");
    const page = pageOf(await read({ encoding: "base64", length: 5 }));
    expect(page.text).toBe("aGVsbG8=");
    expect(page.next).toMatchObject({ encoding: "base64", offset: 5 });
  });

  it.each<[string, string | Uint8Array, string, Arguments, boolean]>([
    ["text in a fake image, with an escape, from an offset", "hello \u001bworld", "image/png", { offset: 2 }, true],
    ["text of another type, with an escape", "hello\u001b", "x/y", { length: 9 }, true],
    ["text without a type, with an escape", "hel\u001blo", "application/octet-stream", { length: 9 }, true],
    [
      "text that is cut inside its characters at both ends",
      "\u00e9\u20ac\u001b\u{1f600}a",
      "x/y",
      { offset: 1, length: 7 },
      true,
    ],
    ["text with a NUL", "hel\0lo", "x/y", { length: 9 }, false],
    ["bytes that are not text", Buffer.from([0xff, 0xfe, 0x41]), "x/y", { length: 9 }, false],
    ["text, with encoding base64", "hello", "x/y", { encoding: "base64" }, false],
    ["empty content", "", "x/y", {}, false],
    ["bytes that are not UTF-8 under a text type", Buffer.from([0x41, 0xff]), "text/plain", { length: 9 }, false],
  ])("says whether base64 can be read as text: %s", async (_, content, type, args, isText) => {
    const { save, read } = await setup();
    await save(content, type);
    const line = textOf(await read(args));
    expect(line).toMatch(/ as base64, /);
    expect(line.includes("These bytes are UTF-8 text: encoding utf8 shows it as such.")).toBe(isText);
    if (!isText) return;
    expect(line).toMatch(/^\d+ bytes/);
    const text = pageTextOf(await read({ ...args, encoding: "utf8" }));
    expect(String(content)).toContain(text);
  });

  it("says where a page begins if its offset is inside a character, and writes 1 byte in the singular", async () => {
    const { save, read } = await setup();
    await save("abcd\u20ac!");
    for (const offset of [5, 6]) {
      const page = await read({ offset });
      expect(textOf(page)).toBe(
        `4 bytes from offset 4 as utf8, of 8 (text/plain, version 1). Offset ${offset} is inside a character: the page begins at 4. This is the end.`,
      );
      expect(page._meta).toEqual({ offset: 4, length: 4, bytes: 8 });
      expect(pageTextOf(page)).toBe("\u20ac!");
    }
    for (const offset of [4, 7]) expect(textOf(await read({ offset }))).not.toContain("inside");
    expect(textOf(await read({ offset: 7 }))).toMatch(/^1 byte from offset 7 as utf8, of 8 /);
    expect(textOf(await read({ offset: 5, encoding: "base64" }))).toMatch(/^3 bytes from offset 5 as base64/);
  });

  it("refuses encoding utf8 for bytes that are not UTF-8, and says how to read them", async () => {
    const { save, refusal } = await setup();
    await save(Uint8Array.of(0x61, 0xc3, 0x1c), "application/octet-stream");
    const error = await refusal("read_artifact", { ...where, encoding: "utf8" });
    expect(error).toMatchObject({
      code: "invalid_argument",
      argument: "encoding",
      message:
        "These bytes are not UTF-8: the first byte that is not is 0xc3 at offset 1. Read the bytes with encoding base64.",
    });
  });

  it("answers an empty page at the end, and refuses an offset past it", async () => {
    const { save, read, refusal } = await setup();
    await save("hello");
    const page = await read({ offset: 5 });
    expect(pageOf(page).text).toBe("");
    expect(page._meta).toEqual({ offset: 5, length: 0, bytes: 5 });
    const error = await refusal("read_artifact", { ...where, offset: 6 });
    expect(error).toMatchObject({
      code: "invalid_argument",
      argument: "offset",
      bytes: 5,
      message: expect.stringMatching(/5 bytes/),
    });
  });

  it.each(["text/plain", "application/octet-stream", "image/png"])(
    "answers empty content of %s as an empty page",
    async (type) => {
      const { save, read } = await setup();
      await save("", type);
      const page = await read();
      expect(pageOf(page).text).toBe("");
      expect(page._meta).toEqual({ offset: 0, length: 0, bytes: 0 });
    },
  );

  it.each(["[1,2]", '{"a":1}', "null", "7", '"text"', "[]"])(
    "keeps %s out of the first block, because hosts would take it for structured content",
    async (content) => {
      const { save, read } = await setup();
      await save(content, "application/json");
      const page = await read();
      expect(() => JSON.parse(textOf(page))).toThrow(SyntaxError);
      expect(pageTextOf(page)).toBe(content);
    },
  );

  it("answers at most 8,000 characters, the first block included, unless the key is very long", async () => {
    const { call, store } = await setup();
    const at = { bucket: "b".repeat(63), key: "k".repeat(200) };
    const bytes = Buffer.alloc(100_000, "text ");
    await store.artifacts.save({ ...at, bytes, defaultMimeType: "text/plain" });
    for (const encoding of ["auto", "base64"]) {
      const page = await call("read_artifact", { ...at, offset: 50_000, encoding });
      expect(textOf(page).length + pageTextOf(page).length).toBeLessThanOrEqual(8_000);
    }
  });

  it("preserves a byte order mark", async () => {
    const { save, read } = await setup();
    await save("\ufeffhello");
    expect(pageTextOf(await read())).toBe("\ufeffhello");
  });

  it("answers up to 1 MiB if length asks for it", async () => {
    const { save, read } = await setup();
    await save("x".repeat(MiB + 1));
    expect((await read({ length: MiB }))._meta).toEqual({ offset: 0, length: MiB, next_offset: MiB, bytes: MiB + 1 });
  });
});

describe("read_artifact of UTF-16", () => {
  const bytesOf = (text: string, order: "le" | "be"): Buffer => {
    const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
    return order === "le" ? bytes : bytes.swap16();
  };

  it.each(["le", "be"] as const)("shows text with a byte order mark, without the mark: utf-16%s", async (order) => {
    const { save, read } = await setup();
    const bytes = bytesOf("a,\u20ac\n\u{1f600}", order);
    for (const type of ["text/csv", "application/octet-stream"]) {
      await save(bytes, type);
      for (const encoding of ["auto", "utf8"]) {
        const page = await read({ encoding });
        expect(pageTextOf(page)).toBe("a,\u20ac\n\u{1f600}");
        expect(textOf(page)).toMatch(
          new RegExp(`^14 bytes from offset 0 as utf-16${order}, of 14 \\(.* This is the end\\.$`),
        );
        expect(page._meta).toEqual({ offset: 0, length: 14, bytes: 14 });
      }
      expect(pageTextOf(await read({ encoding: "base64" }))).toBe(bytes.toString("base64"));
    }
  });

  it.each(["ab", "\u20ac\u4e2d", "\u{1f600}", "a\u20ac\u{1f600}\u00e9"])(
    "cuts text of %s between characters at even offsets, in pages of at most 7,500 characters and 9,000 bytes",
    async (unit) => {
      const { save, call, read } = await setup();
      const content = `x${unit.repeat(10_000)}`;
      await save(bytesOf(content, "le"));
      let text = "";
      for (let args: Arguments | undefined = { ...where }; args !== undefined; ) {
        const page: CallToolResult = await call("read_artifact", args);
        const part = pageTextOf(page);
        expect(part.isWellFormed()).toBe(true);
        expect(part.length).toBeLessThanOrEqual(pageChars);
        expect(Buffer.byteLength(part)).toBeLessThanOrEqual(pageBytes);
        expect(Number(page._meta?.["offset"]) % 2).toBe(0);
        text += part;
        const [, next] = / read_artifact (\{.*\})$/.exec(textOf(page)) ?? [];
        args = next === undefined ? undefined : JSON.parse(next);
      }
      expect(text).toBe(content);
      const start = content.slice(0, 99).toWellFormed().replace("\ufffd", ""); // without half of a pair
      expect(pageTextOf(await read({ length: 200 }))).toBe(start);
    },
  );

  it("moves an odd offset, and one inside a surrogate pair, to the start of the character", async () => {
    const { save, read } = await setup();
    await save(bytesOf("ab\u{1f600}cd", "le")); // the mark, a and b take bytes 0 to 5, and the pair bytes 6 to 9
    for (const [offset, start, text] of [
      [3, 2, "ab\u{1f600}cd"],
      [7, 6, "\u{1f600}cd"],
      [8, 6, "\u{1f600}cd"],
      [9, 6, "\u{1f600}cd"],
      [10, 10, "cd"],
    ] as const) {
      const page = await read({ offset });
      expect(pageTextOf(page)).toBe(text);
      expect(page._meta).toMatchObject({ offset: start });
      expect(textOf(page).includes(`Offset ${offset} is inside a character`)).toBe(offset !== start);
    }
    expect(pageTextOf(await read({ length: 1, offset: 6 }))).toBe("\u{1f600}");
    expect(pageTextOf(await read({ offset: 14 }))).toBe("");
  });

  it.each([
    ["half of a pair", Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00])],
    ["an odd number of bytes", Buffer.from([0xff, 0xfe, 0x41, 0x00, 0x41])],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0])],
    ["UTF-16 without a mark", Buffer.from([0x41, 0, 0xe9, 0])],
  ])("is base64 if a part is %s", async (_what, bytes) => {
    const { save, read } = await setup();
    await save(bytes);
    expect(pageTextOf(await read({ length: 100 }))).toBe(bytes.toString("base64"));
  });
});
