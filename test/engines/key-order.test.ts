import { expect, it } from "vitest";
import { aboveAllWith, compareKeys } from "../../src/engines/key-order.js";

it("compareKeys() is the order of the UTF-8 bytes, and not JavaScript's", () => {
  const keys = ["", "a", "a\t", "a\tb", "a-", "b", "é", "\ufffd", "😀", "\u{10ffff}"];
  expect(keys.toReversed().sort(compareKeys)).toEqual(keys);
  expect(keys.toSorted()).not.toEqual(keys);
});

it("aboveAllWith() raises the last code point that can be raised, and skips the surrogates", () => {
  expect(aboveAllWith("ab")).toBe("ac");
  expect(aboveAllWith("a\t")).toBe("a\n");
  expect(aboveAllWith("a\ud7ff")).toBe("a\ue000");
  expect(aboveAllWith("a\uffff")).toBe("a\u{10000}");
  expect(aboveAllWith("a😀")).toBe("a😁");
  expect(aboveAllWith("a\u{10ffff}\u{10ffff}")).toBe("b");
  expect(aboveAllWith("\u{10ffff}")).toBeUndefined();
  expect(aboveAllWith("")).toBeUndefined();
});
