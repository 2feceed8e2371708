import { describe, expect, it } from "vitest";
import { createChangeQueue } from "../../../src/engines/sqlite/change-queue.js";
import type { StoreChange } from "../../../src/engines/sqlite/database/connection.js";
import type { InTurn } from "../../../src/engines/sqlite/write-turns.js";

/** A queue whose batches wait until the test ends them. A change whose row has the old text "lost" is not made. */
function openQueue(limits = { maxChanges: 32, maxSize: 1_000 }) {
  const batches: { keys: (string | undefined)[]; succeed: () => void; fail: (error: Error) => void }[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const inTurn: InTurn = (write) => {
    const result = last.then(write);
    last = result.catch(() => undefined);
    return result;
  };
  const enqueue = createChangeQueue(
    inTurn,
    () => limits,
    (batch: readonly StoreChange[]) =>
      new Promise<boolean[]>((resolve, fail) => {
        const succeed = () => resolve(batch.map(({ rows }) => rows[0]?.old !== "lost"));
        batches.push({ keys: batch.map(({ rows }) => rows[0]?.key), succeed, fail });
      }),
  );
  const change = (key: string, { old = "old", bytes = 0 } = {}): Promise<boolean> =>
    enqueue({ rows: [{ key, old, next: "new" }], put: [{ name: key, bytes: new Uint8Array(bytes) }], drop: [] });
  const batch = (n: number) =>
    expect
      .poll(() => batches[n])
      .toBeDefined()
      .then(() => batches[n]);
  return { batches, change, batch };
}

describe("changes that are asked for during a transaction", () => {
  it("share the next transaction in the order of the calls, and each gets its own result", async () => {
    const { batches, change, batch } = openQueue();
    const first = change("a");
    await batch(0);
    const others = [change("b"), change("c", { old: "lost" }), change("b"), change("d")];
    batches[0]?.succeed();
    (await batch(1))?.succeed();
    expect(await Promise.all([first, ...others])).toEqual([true, true, false, true, true]);
    expect(batches.map(({ keys }) => keys)).toEqual([["a"], ["b", "c", "b", "d"]]);
  });

  it("are at most as many in a transaction as the limit says", async () => {
    const { batches, change, batch } = openQueue();
    const all = Array.from({ length: 70 }, (_, n) => change(String(n)));
    for (const n of [0, 1, 2]) (await batch(n))?.succeed();
    expect(new Set(await Promise.all(all))).toEqual(new Set([true]));
    expect(batches.map(({ keys }) => keys.length)).toEqual([32, 32, 6]);
    expect(batches.flatMap(({ keys }) => keys)).toEqual(all.map((_, n) => String(n)));
  });

  it("have at most as many bytes in a transaction as the limit says; a larger change gets its own transaction", async () => {
    const { batches, change, batch } = openQueue();
    const all = [900, 50, 100, 5_000, 5_000, 10].map((bytes, n) => change(String(n), { bytes }));
    for (const n of [0, 1, 2, 3, 4]) (await batch(n))?.succeed();
    expect(await Promise.all(all)).toEqual(all.map(() => true));
    expect(batches.map(({ keys }) => keys)).toEqual([["0", "1"], ["2"], ["3"], ["4"], ["5"]]);
  });

  it("fail together if their transaction fails, and later changes are still made", async () => {
    const { batches, change, batch } = openQueue();
    const first = [change("a"), change("b")];
    await batch(0);
    const outcomes = Promise.allSettled([...first, change("c")]);
    batches[0]?.fail(new Error("disk"));
    (await batch(1))?.succeed();
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });
});
