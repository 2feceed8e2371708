import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BufferPool } from "../../../src/mcp/fast-json/buffer-pool.js";
import { contentDecoder, type DecodedContent } from "../../../src/mcp/fast-json/content-decoder.js";
import { parseMessage } from "../../../src/mcp/fast-json/fast-json.js";
import { parseJson } from "../../../src/mcp/fast-json/parse-json.js";

const KiB = 1024;

/** The arguments of a call after it was parsed with the decoder. */
function argumentsOf(args: object, { pool = new BufferPool(), method = "tools/call" } = {}): Record<string, unknown> {
  const message = { jsonrpc: "2.0", id: 1, method, params: { name: "any", arguments: args } };
  const parsed = parseJson(Buffer.from(JSON.stringify(message)), "utf8", contentDecoder(pool));
  return (parsed as typeof message).params.arguments as Record<string, unknown>;
}

const bytesOf = (value: unknown): Buffer => (value as DecodedContent).bytes;

describe("contentDecoder()", () => {
  it("decodes the arguments data and content, and nothing else", () => {
    const bytes = randomBytes(30 * KiB);
    const data = bytes.toString("base64");
    const others = { key: data, metadata: { encoding: "base64", data } };
    const found = argumentsOf({ ...others, data, content: data, encoding: "base64" });
    for (const name of ["data", "content"]) expect(bytesOf(found[name]).equals(bytes)).toBe(true);
    expect(found).toMatchObject(others);
    for (const encoding of ["base64 ", "latin1", 7, null]) expect(argumentsOf({ data, encoding })["data"]).toBe(data);
    expect(argumentsOf({ data, encoding: "base64" }, { method: "tools/other" })["data"]).toBe(data);
  });

  it("decodes text to UTF-8, with any short escapes, at any length", () => {
    const line = fc.constantFrom(
      "plain, ",
      'a "quoted" one\n',
      "C:\\\\dir\\",
      "Grüße, 世界 🎉",
      "\\",
      '"',
      "\t\r\b\f\n",
      "/",
    );
    const text = fc.array(line, { minLength: 1, maxLength: 9 }).chain((lines) =>
      fc.integer({ min: 1, max: 70_000 }).map((length) => {
        const part = lines.join("");
        return part.repeat(Math.ceil((5_000 + length) / part.length));
      }),
    );
    fc.assert(
      fc.property(text, fc.constantFrom("utf8", undefined), (data, encoding) => {
        expect(bytesOf(argumentsOf({ data, encoding })["data"]).equals(Buffer.from(data))).toBe(true);
      }),
    );
  });

  it("leaves text a string if an escape has a character's number", () => {
    for (const data of [`${"x".repeat(8 * KiB)}\u0001`, `${"x".repeat(40 * KiB)}\ud800${"x".repeat(40 * KiB)}`]) {
      expect(argumentsOf({ data })["data"]).toBe(data);
    }
  });

  it("refuses every text that JSON.parse refuses", () => {
    const large = "x".repeat(8 * KiB);
    for (const text of [
      `${large}\\x`,
      `${large}\t`,
      `${large}\\n\n`,
      `${large}\\`,
      `\\q${large}${large}${large}${large}${large}`,
    ]) {
      const line = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"n","arguments":{"data":"${text}"}}}`;
      expect(() => JSON.parse(line)).toThrow(SyntaxError);
      expect(() => parseMessage(Buffer.from(line))).toThrow(SyntaxError);
    }
  });

  it("leaves a string that is not base64 unchanged, so that the tool can say so", () => {
    const data = `${"A".repeat(8 * KiB)}-AAA`;
    for (const wrong of [data, `${"A".repeat(8 * KiB)}é`, "A".repeat(8 * KiB + 1)]) {
      expect(argumentsOf({ data: wrong, encoding: "base64" })["data"]).toBe(wrong);
    }
  });

  it("reuses the memory of a content only after its release, and only once", () => {
    const pool = new BufferPool();
    const contents = Array.from({ length: 5 }, () => randomBytes(60 * KiB));
    const take = (n: number) =>
      argumentsOf({ data: contents[n]?.toString("base64"), encoding: "base64" }, { pool })["data"] as DecodedContent;
    const [first, second] = [take(0), take(1)];
    const isContent = (decoded: DecodedContent, n: number) => decoded.bytes.equals(contents[n] as Buffer);
    expect([isContent(first, 0), isContent(second, 1)]).toEqual([true, true]);
    first.release();
    first.release();
    const [third, fourth] = [take(2), take(3)];
    expect(third.bytes.buffer === first.bytes.buffer).toBe(true);
    expect([second, third, fourth].map((decoded, n) => isContent(decoded, n + 1))).toEqual([true, true, true]);
  });
});
