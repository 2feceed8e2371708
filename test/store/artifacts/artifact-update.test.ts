import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import type { Store } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, storeOn, textOf } from "../../support/stores.js";

const startMs = 1_800_000_000_000;
const start = startMs / 1000;
const hour = 3_600;
const k = { bucket: "b", key: "k" };
let nowMs: number;
let engines: MemoryEngines;
let store: Store;

const open = (metadata: MetadataStore = engines.metadata): Store =>
  storeOn({ ...engines, metadata }, { now: () => nowMs, monotonicMs: () => nowMs });
const save = (text: string, options: object = {}) =>
  store.artifacts.save({ ...k, bytes: bytesOf(text), defaultMimeType: "text/plain", ...options });

beforeEach(() => {
  nowMs = startMs;
  engines = createMemoryEngines();
  store = open();
});

describe("update()", () => {
  it("replaces the metadata of the newest version in place, and raises its edit", async () => {
    await save("one");
    const saved = await save("two", { metadata: { a: "1", b: "2" } });
    const edited = await store.artifacts.update({ ...k, metadata: { c: "3" } });
    expect(edited).toEqual({ ...saved, metadata: { c: "3" }, edit: 1, previous_metadata: saved.metadata });
    expect(await store.artifacts.get("b", "k")).toEqual({ ...saved, metadata: { c: "3" }, edit: 1 });
    expect(await store.artifacts.update({ ...k, metadata: {} })).toMatchObject({ metadata: {}, edit: 2 });
    expect(await store.artifacts.get("b", "k", 1)).not.toHaveProperty("edit");
    expect(await textOf(store, "b", "k")).toBe("two");
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("merges: sets pairs, keeps the others, and removes those with an empty text", async () => {
    await save("x", { metadata: { a: "1", b: "2", c: "3" } });
    const metadata = { b: "two", c: "", d: "", e: "5" };
    expect((await store.artifacts.update({ ...k, metadata, merge: true })).metadata).toEqual({
      a: "1",
      b: "two",
      e: "5",
    });
    expect((await store.artifacts.update({ ...k, metadata: { a: "" } })).metadata).toEqual({ a: "" });
  });

  it("sets the expiry, keeps it when only metadata change, and takes it away", async () => {
    await save("x");
    expect(await store.artifacts.update({ ...k, expires_in: 2 * hour })).toMatchObject({
      expires_at: start + 2 * hour,
    });
    nowMs += 60_000;
    const edited = await store.artifacts.update({ ...k, metadata: { a: "1" } });
    expect(edited).toMatchObject({ expires_at: start + 2 * hour, edit: 2 });
    expect(edited).not.toHaveProperty("previous_expires_at");
    const forever = await store.artifacts.update({ ...k, expires_in: null });
    expect(forever).toMatchObject({ metadata: { a: "1" }, edit: 3, previous_expires_at: start + 2 * hour });
    expect(forever).not.toHaveProperty("previous_metadata");
    expect(forever).not.toHaveProperty("expires_at");
  });

  it("makes no edit if nothing would change, whatever the guard, so that a retry is no conflict", async () => {
    await save("x", { metadata: { a: "1", b: "2" } });
    const update = { ...k, metadata: { b: "3" }, merge: true, expires_in: hour, if_version: 1 };
    const { previous_metadata, ...edited } = await store.artifacts.update(update);
    expect(previous_metadata).toEqual({ a: "1", b: "2" });
    nowMs += 60_000;
    const before = new Map(engines.metadata.rows);
    expect(await store.artifacts.update(update)).toEqual(edited);
    expect(await store.artifacts.update({ ...k, metadata: { b: "3", a: "1" } })).toEqual(edited);
    expect(engines.metadata.rows).toEqual(before);
    await expect(store.artifacts.update({ ...update, isStrict: true })).rejects.toMatchObject({
      code: "version_conflict",
    });
    nowMs += 10 * 60_000;
    await expect(store.artifacts.update(update)).rejects.toMatchObject({ code: "version_conflict" });
    expect(await store.artifacts.update({ ...update, if_edit: 1 })).toMatchObject({ edit: 2 });
  });

  it("needs the guard's version and edit", async () => {
    await save("x");
    const update = (text: string, if_version: number, if_edit?: number) =>
      store.artifacts.update({ ...k, metadata: { text }, if_version, if_edit });
    expect(await update("first", 1)).toMatchObject({ edit: 1 });
    const refused = update("second", 1);
    await expect(refused).rejects.toThrow(
      "if_version is 1, but the newest version of the key is 1.1. Nothing was changed.",
    );
    await expect(refused).rejects.toMatchObject({
      code: "version_conflict",
      details: { if_version: 1, version: 1, edit: 1 },
    });
    await expect(update("second", 1, 2)).rejects.toThrow(
      "if_version is 1.2, but the newest version of the key is 1.1.",
    );
    await expect(update("second", 2)).rejects.toMatchObject({ code: "version_conflict" });
    expect(await update("second", 1, 1)).toMatchObject({ edit: 2 });
  });

  it("refuses an absent key, an expired one, an update of nothing, and metadata that break the rules", async () => {
    const update = (options: object) => store.artifacts.update({ ...k, ...options });
    await expect(update({ metadata: {} })).rejects.toMatchObject({ code: "artifact_not_found" });
    await save("x", { metadata: { a: "1".repeat(1_500) }, expires_in: hour });
    const invalid = { code: "invalid_argument" };
    await expect(update({})).rejects.toMatchObject(invalid);
    await expect(update({ merge: true })).rejects.toMatchObject(invalid);
    await expect(update({ metadata: { b: "1".repeat(1_500) }, merge: true })).rejects.toMatchObject(invalid);
    await expect(update({ metadata: { a: "\0" } })).rejects.toMatchObject(invalid);
    await expect(update({ expires_in: 60 })).rejects.toMatchObject(invalid);
    nowMs += hour * 1000;
    await expect(update({ expires_in: null })).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("tells watchers", async () => {
    await save("x");
    const before = await store.revisions.listing();
    await store.close();
    await store.artifacts.update({ ...k, metadata: { a: "1" } });
    await store.close();
    expect(await store.revisions.listing()).not.toBe(before);
  });
});

describe("an update whose answer is lost", () => {
  /** The next change throws after it was made, or before. Then `other` happens, before anything is read again. */
  function losing(isMade: boolean, other: () => Promise<unknown>): Store {
    let isOver = false;
    const change: MetadataStore["change"] = async (...values) => {
      if (isOver) return engines.metadata.change(...values);
      isOver = true;
      if (isMade) await engines.metadata.change(...values);
      await other();
      throw new ArtifactError("internal", "the answer was lost");
    };
    return open({ ...engines.metadata, change });
  }
  const nothing = async (): Promise<void> => undefined;
  const update = (on: Store) => on.artifacts.update({ ...k, metadata: { own: "1" }, merge: true, if_version: 1 });
  const unknown = { code: "internal", message: "the answer was lost" };

  beforeEach(() => save("x"));

  it("is answered if the row shows it", async () => {
    expect(await update(losing(true, nothing))).toMatchObject({ metadata: { own: "1" }, edit: 1 });
  });

  it("is of unknown outcome as long as it may still be made", async () => {
    await expect(update(losing(false, nothing))).rejects.toMatchObject(unknown);
  });

  it("is made again after another change that shows no edit", async () => {
    const other = () => save("x", { idempotency_key: "other" });
    expect(await update(losing(false, other))).toMatchObject({ metadata: { own: "1" }, edit: 1 });
  });

  it.each([true, false])("is of unknown outcome after another edit (it was made: %s)", async (isMade) => {
    const other = () => store.artifacts.update({ ...k, metadata: { other: "1" } });
    await expect(update(losing(isMade, other))).rejects.toMatchObject(unknown);
  });

  it("is of unknown outcome after the version was deleted", async () => {
    const other = () => store.artifacts.delete("b", "k");
    await expect(update(losing(true, other))).rejects.toMatchObject(unknown);
  });
});
