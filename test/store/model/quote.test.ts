import { describe, expect, it } from "vitest";
import { quote, shorten } from "../../../src/store/model/quote.js";
import { randomText, seededRandom } from "../../support/random-text.js";

const unsafe = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Bidi_Control}]/u;

describe("quote()", () => {
  it.each([
    ["a", '"a"'],
    ['say "é"', String.raw`"say \"é\""`],
    ["a\nb\x7f\x85", String.raw`"a\nb\u007f\u0085"`],
    ["\ud800x", String.raw`"\ud800x"`],
    ["\u202e\u2028\ufffe", String.raw`"\u202e\u2028\ufffe"`],
    ["\u{1fffe}", String.raw`"\ud83f\udffe"`],
    ["😀", '"😀"'],
  ])("quotes %j as %s", (text, quoted) => expect(quote(text)).toBe(quoted));

  it("cuts long text, and never cuts a character in two", () => {
    expect(quote("x".repeat(80))).toBe(`"${"x".repeat(80)}"`);
    expect(quote("x".repeat(81))).toBe(`"${"x".repeat(77)}..."`);
    expect(quote(`${"x".repeat(76)}😀😀😀`)).toBe(`"${"x".repeat(76)}..."`);
    expect(quote(`${"x".repeat(75)}😀😀😀`)).toBe(`"${"x".repeat(75)}😀..."`);
  });

  it("returns JSON of the text, with characters that are safe to print", () => {
    const random = seededRandom(4);
    for (let run = 0; run < 20_000; run += 1) {
      const text = randomText(random, 14);
      expect(quote(text)).not.toMatch(unsafe);
      if (text.length <= 80) expect(JSON.parse(quote(text))).toBe(text);
    }
  });
});

it("shorten() cuts and escapes without quotation marks", () => {
  expect(shorten('"a\\b"')).toBe('"a\\b"');
  expect(shorten("a\u202eb\ud800\n")).toBe(String.raw`a\u202eb\ud800\u000a`);
  expect(shorten("y".repeat(1_000))).toBe(`${"y".repeat(77)}...`);
});
