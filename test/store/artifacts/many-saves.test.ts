import { beforeEach, describe, expect, it } from "vitest";
import type { SaveArtifact } from "../../../src/store/artifacts/artifact-saves.js";
import type { Store } from "../../../src/store/store.js";
import { expectNothingLeft } from "../../support/invariants.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  saveText,
  storeOn,
  textOf,
  tinyPieces,
} from "../../support/stores.js";

let engines: MemoryEngines;
let store: Store;
beforeEach(() => {
  engines = createMemoryEngines();
  store = storeOn(engines, { pieceLimits: tinyPieces });
});

const saveOf = (key: string, text: string, more: Partial<SaveArtifact> = {}): SaveArtifact => {
  return { bucket: "b", key, bytes: bytesOf(text), defaultMimeType: "text/plain", ...more };
};

describe("saveMany()", () => {
  it("saves new keys in one change, and all others as save() does", async () => {
    await saveText(store, "b", "same", "1");
    await saveText(store, "b", "other", "1");
    const results = await store.artifacts.saveMany("b", [
      saveOf("a", "1"),
      saveOf("empty", ""),
      saveOf("same", "1"),
      saveOf("other", "2"),
      saveOf("large", "123456"),
      saveOf("guarded", "1", { if_version: 3 }),
      saveOf("../bad", "1"),
      saveOf("a", "2"),
    ]);
    expect(results.map((result) => (result.status === "fulfilled" ? result.value : result.reason))).toMatchObject([
      { key: "a", version: 1, bytes: 1, mime_type: "text/plain" },
      { key: "empty", version: 1, bytes: 0 },
      { key: "same", version: 1, already_saved: true },
      { key: "other", version: 2 },
      { key: "large", version: 1, bytes: 6 },
      { code: "version_conflict" },
      { code: "invalid_argument" },
      { key: "a", version: 2 },
    ]);
    expect(await textOf(store, "b", "a", 1)).toBe("1");
    expect(await textOf(store, "b", "a", 2)).toBe("2");
    await expectNothingLeft(engines);
  });

  it("saves all but the key whose row is damaged", async () => {
    await saveText(store, "b", "damaged", "1");
    engines.metadata.rows.set("artifact\tb\tdamaged", "no JSON");
    const results = await store.artifacts.saveMany(
      "b",
      ["a", "damaged", "c"].map((key) => saveOf(key, "2")),
    );
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: { code: "corrupt" } });
    expect(await textOf(store, "b", "c")).toBe("2");
  });

  it("saves one by one if another process took a key meanwhile", async () => {
    const other = storeOn(engines, { pieceLimits: tinyPieces });
    const { change } = engines.metadata;
    let isFirst = true;
    engines.metadata.change = async (rows, pieces) => {
      if (isFirst) {
        isFirst = false;
        await saveText(other, "b", "b", "other");
      }
      return change.call(engines.metadata, rows, pieces);
    };
    const results = await store.artifacts.saveMany("b", [saveOf("a", "1"), saveOf("b", "2")]);
    expect(results).toMatchObject([{ value: { key: "a", version: 1 } }, { value: { key: "b", version: 2 } }]);
    expect(await textOf(store, "b", "b", 1)).toBe("other");
    await expectNothingLeft(engines);
  });

  it("saves what there is room for", async () => {
    const small = storeOn(engines, { pieceLimits: tinyPieces, maxStoreBytes: 4 });
    const results = await small.artifacts.saveMany("b", [saveOf("a", "123"), saveOf("b", "123")]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

it("readSmall() returns contents that lie in rows, and undefined for all others", async () => {
  await saveText(store, "b", "a", "1");
  await saveText(store, "b", "a", "2");
  await saveText(store, "b", "large", "123456");
  const places = [
    ["a", 1],
    ["a", 2],
    ["a", 3],
    ["large", 1],
    ["none", 1],
  ] as const;
  const found = await store.artifacts.readSmall(places.map(([key, version]) => ({ bucket: "b", key, version })));
  expect(found.map((bytes) => bytes && Buffer.from(bytes).toString())).toEqual([
    "1",
    "2",
    undefined,
    undefined,
    undefined,
  ]);
});
