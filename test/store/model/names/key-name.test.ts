import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ArtifactError } from "../../../../src/store/model/errors.js";
import { checkBucket, isBucket, suggestBucket } from "../../../../src/store/model/names/bucket-name.js";
import { checkDelimiter, isKey, toKey, toKeyPrefix } from "../../../../src/store/model/names/key-name.js";
import { suggestKey } from "../../../../src/store/model/names/suggest-key.js";
import { randomText, seededRandom } from "../../../support/random-text.js";
import { refusalOf } from "../../../support/refusal-of.js";

/** `text`, which begins with many x, as a suggestion cuts it. @param less bytes that cannot be used before the digest */
const cutWithDigest = (text: string, less = 0, extension = ""): string => {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `${"x".repeat(72 - 9 - extension.length - less)}-${digest}${extension}`;
};

describe("toKey()", () => {
  it.each([
    ...["a", "a/b/c.csv", ".hidden", "a..b", "...", "a/.b", "-/_", "x".repeat(1_024), "é".repeat(512)],
    ...["a b", "a=1/b=(2)", "报告/2026 年.csv", "😀", "a:b?c#d%41&e+f", "\"'<>|*~`;,", "a\u200db", "\ufeffa"],
    ...["a\u2028b", "\u0301", "\ue000", "\ufffd", "\u{10fffd}", "constructor", "__proto__"],
  ])("returns %j unchanged", (key) => {
    expect(toKey(key)).toBe(key);
    expect(isKey(key)).toBe(true);
    expect(suggestKey(key)).toBe(key);
  });

  it("returns a key in NFC", () => {
    expect(toKey("cafe\u0301/A\u030angstro\u0308m")).toBe("café/Ångström");
    expect(toKey("\u212b")).toBe("\u00c5");
    expect(isKey("cafe\u0301")).toBe(false);
  });

  it("counts bytes after NFC, which can make a text shorter or longer", () => {
    expect(toKey("e\u0301".repeat(512))).toBe("é".repeat(512));
    expect(toKey("\u0958".repeat(170))).toBe("\u0915\u093c".repeat(170));
    const { message } = refusalOf(() => toKey("\u0958".repeat(171)));
    expect(message).toContain("1026 bytes of UTF-8, and the limit is 1024");
  });

  it.each([
    ["", "it is empty", undefined],
    ["/x", "segment 1 is empty", "x"],
    ["x/", "segment 2 is empty", "x"],
    ["a//b", "segment 2 is empty", "a/b"],
    ["/", "segment 1 is empty", undefined],
    [".", 'segment 1 is "."', undefined],
    ["../x", 'segment 1 is ".."', "x"],
    ["a/../b", 'segment 2 is ".."', "a/b"],
    ["a/.", 'segment 2 is "."', "a"],
    [" a", "segment 1 begins with white space (U+0020)", "a"],
    ["a/b ", "segment 2 ends with white space (U+0020)", "a/b"],
    ["a/\u3000/b", "segment 2 begins with white space (U+3000)", "a/b"],
    ["a\u2003", "ends with white space (U+2003)", "a"],
    ["a/ .. /b", "segment 2 begins with white space", "a/b"],
    ["C:\\data\\a.csv", "the backslash U+005C", "C:/data/a.csv"],
    ["\\\\host\\share", "the backslash U+005C", "host/share"],
    ["a\0b", "the control character U+0000", "a-b"],
    ["a\x85b", "the control character U+0085", "a-b"],
    ["a.csv\n", "the control character U+000A", "a.csv"],
    ["a\ud800b", "the lone surrogate U+D800", "a-b"],
    ["\udc00", "the lone surrogate U+DC00", "-"],
    ["a\ufdd0", "the non-character U+FDD0", "a-"],
    ["a\u{1fffe}", "the non-character U+1FFFE", "a-"],
    ["a\u{10ffff}", "the non-character U+10FFFF", "a-"],
    ["gpj\u202e.exe", "the bidirectional control U+202E", "gpj.exe"],
    ["e\u200e\u0301", "the bidirectional control U+200E", "é"],
    ["\u2066", "the bidirectional control U+2066", undefined],
    ["x".repeat(1_025), "1025 bytes of UTF-8", cutWithDigest("x".repeat(1_025))],
    [`${"x".repeat(1_023)}é`, "1025 bytes of UTF-8", cutWithDigest(`${"x".repeat(1_023)}é`)],
    [
      `${"x".repeat(62)}é${"x".repeat(961)}`,
      "1025 bytes of UTF-8",
      cutWithDigest(`${"x".repeat(62)}é${"x".repeat(961)}`, 1),
    ],
    [`${"x".repeat(1_022)}/.y`, "1025 bytes of UTF-8", cutWithDigest(`${"x".repeat(1_022)}/.y`, 0, ".y")],
    [
      `${"x".repeat(62)} ${"y".repeat(962)}`,
      "1025 bytes of UTF-8",
      cutWithDigest(`${"x".repeat(62)} ${"y".repeat(962)}`, 1),
    ],
    [`${"x".repeat(2_000)}.csv`, "2004 bytes of UTF-8", cutWithDigest(`${"x".repeat(2_000)}.csv`, 0, ".csv")],
  ])("rejects %j: %s", (key, problem, suggestion) => {
    expect(isKey(key)).toBe(false);
    const { code, message, details } = refusalOf(() => toKey(key));
    expect({ code, details }).toEqual({
      code: "invalid_argument",
      details: suggestion === undefined ? { argument: "key" } : { argument: "key", suggestion },
    });
    expect(message).toContain(problem);
  });

  it("says what is wrong and suggests a key, without characters that a terminal could misread", () => {
    expect(refusalOf(() => toKey("reports\\2026\u202e.csv")).message).toBe(
      String.raw`key "reports\\2026\u202e.csv" is not valid: it has the backslash U+005C. "reports/2026.csv" would do.`,
    );
    const { message } = refusalOf(() => toKey(`/${"x".repeat(100)}`));
    expect(message).toMatch(/^key "\/x+\.\.\." is not valid: .*\. The suggestion beside this message would do\.$/);
  });

  it.each(["Cc", "Noncharacter_Code_Point", "Bidi_Control", "Cs"])("rejects every character of %s", (property) => {
    const pattern = new RegExp(`\\p{${property}}`, "u");
    let count = 0;
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code);
      if (!pattern.test(character)) continue;
      count += 1;
      if (isKey(`a${character}b`)) throw new Error(`U+${code.toString(16)} was accepted`);
    }
    expect(count).toBe({ Cc: 65, Noncharacter_Code_Point: 66, Bidi_Control: 12, Cs: 2_048 }[property]);
  });

  // Work that grows faster than the text would not end.
  it("rejects long hostile text in time that grows with its length", () => {
    for (const piece of ["x", " ", "/", ".", " /", "\\", "\u0301", "\ud800", "\u202e", "a "]) {
      const text = piece.repeat(2_000_000);
      expect(refusalOf(() => toKey(text)).details["argument"]).toBe("key");
      expect(refusalOf(() => checkBucket(text)).details["argument"]).toBe("bucket");
      expect(refusalOf(() => toKeyPrefix(text)).details["argument"]).toBe("prefix");
      expect(refusalOf(() => checkDelimiter(text)).details["argument"]).toBe("delimiter");
    }
  });
});

describe("toKeyPrefix()", () => {
  it.each(["", "a", "a/", "a/b", "a/.", "a/..", ".", "..", " ", "a/b ", "a/ ", "报", "x".repeat(1_024)])(
    "accepts %j",
    (prefix) => expect(toKeyPrefix(prefix)).toBe(prefix),
  );

  it("returns a prefix in NFC", () => expect(toKeyPrefix("cafe\u0301/")).toBe("café/"));

  it.each([
    ["/", "segment 1 is empty", undefined],
    ["/a", "segment 1 is empty", "a"],
    ["a//", "segment 2 is empty", "a/"],
    ["a/../b", 'segment 2 is ".."', "a/b"],
    ["./", 'segment 1 is "."', undefined],
    ["a /b", "segment 1 ends with white space", "a/b"],
    ["a\\b", "the backslash", "a/b"],
    ["a\\", "the backslash", "a/"],
    ["a\0", "the control character U+0000", "a-"],
    ["a\ud800", "the lone surrogate", "a-"],
    ["x".repeat(1_025), "1025 bytes", "x".repeat(1_024)],
  ])("rejects %j: %s", (prefix, problem, suggestion) => {
    const { code, message, details } = refusalOf(() => toKeyPrefix(prefix));
    const expected = suggestion === undefined ? { argument: "prefix" } : { argument: "prefix", suggestion };
    expect({ code, details }).toEqual({ code: "invalid_argument", details: expected });
    expect(message).toContain(problem);
    if (suggestion !== undefined) expect(toKeyPrefix(suggestion)).toBe(suggestion);
  });

  it("accepts every beginning of a key that ends between code points and is in NFC", () => {
    const key = "a b/报告 /é.😀/.x/..y".replace("告 /", "告/");
    expect(isKey(key)).toBe(true);
    const points = [...key];
    for (let end = 0; end <= points.length; end += 1) {
      const prefix = points.slice(0, end).join("");
      expect(toKeyPrefix(prefix)).toBe(prefix);
    }
  });
});

describe("checkDelimiter()", () => {
  it.each(["/", ".", " ", "=", "é", "报", "😀", "a", "%", "\u0301", "\u2028"])("accepts %j", (delimiter) => {
    expect(() => checkDelimiter(delimiter)).not.toThrow();
  });

  it.each([
    ["", "exactly one character", undefined],
    ["//", "exactly one character", undefined],
    ["e\u0301", "exactly one character", "é"],
    ["\\", "the backslash", undefined],
    ["\0", "the control character U+0000", undefined],
    ["\ud800", "the lone surrogate U+D800", undefined],
    ["\u202e", "the bidirectional control", undefined],
    ["\ufffe", "the non-character", undefined],
    ["\u212b", "U+212B), since keys are kept in NFC", "\u00c5"],
    ["\u0958", "U+0958), since keys are kept in NFC", undefined],
  ])("rejects %j: %s", (delimiter, problem, suggestion) => {
    const { code, message, details } = refusalOf(() => checkDelimiter(delimiter));
    const expected = suggestion === undefined ? { argument: "delimiter" } : { argument: "delimiter", suggestion };
    expect({ code, details }).toEqual({ code: "invalid_argument", details: expected });
    expect(message).toContain(problem);
  });
});

describe("any text", () => {
  it("gets a suggestion that is a valid key, or no suggestion", () => {
    const random = seededRandom(1);
    for (let run = 0; run < 30_000; run += 1) {
      const text = randomText(random, run % 500 === 0 ? 3_000 : 14);
      const key = suggestKey(text);
      const where = JSON.stringify(text.slice(0, 200));
      if (key !== undefined) {
        expect(isKey(key), where).toBe(true);
        expect(suggestKey(key), where).toBe(key);
        expect(toKey(key), where).toBe(key);
      }
      if (isKey(text)) expect(key, where).toBe(text);
      const bucket = suggestBucket(text);
      if (bucket !== undefined) expect(isBucket(bucket), where).toBe(true);
    }
  });

  it("is rejected with a valid suggestion, or gives a key that stays the same", () => {
    const random = seededRandom(2);
    const calls = [toKey, toKeyPrefix] as const;
    for (let run = 0; run < 30_000; run += 1) {
      const text = randomText(random, 8);
      for (const call of calls) {
        const where = `${call.name} ${JSON.stringify(text)}`;
        let name: string;
        try {
          name = call(text);
        } catch (error) {
          const { suggestion } = (error as ArtifactError).details;
          if (suggestion === undefined) continue;
          name = call(String(suggestion));
          expect(name, where).toBe(suggestion);
        }
        expect(call(name), where).toBe(name);
        expect(name.normalize("NFC"), where).toBe(name);
        expect(name.isWellFormed(), where).toBe(true);
      }
    }
  });
});
