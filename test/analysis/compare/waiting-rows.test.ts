import { describe, expect, it } from "vitest";
import { Hasher } from "../../../src/analysis/compare/hasher.js";
import { type Side, WaitingRows } from "../../../src/analysis/compare/rows/waiting-rows.js";
import { randomNumbers } from "../../support/random-numbers.js";

const hasher = new Hasher();
const hash = (text: string): number => {
  hasher.addText(text);
  return hasher.take();
};

const add = (rows: WaitingRows, side: Side, key: string, number: number, mayWait = true) =>
  rows.add(side, hash(key), { number, content: number * 10 }, mayWait);

describe("WaitingRows", () => {
  it("matches the rows of one key in their order, whichever side comes first", () => {
    const rows = new WaitingRows();
    const waits = (isRepeated: boolean) => ({ match: undefined, isRepeated });
    expect(add(rows, 0, "a", 1)).toEqual(waits(false));
    expect(add(rows, 1, "b", 1)).toEqual(waits(false));
    expect(add(rows, 0, "a", 2)).toEqual(waits(true));
    expect(add(rows, 0, "a", 3)).toEqual(waits(true));
    expect(add(rows, 1, "a", 2)).toEqual({ match: { number: 1, content: 10 }, isRepeated: false });
    expect(add(rows, 1, "a", 3)).toEqual({ match: { number: 2, content: 20 }, isRepeated: true });
    expect(add(rows, 0, "b", 4)).toEqual({ match: { number: 1, content: 10 }, isRepeated: false });
    expect(add(rows, 1, "c", 4)).toEqual(waits(false));
    expect([[...rows.left(0)], [...rows.left(1)]]).toEqual([[3], [4]]);
    expect(rows.counts).toEqual([1, 1]);
  });

  it("keeps no row that may not wait, and remembers its key", () => {
    const rows = new WaitingRows();
    expect(add(rows, 0, "a", 1, false)).toEqual({ match: undefined, isRepeated: false });
    expect(add(rows, 0, "a", 2, false)).toEqual({ match: undefined, isRepeated: true });
    expect(rows.counts).toEqual([0, 0]);
  });

  it("matches any number of rows in about the same order with room for few", () => {
    const rows = new WaitingRows({ maxWaiting: 100, mostRemembered: 50 });
    for (let at = 1; at <= 10_000; at++) {
      if (add(rows, 0, `${at}`, at) === undefined) throw new Error("there was no room");
      const early = at - 40;
      if (early > 0) expect(add(rows, 1, `${early}`, early)?.match?.number).toBe(early);
    }
    expect(rows.hasForgotten).toBe(true);
    expect(rows.counts).toEqual([40, 0]);
  });

  it.each([(at: number) => `${at}`, () => "same"])(
    "says when there is no room, after as many rows as it promises",
    (keyOf) => {
      const rows = new WaitingRows({ maxWaiting: 2000, mostRemembered: 10 });
      let added = 0;
      while (add(rows, 0, keyOf(added), added + 1) !== undefined) added++;
      expect(added).toBeGreaterThanOrEqual(2000);
      expect(added).toBeLessThan(3000);
      expect(rows.left(0)).toHaveLength(added);
    },
  );

  it("finds the same as lists of rows by their keys, in any order", () => {
    const random = randomNumbers(22);
    const rows = new WaitingRows({ maxWaiting: 7000, mostRemembered: 200 });
    const lists = new RowLists();
    for (let at = 1; at <= 30_000; at++) {
      const side = random(2) === 0 ? 0 : 1;
      const key = `${random(500) + Math.floor(at / 20)}`;
      const added = add(rows, side, key, at);
      expect(added && { number: added.match?.number }).toEqual({ number: lists.add(side, key, at) });
    }
    expect([...rows.left(0)]).toEqual(lists.left(0));
    expect([...rows.left(1)]).toEqual(lists.left(1));
  });
});

/** What `WaitingRows` does, without limits. */
class RowLists {
  readonly #lists = new Map<string, { side: Side; number: number }[]>();

  add(side: Side, key: string, number: number): number | undefined {
    const list = this.#lists.get(key) ?? [];
    this.#lists.set(key, list);
    if (list[0] !== undefined && list[0].side !== side) return list.shift()?.number;
    list.push({ side, number });
    return undefined;
  }

  left(side: Side): number[] {
    const rows = [...this.#lists.values()].flat().filter((row) => row.side === side);
    return rows.map(({ number }) => number).sort((a, b) => a - b);
  }
}
