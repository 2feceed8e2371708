import { describe, expect, it } from "vitest";
import { quotePath } from "../../../src/engines/local-files/quote-path.js";

describe("quotePath()", () => {
  it.each([
    ["/data/x", '"/data/x"'],
    ["/d\u00e4ta/\u682a\u0444\u0663", '"/d\u00e4ta/\u682a\u0444\u0663"'],
    ["/a\u200bb", '"/a\\u200bb"'],
    ["/a\uff0fb", '"/a\\uff0fb"'],
    ["/a\u2215b", '"/a\\u2215b"'],
    ["/e\u0301", '"/e\\u0301"'],
    ["/\u202egnp.exe", '"/\\u202egnp.exe"'],
    ["/\u3164\u115f", '"/\\u3164\\u115f"'],
    ["/\uff41", '"/\\uff41"'],
    ["/\u00a0", '"/\\u00a0"'],
    ["/\u{e0001}", '"/\\udb40\\udc01"'],
    ["/\u007f\u0085\n", '"/\\u007f\\u0085\\n"'],
    ["/\ud800", '"/\\ud800"'],
    ['/a"b\\', '"/a\\"b\\\\"'],
  ])("quotes %j as %s, which JSON.parse() reads back", (path, expected) => {
    expect(quotePath(path)).toBe(expected);
    expect(JSON.parse(quotePath(path))).toBe(path);
  });

  it("cuts a path that is too long for a message", () => {
    expect(quotePath(`/${"x".repeat(4_000)}`).length).toBe(302);
  });
});
