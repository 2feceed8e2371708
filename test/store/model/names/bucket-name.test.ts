import { describe, expect, it } from "vitest";
import { checkBucket, isBucket, isBucketPrefix, suggestBucket } from "../../../../src/store/model/names/bucket-name.js";
import { refusalOf } from "../../../support/refusal-of.js";

describe("isBucket()", () => {
  it.each(["a", "A-z_0", "-", "_", "a.b", "a.b-c.d", "x".repeat(63)])("accepts %j", (name) => {
    expect(isBucket(name)).toBe(true);
    expect(() => checkBucket(name)).not.toThrow();
    expect(suggestBucket(name)).toBe(name);
  });

  it.each([
    ["", "is empty", undefined],
    ["x".repeat(64), "64 characters", "x".repeat(63)],
    [`${"x".repeat(62)}.y`, "64 characters", "x".repeat(62)],
    [".a", "begins with a dot", "a"],
    ["a.", "ends with a dot", "a"],
    ["a..b", "two dots", "a.b"],
    ["..", "begins with a dot", undefined],
    ["a/b", '"/" (U+002F)', "a-b"],
    ["a:b", "U+003A", "a-b"],
    [" my  data\n", "U+0020", "my-data"],
    ["Café", "U+00E9", "Cafe"],
    ["报告", "U+62A5", undefined],
    ["a\0", "control character U+0000", "a"],
    ["B\n", "control character U+000A", "B"],
    ["a\ud800", "lone surrogate U+D800", "a"],
    ["\u202ea", "bidirectional control U+202E", "a"],
  ])("rejects %j: %s", (name, problem, suggestion) => {
    expect(isBucket(name)).toBe(false);
    const { code, message, details } = refusalOf(() => checkBucket(name));
    expect({ code, details }).toEqual({
      code: "invalid_argument",
      details: suggestion === undefined ? { argument: "bucket" } : { argument: "bucket", suggestion },
    });
    expect(message).toContain(problem);
    if (suggestion !== undefined) expect(message).toContain(`"${suggestion}" would do`);
  });
});

it("isBucketPrefix() accepts a text that a bucket name can begin with", () => {
  for (const text of ["", "a", "a.", "a.b", "-", "x".repeat(63)]) expect(isBucketPrefix(text), text).toBe(true);
  for (const text of [".", "a..", ".a", "a/", "é", "x".repeat(64), `${"x".repeat(63)}.`]) {
    expect(isBucketPrefix(text), text).toBe(false);
  }
});
