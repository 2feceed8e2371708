import { describe, expect, it } from "vitest";
import { Hasher } from "../../../src/analysis/compare/hasher.js";
import { KeyedRows } from "../../../src/analysis/compare/keyed-rows.js";

const hasher = new Hasher();
const hash = (text: string): number => {
  hasher.addText(text);
  return hasher.take();
};

describe("KeyedRows", () => {
  it("gives the rows of one key in their order", () => {
    const rows = new KeyedRows();
    expect([rows.add(hash("a"), 10, 1), rows.add(hash("b"), 20, 2), rows.add(hash("a"), 30, 3)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(rows.take(hash("a"))).toEqual({ number: 1, content: 10, isFirst: true });
    expect(rows.take(hash("a"))).toEqual({ number: 3, content: 30, isFirst: false });
    expect(rows.take(hash("a"))).toBe("used");
    expect(rows.take(hash("c"))).toBeUndefined();
    rows.addTaken(hash("c"));
    expect(rows.take(hash("c"))).toBe("used");
    expect([...rows.left()]).toEqual([2]);
  });

  it("finds 100,000 keys again", () => {
    const rows = new KeyedRows();
    for (let at = 0; at < 100_000; at++) rows.add(hash(`${at}`), at, at + 1);
    const lost: number[] = [];
    for (let at = 1; at < 100_000; at++) {
      const row = rows.take(hash(`${at}`));
      if (typeof row !== "object" || row.number !== at + 1 || row.content !== at) lost.push(at);
    }
    expect(lost).toEqual([]);
    expect([...rows.left()]).toEqual([1]);
  });

  it("keeps all rows of some keys when it is full", () => {
    const rows = new KeyedRows(100);
    for (let at = 0; at < 1000; at++) rows.add(hash(`${at % 300}`), at, at + 1);
    expect(rows.every).toBeGreaterThanOrEqual(8);
    const kept = Array.from({ length: 300 }, (_, key) => key).filter((key) => rows.isKept(hash(`${key}`)));
    for (const key of kept) {
      const numbers = [];
      for (let row = rows.take(hash(`${key}`)); typeof row === "object"; row = rows.take(hash(`${key}`)))
        numbers.push(row.number);
      expect(numbers).toEqual([0, 300, 600, 900].map((more) => key + more + 1).filter((number) => number <= 1000));
    }
    expect([...rows.left()]).toEqual([]);
  });

  it("ends when all rows have one key", () => {
    const rows = new KeyedRows(10);
    for (let at = 0; at < 100; at++) rows.add(hash("same"), at, at + 1);
    expect(rows.isKept(hash("same"))).toBe(false);
    expect([...rows.left()]).toEqual([]);
  });
});
