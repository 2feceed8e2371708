import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstInvalidByte } from "../../../src/mcp/content/utf8-characters.js";

const bytes = (...parts: (string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.of(part))));

describe("firstInvalidByte()", () => {
  it.each<[string, Buffer, number | undefined]>([
    ["no bytes", bytes(), undefined],
    ["text", bytes("a€é😀"), undefined],
    ["Latin-1", bytes("caf", 0xe9, " au lait"), 3],
    ["a continuation without a start", bytes("é", 0x80), 2],
    ["a character that is cut off at the end", bytes("ab", 0xe2, 0x82), 2],
    ["a character that is cut off by another", bytes("€", 0xe2, 0x82, "a"), 3],
    ["a surrogate", bytes("a", 0xed, 0xa0, 0x80), 1],
    ["an overlong form", bytes(0xc0, 0xaf), 0],
    ["one byte after much text", bytes("€".repeat(9_000), 0xff, "€".repeat(9_000)), 27_000],
  ])("finds it in %s", (_what, content, at) => expect(firstInvalidByte(content)).toBe(at));

  it("finds it after any text", () => {
    const anyText = fc.string({ unit: "binary", maxLength: 4_000 });
    fc.assert(
      fc.property(anyText, (text) => {
        expect(firstInvalidByte(bytes(text))).toBeUndefined();
        expect(firstInvalidByte(bytes(text, 0xff, text))).toBe(Buffer.byteLength(text));
      }),
      { numRuns: 100 },
    );
  });
});
