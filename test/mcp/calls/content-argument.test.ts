import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeContent } from "../../../src/mcp/calls/content-argument.js";
import { decodeUtf8 } from "../../../src/mcp/fast-json/fast-json.js";

const refused = expect.objectContaining({ code: "invalid_argument", details: { argument: "data" } });

describe("decodeContent()", () => {
  it("decodes the base64 of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(decodeContent("data", text, "base64")).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("accepts base64 in the form in which it would be written, also without padding and with white space", () => {
    const letters = fc.constantFrom(..."AZaz09+/=-_ \n\0", "Ł", "\u2041", "é");
    fc.assert(
      fc.property(fc.string({ unit: letters, minLength: 1, maxLength: 12 }), (text) => {
        const written = Buffer.from(text, "base64").toString("base64");
        const digits = text.replaceAll(/[ \n]/g, "");
        const isBase64 = digits.padEnd(Math.ceil(digits.length / 4) * 4, "=") === written;
        if (isBase64) expect(decodeContent("data", text, "base64")).toEqual(Buffer.from(text, "base64"));
        else expect(() => decodeContent("data", text, "base64")).toThrow(refused);
      }),
      { numRuns: 2_000, examples: [["ŁZaz09+/"], ["AZaz"], ["\u2041Zaz09+/"]] },
    );
  });

  it("returns any text as UTF-8, and refuses a lone surrogate", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const bytes = decodeContent("data", text, "utf8");
        expect(decodeUtf8(bytes)).toBe(text);
      }),
    );
    for (const text of ["\ud800", "a\udc00b", "\udc00\ud800"]) {
      expect(() => decodeContent("data", text, "utf8")).toThrow(refused);
    }
  });
});
