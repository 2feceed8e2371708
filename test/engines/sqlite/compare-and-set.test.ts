import { describe, expect, it } from "vitest";
import { createReplace, type InTurn } from "../../../src/engines/sqlite/compare-and-set.js";

/** A writer whose statements wait until they are let go on, and change every row but those of `lost`. */
function openWriter(lost: readonly string[] = []) {
  const statements: { keys: string[]; succeed: () => void; fail: (error: Error) => void }[] = [];
  let writing: Promise<unknown> = Promise.resolve();
  const inTurn: InTurn = (write) => {
    const result = writing.then(write);
    writing = result.catch(() => undefined);
    return result;
  };
  const replace = createReplace(inTurn, (_, values) => {
    const keys = values.filter((value) => value.startsWith("row:"));
    return new Promise((resolve, fail) => {
      const succeed = () => resolve(keys.filter((key) => !lost.includes(key)).map((key) => ({ key })));
      statements.push({ keys, succeed, fail });
    });
  });
  const change = (key: string): Promise<boolean> => replace(key, "old", "new");
  const statement = (n: number) =>
    expect
      .poll(() => statements[n])
      .toBeDefined()
      .then(() => statements[n]);
  return { statements, change, statement };
}

describe("changes that come while a statement is under way", () => {
  it("share the next one, and are each told what became of them", async () => {
    const { statements, change, statement } = openWriter(["row:c"]);
    const first = change("row:a");
    await statement(0);
    const others = ["row:b", "row:c", "row:d"].map(change);
    statements[0]?.succeed();
    (await statement(1))?.succeed();
    expect(await Promise.all([first, ...others])).toEqual([true, true, false, true]);
    expect(statements.map(({ keys }) => keys)).toEqual([["row:a"], ["row:b", "row:c", "row:d"]]);
  });

  it("of one row have a statement each", async () => {
    const { statements, change, statement } = openWriter();
    const all = ["row:a", "row:b", "row:b", "row:c"].map(change);
    for (const n of [0, 1]) (await statement(n))?.succeed();
    expect(await Promise.all(all)).toEqual([true, true, true, true]);
    expect(statements.map(({ keys }) => keys)).toEqual([["row:a", "row:b", "row:c"], ["row:b"]]);
  });

  it("are no more than 32 to a statement", async () => {
    const { statements, change, statement } = openWriter();
    const all = Array.from({ length: 40 }, (_, n) => change(`row:${n}`));
    for (const n of [0, 1]) (await statement(n))?.succeed();
    expect(new Set(await Promise.all(all))).toEqual(new Set([true]));
    expect(statements.map(({ keys }) => keys.length)).toEqual([32, 8]);
  });

  it("fail together where it fails, and those behind it go on", async () => {
    const { statements, change, statement } = openWriter();
    const first = ["row:a", "row:b"].map(change);
    await statement(0);
    const outcomes = Promise.allSettled([...first, change("row:c")]);
    statements[0]?.fail(new Error("disk"));
    (await statement(1))?.succeed();
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });
});
