import { expect, it } from "vitest";
import { compareKeys, prefixUpperBound } from "../../../src/store/model/key-order.js";

it("compareKeys() orders by UTF-8 bytes, not as JavaScript does", () => {
  const keys = ["", "a", "a\t", "a\tb", "a-", "b", "é", "\ufffd", "😀", "\u{10ffff}"];
  expect(keys.toReversed().sort(compareKeys)).toEqual(keys);
  expect(keys.toSorted()).not.toEqual(keys);
});

it("prefixUpperBound() raises the last code point that can be raised, and skips surrogates", () => {
  expect(prefixUpperBound("ab")).toBe("ac");
  expect(prefixUpperBound("a\t")).toBe("a\n");
  expect(prefixUpperBound("a\ud7ff")).toBe("a\ue000");
  expect(prefixUpperBound("a\uffff")).toBe("a\u{10000}");
  expect(prefixUpperBound("a😀")).toBe("a😁");
  expect(prefixUpperBound("a\u{10ffff}\u{10ffff}")).toBe("b");
  expect(prefixUpperBound("\u{10ffff}")).toBeUndefined();
  expect(prefixUpperBound("")).toBeUndefined();
});
