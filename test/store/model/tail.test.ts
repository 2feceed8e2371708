import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tailOf, tailWindowBytes } from "../../../src/store/model/tail.js";

/** The tail of a whole content, from its end as a store reads it. */
const tailOfAll = (content: Buffer) => tailOf(content.subarray(-tailWindowBytes), content.length);

describe("tailOf()", () => {
  it("is absent without bytes, and the whole of a short text", () => {
    expect(tailOf(Buffer.alloc(0), 0)).toBeUndefined();
    expect(tailOfAll(Buffer.from("a,b\n1,2\n"))).toEqual({ tail: "a,b\n1,2\n" });
    expect(tailOfAll(Buffer.from("\ufeffx"))).toEqual({ tail: "\ufeffx" });
  });

  it.each(["x", "é", "报", "😀"])("has the last 300 characters of a text of %s", (character) => {
    for (const before of ["", "a", "ab", "abc"]) {
      const content = Buffer.from(`${before}${character.repeat(1_000)}`);
      expect(tailOfAll(content)).toEqual({ tail: character.repeat(300) });
    }
  });

  it("leaves out a character at the end that is not complete, and says where it begins", () => {
    const content = Buffer.from("abc😀");
    for (const missing of [1, 2, 3]) {
      const cut = content.subarray(0, content.length - missing);
      expect(tailOfAll(cut)).toEqual({ tail: "abc", tail_ends_at: 3 });
    }
    expect(tailOfAll(Buffer.from("报").subarray(0, 2))).toEqual({ tail: "", tail_ends_at: 0 });
  });

  it.each([
    ["a byte that is never in UTF-8", [0x61, 0xff, 0x62]],
    ["a NUL", [0x61, 0x00, 0x62]],
    ["a character that begins inside another one", [0x61, 0xe6, 0x62]],
    ["the rest of a character at its beginning", [0x8a, 0x61]],
  ])("of content with %s is base64", (_, bytes) => {
    expect(tailOfAll(Buffer.from(bytes))).toEqual({
      tail: Buffer.from(bytes).toString("base64"),
      tail_encoding: "base64",
    });
  });

  it("of binary content is its last 48 bytes", () => {
    const content = Buffer.alloc(5_000, 0xff);
    expect(tailOfAll(content)).toEqual({ tail: content.subarray(-48).toString("base64"), tail_encoding: "base64" });
  });

  it("is where a text goes on, wherever it was cut", () => {
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 900 }).filter((text) => !text.includes("\0"));
    void fc.assert(
      fc.property(text, fc.nat(), (text, at) => {
        const content = Buffer.from(text);
        const stored = content.subarray(0, 1 + (at % content.length));
        const { tail = "?", tail_encoding, tail_ends_at = stored.length } = tailOfAll(stored) ?? {};
        expect(tail_encoding).toBeUndefined();
        expect([...tail].length).toBeLessThanOrEqual(300);
        expect(stored.subarray(0, tail_ends_at).toString().endsWith(tail)).toBe(true);
        expect(content.toString("utf8", 0, tail_ends_at) + content.toString("utf8", tail_ends_at)).toBe(text);
      }),
    );
  });
});
