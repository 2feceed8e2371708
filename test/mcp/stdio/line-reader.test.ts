import { describe, expect, it, onTestFinished, vi } from "vitest";
import { LineReader } from "../../../src/mcp/stdio/line-reader.js";

function read(maxLineBytes: number, chunks: Iterable<Buffer>) {
  const lines: (string | null)[] = [];
  const reader = new LineReader(maxLineBytes, {
    onLine: (line) => void lines.push(line.toString("latin1")),
    onOversize: () => void lines.push(null),
  });
  for (const chunk of chunks) reader.push(chunk);
  return { lines, rest: reader.end().toString("latin1") };
}

/** Counts the bytes that `Buffer` searches and copies from now on. */
function countWork(): { searched: number; copied: number } {
  const work = { searched: 0, copied: 0 };
  const { indexOf, copy } = Buffer.prototype;
  const { concat } = Buffer;
  vi.spyOn(Buffer.prototype, "indexOf").mockImplementation(function (this: Buffer, value, from = 0, encoding) {
    const found = indexOf.call(this, value, from as number, encoding);
    work.searched += (found === -1 ? this.length : found + 1) - (from as number);
    return found;
  });
  vi.spyOn(Buffer.prototype, "copy").mockImplementation(function (this: Buffer, ...args) {
    const copied = copy.apply(this, args);
    work.copied += copied;
    return copied;
  });
  vi.spyOn(Buffer, "concat").mockImplementation((...args) => {
    const joined = concat(...args);
    work.copied += joined.length;
    return joined;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  return work;
}

describe("LineReader", () => {
  it("returns each line without its newline, and the last line if no newline ends it", () => {
    const chunks = ["a\n", "b", "c\nd\r\n", "\n\ne", "f"].map((text) => Buffer.from(text));
    expect(read(10, chunks)).toEqual({ lines: ["a", "bc", "d\r", "", ""], rest: "ef" });
  });

  it("accepts a line as long as the limit, skips a longer one, and goes on after it", () => {
    const text = `1234\n12345\n${"x".repeat(50)}\n12\n`;
    for (const pieceBytes of [1, 2, 3, 4, 5, 6, 100]) {
      const pieces = text.match(new RegExp(`[^]{1,${pieceBytes}}`, "g")) ?? [];
      const chunks = pieces.map((piece) => Buffer.from(piece));
      expect(read(4, chunks)).toEqual({ lines: ["1234", null, null, "12"], rest: "" });
    }
  });

  it("reports a long line that no newline ends", () => {
    expect(read(4, [Buffer.from("12345")])).toEqual({ lines: [null], rest: "" });
  });

  it("finds the id anywhere in a long line", () => {
    const ids: unknown[] = [];
    const reader = new LineReader(20, {
      onLine: () => undefined,
      onOversize: ({ id }) => void ids.push(id),
    });
    for (const letter of '{"id":"first","method":"x"}\n{"method":"xxxx","id":"last"}\n')
      reader.push(Buffer.from(letter));
    expect(ids).toEqual(["first", "last"]);
  });

  it("does not change the chunks", () => {
    const chunks = ["a", "b", "c\nd", "e\n"].map((text) => Buffer.from(text));
    read(10, chunks);
    expect(chunks.map(String)).toEqual(["a", "b", "c\nd", "e\n"]);
  });

  it.each([16, 1_024, 65_536])(
    "searches each byte once and copies it at most three times, in chunks of %i bytes",
    (pieceBytes) => {
      const bytes = 1024 * 1024;
      const piece = Buffer.alloc(pieceBytes, "x");
      function* chunks(): Iterable<Buffer> {
        for (let at = 0; at < bytes; at += pieceBytes) yield piece;
        yield Buffer.from("\n");
      }
      const work = countWork();
      const { lines } = read(bytes, chunks());
      expect(lines).toEqual(["x".repeat(bytes)]);
      expect(work.searched).toBe(bytes + 1);
      expect(work.copied).toBeLessThanOrEqual(3 * bytes);
    },
  );

  it("does not copy lines that arrive in one chunk", () => {
    const work = countWork();
    read(100, [Buffer.from("one\ntwo\nthree\n")]);
    expect(work.copied).toBe(0);
  });
});
