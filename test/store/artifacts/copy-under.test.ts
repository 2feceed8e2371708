import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { CopyUnder } from "../../../src/store/artifacts/copy/copy-under.js";
import type { Store } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

let engines: MemoryEngines;
let store: Store;
beforeEach(() => {
  engines = createMemoryEngines();
  store = storeOn(engines);
});

const keysIn = (bucket: string): string[] =>
  [...engines.metadata.rows.keys()]
    .filter((key) => key.startsWith(`artifact\t${bucket}\t`))
    .map((key) => key.slice(`artifact\t${bucket}\t`.length))
    .sort();

/** What became of each key, in order. */
async function all(wanted: Partial<CopyUnder>, signal?: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  const whole = { bucket: "a", prefix: "", to_bucket: "b", to_prefix: "", ...wanted };
  for await (const { key, outcome } of store.artifacts.copyUnder(whole, { signal })) {
    found.push(`${key} ${"copied" in outcome ? outcome.copied.version : outcome.error.code}`);
  }
  return found;
}

describe("copyUnder()", () => {
  it("copies what is under a folder, in the order of the keys, and the same call again changes nothing", async () => {
    const names = Array.from({ length: 95 }, (_, n) => `x/${String(n).padStart(2, "0")}`);
    for (const key of [...names, "x", "xx", "y/1"]) await saveText(store, "a", key, key);
    const expected = names.map((key) => `${key} 1`);
    expect(await all({ prefix: "x/", to_prefix: "in/" })).toEqual(expected);
    expect(await all({ prefix: "x/", to_prefix: "in/" })).toEqual(expected);
    expect(keysIn("b")).toEqual(names.map((key) => key.replace("x", "in")));
    expect(await textOf(store, "b", "in/42")).toBe("x/42");
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("moves, and goes on after an artifact that cannot be moved", async () => {
    for (const key of ["1", "2", "3"]) await saveText(store, "a", key, key);
    await saveText(store, "b", "2", "in the way");
    expect(await all({ move: true })).toEqual(["1 1", "2 version_conflict", "3 1"]);
    expect(keysIn("a")).toEqual(["2"]);
    expect(await all({ move: true, ontoNewest: true })).toEqual(["2 2"]);
    expect(await textOf(store, "b", "2", 1)).toBe("in the way");
    expect(keysIn("a")).toEqual([]);
  });

  it("takes what it has made in the source itself for no part of it", async () => {
    const names = Array.from({ length: 90 }, (_, n) => `z${n}`);
    for (const name of names) await saveText(store, "a", `x/x/${name}`, name);
    await all({ to_bucket: "a", prefix: "x/", to_prefix: "", move: true });
    expect(keysIn("a")).toEqual(names.map((name) => `x/${name}`).sort());
  });

  const nested = fc
    .array(fc.constantFrom("b", "c"), { minLength: 1, maxLength: 4 })
    .map((segments) => `a/${segments.join("/")}`);

  it.each([true, false])("goes up in a folder as a map would, whatever nests there (move: %s)", async (move) => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(nested, { maxLength: 25 }), async (keys) => {
        engines = createMemoryEngines();
        store = storeOn(engines, { keepVersions: 1 });
        for (const key of [...keys, "other"]) await saveText(store, "a", key, `${key} of old`);
        const expected = new Map(["other", ...keys].map((key) => [key, `${key} of old`]));
        const moved = keys.filter((key) => key.startsWith("a/b/"));
        if (move) for (const key of moved) expected.delete(key);
        for (const key of moved) expected.set(key.replace("a/b/", "a/"), `${key} of old`);
        const results = await all({ to_bucket: "a", prefix: "a/b/", to_prefix: "a/", move, ontoNewest: move });
        expect(results).toHaveLength(moved.length);
        const found = await Promise.all(keysIn("a").map(async (key) => [key, await textOf(store, "a", key)] as const));
        expect(new Map(found)).toEqual(new Map([...expected].sort(([a], [b]) => (a < b ? -1 : 1))));
      }),
      { numRuns: 40 },
    );
  });

  it("puts nothing on top of an artifact that could not be moved away", async () => {
    for (const key of ["a/z", "a/b/z", "a/b/b/z", "a/b/b/b/z"]) await saveText(store, "a", key, key);
    const up = { to_bucket: "a", prefix: "a/b/", to_prefix: "a/" };
    const copy = store.artifacts.copy.bind(store.artifacts);
    store.artifacts.copy = (wanted, options) => copy({ ...wanted, ontoNewest: wanted.key !== "a/b/z" }, options);
    const refused = ["a/b/z version_conflict", "a/b/b/z version_conflict", "a/b/b/b/z version_conflict"];
    expect(await all({ ...up, move: true })).toEqual(refused);
    for (const key of ["a/z", "a/b/z", "a/b/b/z", "a/b/b/b/z"]) expect(await textOf(store, "a", key)).toBe(key);
  });

  it.each([
    { to_bucket: "a", prefix: "x/", to_prefix: "x/" },
    { to_bucket: "a", prefix: "x/", to_prefix: "x/y/" },
    { to_bucket: "a", prefix: "", to_prefix: "x/" },
  ])("refuses to copy a folder into itself: %j", async (wanted) => {
    await saveText(store, "a", "x/1", "text");
    await expect(all(wanted)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(keysIn("a")).toEqual(["x/1"]);
  });

  it("ends when it is aborted, and leaves nothing half done", async () => {
    for (let n = 0; n < 50; n += 1) await saveText(store, "a", `${n}`, "text");
    const stopping = new AbortController();
    const results = store.artifacts.copyUnder(
      { bucket: "a", prefix: "", to_bucket: "b", to_prefix: "" },
      { signal: stopping.signal },
    );
    await results.next();
    stopping.abort();
    await expect(
      (async () => {
        for await (const _ of results);
      })(),
    ).rejects.toBe(stopping.signal.reason);
    expect(keysIn("b").length).toBeLessThan(50);
    expectSound(engines);
    expectNothingLeft(engines);
  });
});

describe("a move onto the newest version", () => {
  it("refuses if somebody saves at the target after it has looked", async () => {
    await saveText(store, "a", "k", "source");
    await saveText(store, "b", "k", "target");
    const change: typeof engines.metadata.change = async (rows, pieces) => {
      if (rows.some(({ key }) => key === "artifact\ta\tk")) await saveText(store, "b", "k", "saved meanwhile");
      return engines.metadata.change(rows, pieces);
    };
    const racing = storeOn({ ...engines, metadata: { ...engines.metadata, change } });
    const moved = racing.artifacts.copy({ bucket: "a", key: "k", to_bucket: "b", move: true, ontoNewest: true });
    await expect(moved).rejects.toMatchObject({ code: "version_conflict", next: "copy_onto_newest" });
    expect(await textOf(store, "a", "k")).toBe("source");
    expect(await textOf(store, "b", "k")).toBe("saved meanwhile");
  });

  it("needs nothing at the target, and counts an edit of the newest version", async () => {
    await saveText(store, "a", "k", "source");
    const move = { bucket: "a", key: "k", to_bucket: "b", move: true, ontoNewest: true };
    expect(await store.artifacts.copy(move)).toMatchObject({ version: 1 });
    await store.artifacts.update({ bucket: "b", key: "k", metadata: { a: "b" } });
    await saveText(store, "a", "k", "source");
    expect(await store.artifacts.copy(move)).toMatchObject({ version: 2 });
  });
});
