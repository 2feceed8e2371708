import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isKey, toKey } from "../../../../src/store/model/names/key-name.js";
import {
  escapedCase,
  escapedKey,
  escapedSpelling,
  fileSegment,
} from "../../../../src/store/transfer/user/escaped-names.js";

/** What decoding all `%XX` gives, as bytes. A surrogate of the name stands for one byte. */
function decoded(text: string): Buffer {
  const parts = text.split(/%([0-9A-F]{2})/);
  return Buffer.concat(parts.map((part, index) => (index % 2 === 1 ? Buffer.from(part, "hex") : Buffer.from(part))));
}
const bytesOf = (name: string): Buffer =>
  Buffer.concat(
    [...name].map((each) =>
      /^[\udc80-\udcff]$/.test(each) ? Buffer.of(each.charCodeAt(0) - 0xdc00) : Buffer.from(each),
    ),
  );

const oddCharacters = ["a", "%", "4", "\\", "\n", " ", "é", "\u202e", "\udcff", "\u2028", "報", ".", "%41"];
const segment = fc
  .array(fc.constantFrom(...oddCharacters), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(""))
  .filter((text) => text !== "." && text !== "..");

describe("escapedKey()", () => {
  it("makes a key of any file name, and decoding gives the name again", () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 3 }), (segments) => {
        const name = segments.join("/");
        const key = escapedKey(name);
        expect(isKey(toKey(key))).toBe(true);
        expect(decoded(key)).toEqual(bytesOf(name));
      }),
    );
  });

  it("leaves a name as it is that a key can have", () => {
    for (const name of ["a", "a b/c.txt", "100%", "%zz", "é報.csv"]) expect(escapedKey(name)).toBe(name);
    expect(escapedKey("50%41")).toBe("50%2541");
    expect(escapedKey(" a\\b ")).toBe("%20a%5Cb%20");
    expect(escapedSpelling("e\u0301")).toBe("e%CC%81");
  });
});

describe("fileSegment()", () => {
  const onWindows = (text: string, rename: boolean) => fileSegment(text, { isWindows: true, rename });

  it("refuses what Windows refuses, and maps it with `rename`", () => {
    const refused = { "a:b": "a%3Ab", con: "%63on", "NUL.txt": "%4EUL.txt", "end.": "end%2E", "q?": "q%3F" };
    for (const [name, mapped] of Object.entries(refused)) {
      expect(onWindows(name, false)).toEqual({ problem: expect.stringContaining("--rename") });
      expect(onWindows(name, true)).toEqual({ name: mapped });
      expect(fileSegment(name, { isWindows: false, rename: true })).toEqual({ name });
    }
    for (const name of ["console", "a b", "x.nul"]) expect(onWindows(name, false)).toEqual({ name });
  });

  it("keeps the names of unfinished files free, and finds names that are too long", () => {
    const part = ".a.0123456789abcdef-00000000-42-01234567.part";
    expect(fileSegment(part, { isWindows: false, rename: false })).toEqual({ problem: expect.any(String) });
    expect(fileSegment(part, { isWindows: false, rename: true })).toEqual({ name: `%2E${part.slice(1)}` });
    expect(fileSegment("é".repeat(128), { isWindows: false, rename: true })).toEqual({
      problem: expect.stringContaining("more than 255 bytes"),
    });
  });
});

it("escapedCase() marks the letters of one case", () => {
  expect(escapedCase("README")).toBe("README");
  expect(escapedCase("Readme")).toBe("R%65%61%64%6D%65");
});
