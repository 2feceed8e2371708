import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64, decodedLength } from "../../../src/mcp/fast-json/base64.js";
import { BufferPool } from "../../../src/mcp/fast-json/buffer-pool.js";
import { contentDecoder, type DecodedContent } from "../../../src/mcp/fast-json/content.js";
import { parseLine } from "../../../src/mcp/flow/json-rpc.js";

const KiB = 1024;

/** The arguments of a line's call, after the decoder. */
function argumentsOf(args: object, { pool = new BufferPool(), method = "tools/call" } = {}): Record<string, unknown> {
  const message = { jsonrpc: "2.0", id: 1, method, params: { name: "any", arguments: args } };
  const parsed = parseLine(Buffer.from(JSON.stringify(message)), contentDecoder(pool));
  if (parsed === undefined || !("message" in parsed)) throw new Error("the line is no message");
  return (parsed.message as unknown as typeof message).params.arguments as Record<string, unknown>;
}

const bytesOf = (value: unknown): Buffer => (value as DecodedContent).bytes;

describe("decodeBase64()", () => {
  it("agrees with Node on content of any length, across its steps", () => {
    for (const length of [0, 1, 2, 3, 36 * KiB - 1, 36 * KiB, 36 * KiB + 1, 200 * KiB + 7]) {
      const bytes = randomBytes(length);
      const base64 = Buffer.from(bytes.toString("base64"));
      expect(decodedLength(base64)).toBe(length);
      expect(decodeBase64(base64, Buffer.alloc(length))?.equals(bytes)).toBe(true);
    }
  });

  it("refuses one wrong character wherever it stands", () => {
    const base64 = Buffer.from(randomBytes(150 * KiB).toString("base64"));
    const target = Buffer.alloc(decodedLength(base64) + 3);
    const anywhere = fc.integer({ min: 0, max: base64.length - 1 });
    const edges = fc.constantFrom(0, 48 * KiB - 1, 48 * KiB, 96 * KiB - 2, base64.length - 5, base64.length - 1);
    fc.assert(
      fc.property(fc.oneof(anywhere, edges), fc.constantFrom(..."-_ \t\n\0*%"), (at, character) => {
        const wrong = Buffer.from(base64);
        wrong.write(character, at);
        expect(decodeBase64(wrong, target) === undefined).toBe(true);
      }),
    );
    for (const at of [100, 48 * KiB - 1, 48 * KiB]) {
      const padded = Buffer.from(base64);
      padded.write("=", at);
      expect(decodeBase64(padded, target) === undefined).toBe(true);
    }
    expect(decodeBase64(base64.subarray(1), target) === undefined).toBe(true);
  });
});

describe("the decoder of a call's content", () => {
  it("makes bytes of data and content, and of nothing else", () => {
    const bytes = randomBytes(30 * KiB);
    const data = bytes.toString("base64");
    const others = { key: data, metadata: { encoding: "base64", data } };
    const found = argumentsOf({ ...others, data, content: data, encoding: "base64" });
    for (const name of ["data", "content"]) expect(bytesOf(found[name]).equals(bytes)).toBe(true);
    expect(found).toMatchObject(others);
    for (const encoding of ["base64 ", "latin1", 7, null]) expect(argumentsOf({ data, encoding })["data"]).toBe(data);
    expect(argumentsOf({ data, encoding: "base64" }, { method: "tools/other" })["data"]).toBe(data);
  });

  it("makes of text the UTF-8 that it stands for, whatever is escaped in it and wherever it is cut", () => {
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

  it("leaves text as a string whose characters are told by number", () => {
    for (const data of [`${"x".repeat(8 * KiB)}\u0001`, `${"x".repeat(40 * KiB)}\ud800${"x".repeat(40 * KiB)}`]) {
      expect(argumentsOf({ data })["data"]).toBe(data);
    }
  });

  it("takes no line that JSON.parse does not", () => {
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
      expect(parseLine(Buffer.from(line), contentDecoder(new BufferPool()))).toMatchObject({
        answer: { error: { code: -32700 } },
      });
    }
  });

  it("leaves a string as it is that is no base64, for an error that says so", () => {
    const data = `${"A".repeat(8 * KiB)}-AAA`;
    for (const wrong of [data, `${"A".repeat(8 * KiB)}é`, "A".repeat(8 * KiB + 1)]) {
      expect(argumentsOf({ data: wrong, encoding: "base64" })["data"]).toBe(wrong);
    }
  });

  it("gives a buffer to another content only after it was released, and once", () => {
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

describe("a pool", () => {
  it("keeps no more than it may, and gives no buffer that is far too large", () => {
    const MiB = 1024 * KiB;
    const pool = new BufferPool();
    const taken = Array.from({ length: 6 }, () => pool.take(8 * MiB));
    for (const buffer of taken) pool.giveBack(buffer);
    const again = Array.from({ length: 6 }, () => pool.take(8 * MiB));
    expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(4);
    pool.giveBack(pool.take(8 * MiB));
    const small = pool.take(100);
    expect(small.length).toBe(64 * KiB);
    pool.giveBack(small);
    for (const bytes of [0, 1, 5 * KiB, 64 * KiB]) {
      const again = pool.take(bytes);
      expect(again === small).toBe(true);
      pool.giveBack(again);
    }
    const huge = pool.take(40 * MiB);
    pool.giveBack(huge);
    expect(pool.take(40 * MiB) === huge).toBe(false);
  });
});
