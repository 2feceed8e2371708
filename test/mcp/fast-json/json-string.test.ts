import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  endOfString,
  escapeInto,
  hasControlCharacter,
  needsNoEscape,
  unescapeInto,
} from "../../../src/mcp/fast-json/json-string.js";

/** The text as bytes that begin at any index of their memory, not only at the start of a word. */
const bytesAt = (from: number, text: string): Buffer =>
  Buffer.concat([Buffer.alloc(from), Buffer.from(text)]).subarray(from);

/** The JSON string without its quotation marks. */
const stringified = (text: string): string => JSON.stringify(text).slice(1, -1);

/** Texts in which most characters or few need an escape, with characters of one to four bytes. */
const anyText = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'\0\x01\b\t\n\f\r\x1f\x20!"\\/u[]\x7f', "é", "世", "🎉"), maxLength: 60 }),
  fc.string({ unit: fc.constantFrom(..."abcdefgh", "\n", "é"), maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
);
const anyPlace = fc.nat(7);

function unescaped(literal: Buffer): string | undefined {
  return unescapeInto(literal, Buffer.alloc(literal.length, 0xff))?.toString();
}

describe("escapeInto()", () => {
  it("writes what JSON.stringify writes, and nothing outside its target", () => {
    fc.assert(
      fc.property(anyText, anyPlace, anyPlace, (text, from, to) => {
        const bytes = bytesAt(from, text);
        const around = Buffer.alloc(to + 6 * bytes.length + 32, 0xff);
        const target = around.subarray(to, -16);
        const { read, written } = escapeInto(bytes, target);
        expect(read).toBe(bytes.length);
        expect(target.toString("utf8", 0, written)).toBe(stringified(text));
        expect([...around.subarray(0, to), ...around.subarray(-16)].every((byte) => byte === 0xff)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("stops where the target may lack room for an escape, and goes on in the next target", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 6, max: 24 }), (text, room) => {
        const bytes = Buffer.from(text);
        const parts: Buffer[] = [];
        for (let at = 0; at < bytes.length; ) {
          const target = Buffer.alloc(room);
          const { read, written } = escapeInto(bytes.subarray(at), target);
          expect(read).toBeGreaterThan(0);
          parts.push(target.subarray(0, written));
          at += read;
        }
        expect(Buffer.concat(parts).toString()).toBe(stringified(text));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("unescapeInto()", () => {
  it("returns the text that JSON.stringify was given, unless an escape has a character's number", () => {
    fc.assert(
      fc.property(anyText, anyPlace, (text, from) => {
        const literal = stringified(text);
        const isNumbered = /(^|[^\\])(\\\\)*\\u/.test(literal);
        expect(unescaped(bytesAt(from, literal))).toBe(isNumbered ? undefined : text);
      }),
      { numRuns: 2_000 },
    );
  });

  it("accepts each short escape at each position in a word", () => {
    for (const letter of '"\\/bfnrt') {
      for (let at = 0; at < 12; at += 1) {
        const literal = `${"a".repeat(at)}\\${letter}${"b".repeat(12 - at)}`;
        expect(unescaped(Buffer.from(literal))).toBe(JSON.parse(`"${literal}"`));
      }
    }
  });

  it.each(["\\x", "\\", "\n", "\0", "\x1f", "\\\n", "\\\0", "\\ü", "\\N"])(
    "refuses what JSON does not allow: %j",
    (bad) => {
      for (let at = 0; at < 12; at += 1) {
        // A lone backslash is wrong only at the end.
        const behind = bad === "\\" ? "" : "b".repeat(12 - at);
        const texts = [`${"a".repeat(at)}${bad}${behind}`, `\\n${"a".repeat(at)}${bad}${behind}`];
        for (const text of texts) expect(unescaped(Buffer.from(text)), text).toBeUndefined();
      }
    },
  );
});

describe("endOfString()", () => {
  it("returns the index of the quotation mark that ends the string", () => {
    fc.assert(
      fc.property(anyText, anyText, anyPlace, (text, behind, from) => {
        const literal = stringified(text);
        const start = from + 1;
        const line = bytesAt(3, `${"x".repeat(from)}"${literal}"${behind}`);
        expect(endOfString(line, start)).toBe(start + Buffer.byteLength(literal));
      }),
      { numRuns: 2_000 },
    );
  });

  it("returns -1 if the string does not end", () => {
    for (const text of ["", "a", "abcd", "abcdefg", 'abc\\"', 'abcdef\\"', '\\\\\\"', "abc\\", "abcdefg\\"]) {
      expect(endOfString(Buffer.from(text), 0), text).toBe(-1);
    }
  });
});

describe("hasControlCharacter() and needsNoEscape()", () => {
  it("agree with JSON on every byte at every position", () => {
    for (let byte = 0; byte < 0x100; byte += 1) {
      for (let at = 0; at < 9; at += 1) {
        const text = Buffer.alloc(9, 0x80 + at);
        text[at] = byte;
        expect(hasControlCharacter(text)).toBe(byte < 0x20);
        expect(needsNoEscape(text)).toBe(byte >= 0x20 && byte !== 0x22 && byte !== 0x5c);
      }
    }
  });
});
