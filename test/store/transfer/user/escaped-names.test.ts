import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isKey, toKey } from "../../../../src/store/model/names/key-name.js";
import {
  escapedCase,
  escapedKey,
  escapedSpelling,
  fileSegment,
} from "../../../../src/store/transfer/user/escaped-names.js";

const oddCharacters = [
  "a",
  "%",
  "4",
  "\\",
  "\n",
  " ",
  "é",
  "%20",
  "%2520",
  "%255C",
  "\u202e",
  "\udcff",
  "\u2028",
  "報",
  ".",
  "%41",
];
const segment = fc
  .array(fc.constantFrom(...oddCharacters), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(""))
  .filter((text) => text !== "." && text !== "..");

const rules = { isWindows: false, rename: true };
const nameOf = (key: string, options = rules): string => {
  const names = key.split("/").map((part) => fileSegment(part, options));
  return names.map((found) => ("name" in found ? found.name : "?")).join("/");
};

describe("escapedKey()", () => {
  it("makes a key of any file name, and the name of that key is the file's again", () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 3 }), (segments) => {
        const name = segments.join("/");
        const key = escapedKey(name);
        expect(isKey(toKey(key))).toBe(true);
        expect(nameOf(key)).toBe(name);
      }),
    );
  });

  it.each([true, false])("makes the same key again of the name of a key (Windows: %s)", (isWindows) => {
    const pieces = ["a", "%", "4", "%20", "%2520", "%5C", "%2E", "%2F", "%3A", "é", ":", "con", ".", "%252F", "%00"];
    const part = ".a.0123456789abcdef-42-01234567.part";
    const text = fc.array(fc.constantFrom(...pieces, part), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        text.map((parts) => parts.join("")).filter((key) => isKey(key)),
        (key) => {
          const name = nameOf(key, { isWindows, rename: true });
          expect(fileSegment(name, { isWindows, rename: false })).toEqual({ name });
          expect(escapedKey(name, isWindows)).toBe(key);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("leaves a name as it is that a key can have, unless it looks like a mapped one", () => {
    for (const name of ["a", "a b/c.txt", "100%", "%zz", "é報.csv", "50%41", "a%2Fb", "%2520"]) {
      expect(escapedKey(name)).toBe(name === "%2520" ? "%252520" : name);
    }
    expect(escapedKey("%20a")).toBe("%2520a");
    expect(escapedKey(" a\\b 50%41")).toBe("%20a%5Cb 50%2541");
    expect(escapedSpelling("e\u0301")).toBe("e%CC%81");
  });

  it("makes no name that leads out of its folder", () => {
    for (const key of ["%2E%2E", "..%2F..", "%2Fa", "a%00"]) expect(nameOf(key)).toBe(key);
    for (const key of ["..%5C..%5Cx", "C%3A%5Cx"])
      expect(nameOf(key, { isWindows: true, rename: true })).not.toContain("\\");
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
