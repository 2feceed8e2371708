import { beforeEach, describe, expect, it } from "vitest";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import type { Store } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { createMemoryBackupFiles } from "../../support/memory-backup-files.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
} from "../../support/stores.js";

let engines: MemoryEngines;
let store: Store;

beforeEach(() => {
  engines = createMemoryEngines();
  store = storeOn(engines, { pieceLimits: noRowPieces });
});

const keysOf = async (bucket = "b"): Promise<string[]> =>
  (await store.artifacts.list({ bucket, limit: 1_000 })).data.map(({ key }) => key);

/** A store whose changes of keys wait until `other` has run once. */
function overtaken(other: () => Promise<unknown>): Store {
  let running: Promise<unknown> | undefined;
  const change: MetadataStore["change"] = async (rows, pieces) => {
    if (rows.some(({ key }) => key.startsWith("artifact\t"))) {
      running ??= other();
      await running;
    }
    return engines.metadata.change(rows, pieces);
  };
  return storeOn({ ...engines, metadata: { ...engines.metadata, change } }, { pieceLimits: noRowPieces });
}

function expire(key: string): void {
  const name = `artifact\tb\t${key}`;
  const row = JSON.parse(engines.metadata.rows.get(name) ?? "");
  row.versions[0].expires_at = 1;
  engines.metadata.rows.set(name, JSON.stringify(row));
}

describe("delete()", () => {
  it("says how many versions it deleted, and the last number of the key", async () => {
    for (const text of ["one", "two", "three"]) await saveText(store, "b", "k", text);
    const one = await store.artifacts.delete("b", "k", { version: 2 });
    expect(one).toMatchObject({ version: 2, deleted_versions: 1, last_version: 3 });
    const rest = await store.artifacts.delete("b", "k");
    expect(rest).toMatchObject({ version: 3, deleted_versions: 2, last_version: 3 });
    expectNothingLeft(engines);
  });

  it("of a key or version that is gone says that it was deleted already, whatever the guard is", async () => {
    for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
    await store.artifacts.delete("b", "k", { version: 1, if_version: 2 });
    const before = new Map(engines.metadata.rows);
    const again = { bucket: "b", key: "k", version: 1, already_deleted: true };
    for (const guard of [{}, { if_version: 2 }, { if_version: 1 }]) {
      expect(await store.artifacts.delete("b", "k", { version: 1, ...guard })).toEqual(again);
    }
    expect(engines.metadata.rows).toEqual(before);
    await store.artifacts.delete("b", "k", { if_version: 2 });
    expect(await store.artifacts.delete("b", "k", { if_version: 2 })).toEqual({
      bucket: "b",
      key: "k",
      already_deleted: true,
    });
    expect(await store.artifacts.delete("b", "k", { version: 1 })).toEqual(again);
  });

  it("of what has never existed is refused", async () => {
    const notFound = { code: "artifact_not_found" };
    await expect(store.artifacts.delete("b", "k")).rejects.toMatchObject(notFound);
    await expect(store.artifacts.delete("b", "k", { version: 1 })).rejects.toMatchObject(notFound);
    for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
    const higher = store.artifacts.delete("b", "k", { version: 3 });
    await expect(higher).rejects.toMatchObject({
      ...notFound,
      message: expect.stringMatching(/there are versions 2 and 1\.$/),
    });
    await store.artifacts.delete("b", "k");
    await expect(store.artifacts.delete("b", "k", { version: 3 })).rejects.toMatchObject(notFound);
  });

  it("checks if_edit too", async () => {
    await saveText(store, "b", "k", "one");
    const edited = store.artifacts.delete("b", "k", { if_version: 1, if_edit: 1 });
    await expect(edited).rejects.toMatchObject({ code: "version_conflict" });
    expect(await store.artifacts.delete("b", "k", { if_version: 1, if_edit: 0 })).toMatchObject({ version: 1 });
  });

  it("of a key that has expired frees its bytes, and says that it was deleted already", async () => {
    for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
    expire("k");
    const gone = { bucket: "b", key: "k", already_deleted: true };
    expect(await store.artifacts.delete("b", "k", { if_version: 1 })).toEqual(gone);
    expect(engines.content.files.size).toBe(2); // another version than the one that the guard names
    expect(await store.artifacts.delete("b", "k")).toEqual(gone);
    expect(engines.content.files.size).toBe(0);
    expectNothingLeft(engines);
  });
});

it("leaves a key behind of which every reader says that it was there", async () => {
  await store.artifacts.save({ bucket: "b", key: "gone", bytes: bytesOf("x"), defaultMimeType: "text/plain" });
  await store.artifacts.delete("b", "gone");
  const gone = {
    code: "artifact_not_found",
    message: expect.stringMatching(
      /^"gone" in bucket "b" was deleted, was moved or has expired; its last version was 1\./,
    ),
  };
  await expect(store.artifacts.get("b", "gone")).rejects.toMatchObject({ ...gone, details: { last_version: 1 } });
  await expect(store.artifacts.update({ bucket: "b", key: "gone", metadata: {} })).rejects.toMatchObject(gone);
  const from = { bucket: "b", key: "gone" };
  await expect(store.uploads.create({ bucket: "b", key: "new", from })).rejects.toMatchObject(gone);
  await expect(store.artifacts.get("b", "never")).rejects.toThrow('There is no artifact "never" in bucket "b".');
});

describe("deleteUnder()", () => {
  const under = { bucket: "b", prefix: "run/" };

  beforeEach(async () => {
    for (const key of ["run/a", "run/b", "run/c", "running", "other"]) await saveText(store, "b", key, key);
    await saveText(store, "b", "run/a", "more");
    await saveText(store, "c", "run/a", "other bucket");
  });

  async function confirmed(wanted = under): Promise<string> {
    const found = await store.artifacts.deleteUnder(wanted);
    return ("confirm" in found && found.confirm) || "none";
  }

  it("first says how many artifacts and bytes match, and deletes nothing", async () => {
    const before = new Map(engines.metadata.rows);
    const found = await store.artifacts.deleteUnder(under);
    const keys = { first_keys: ["run/a", "run/b", "run/c"], last_keys: [] };
    expect(found).toEqual({ artifacts: 3, bytes: 19, confirm: expect.any(String), ...keys });
    expect(engines.metadata.rows).toEqual(before);
  });

  it("names the first and the last keys, none of them twice", async () => {
    const first_keys = ["other", "run/a", "run/b"];
    const last_keys = ["run/c", "running"];
    const all = { bucket: "b", prefix: "" };
    expect(await store.artifacts.deleteUnder(all)).toMatchObject({ artifacts: 5, first_keys, last_keys });
    for (const key of ["x", "y", "z"]) await saveText(store, "b", key, key);
    const more = { artifacts: 8, first_keys, last_keys: ["x", "y", "z"] };
    expect(await store.artifacts.deleteUnder(all)).toMatchObject(more);
  });

  it("with confirm deletes these, with all versions, and says so; the numbers of their keys stay", async () => {
    const confirm = await confirmed();
    const done = await store.artifacts.deleteUnder({ ...under, confirm });
    expect(done).toEqual({ deleted: 3, bytes: 19, kept: 0 });
    expect(await keysOf()).toEqual(["other", "running"]);
    expect(await keysOf("c")).toEqual(["run/a"]);
    expect(await saveText(store, "b", "run/a", "again")).toMatchObject({ version: 3 });
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("deletes nothing that was saved since, and counts it", async () => {
    const confirm = await confirmed();
    await saveText(store, "b", "run/b", "later");
    await saveText(store, "b", "run/new", "new");
    expect(await store.artifacts.deleteUnder({ ...under, confirm })).toMatchObject({ deleted: 2, kept: 2 });
    expect(await keysOf()).toEqual(["other", "run/b", "run/new", "running"]);
    expect(await store.artifacts.deleteUnder({ ...under, confirm })).toEqual({ deleted: 0, bytes: 0, kept: 2 });
  });

  it("deletes nothing that another process saves right before", async () => {
    const confirm = await confirmed();
    const late = overtaken(async () => {
      for (const key of ["run/a", "run/b", "run/c"]) await saveText(store, "b", key, "later");
    });
    expect(await late.artifacts.deleteUnder({ ...under, confirm })).toEqual({ deleted: 0, bytes: 0, kept: 3 });
    expectNothingLeft(engines);
  });

  it("deletes nothing that was deleted and saved again since", async () => {
    const confirm = await confirmed();
    await store.artifacts.delete("b", "run/b");
    await saveText(store, "b", "run/b", "run/b");
    expect(await store.artifacts.deleteUnder({ ...under, confirm })).toMatchObject({ deleted: 2, kept: 1 });
  });

  it("deletes nothing that was moved there since", async () => {
    const confirm = await confirmed();
    await store.artifacts.copy({ bucket: "b", key: "other", to_key: "run/other", move: true });
    expect(await store.artifacts.deleteUnder({ ...under, confirm })).toMatchObject({ deleted: 3, kept: 1 });
    expect(await keysOf()).toEqual(["run/other", "running"]);
  });

  it("goes on with the same confirm after a failure, in another process too", async () => {
    const confirm = await confirmed();
    let removals = 0;
    const change: MetadataStore["change"] = async (rows, pieces) => {
      removals += rows.some(({ key, next }) => key.startsWith("artifact\t") && next === undefined) ? 1 : 0;
      if (removals > 1) throw new Error("dead");
      return engines.metadata.change(rows, pieces);
    };
    const dying = storeOn({ ...engines, metadata: { ...engines.metadata, change } }, { pieceLimits: noRowPieces });
    await expect(dying.artifacts.deleteUnder({ ...under, confirm })).rejects.toThrow("dead");
    expect(await keysOf()).toHaveLength(4);
    expect(await store.artifacts.deleteUnder({ ...under, confirm })).toMatchObject({ deleted: 2, kept: 0 });
    await store.sweep.run();
    expectNothingLeft(engines);
  });

  it("with an empty prefix deletes the bucket", async () => {
    const confirm = await confirmed({ bucket: "b", prefix: "" });
    expect(await store.artifacts.deleteUnder({ bucket: "b", prefix: "", confirm })).toMatchObject({ deleted: 5 });
    await expect(keysOf()).rejects.toMatchObject({ code: "bucket_not_found" });
  });

  it("counts nothing, without an error, under a prefix that matches nothing", async () => {
    expect(await store.artifacts.deleteUnder({ ...under, prefix: "none/" })).toEqual({ artifacts: 0, bytes: 0 });
  });

  it("says that a bucket which holds nothing does not exist", async () => {
    for (const prefix of ["", "run/"]) {
      const none = store.artifacts.deleteUnder({ bucket: "none", prefix });
      await expect(none).rejects.toMatchObject({ code: "bucket_not_found", details: { bucket: "none" } });
    }
  });

  it("refuses in a restored store a confirm of the store that was backed up, where its number means other artifacts", async () => {
    const confirm = await confirmed();
    const files = createMemoryBackupFiles();
    await store.backUp(files);
    const restored = storeOn(createMemoryEngines(), { pieceLimits: noRowPieces });
    await restored.restore(files);
    await saveText(restored, "b", "run/later", "later");
    const refused = restored.artifacts.deleteUnder({ ...under, confirm });
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { argument: "confirm" } });
    expect(await restored.artifacts.deleteUnder(under)).toMatchObject({ artifacts: 4 });
  });

  it("refuses a confirm that is wrong, or of another prefix or bucket", async () => {
    const confirm = await confirmed();
    const changed = Buffer.from(confirm, "base64url")
      .toString("latin1")
      .replace(/\d+ 3$/, "99 3");
    for (const wanted of [
      { ...under, confirm: "yes" },
      { ...under, confirm: "" },
      { ...under, confirm: Buffer.from(changed, "latin1").toString("base64url") },
      { bucket: "b", prefix: "", confirm },
      { bucket: "c", prefix: "run/", confirm },
    ]) {
      await expect(store.artifacts.deleteUnder(wanted)).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringMatching(/call without confirm first/),
        details: { argument: "confirm" },
      });
    }
    expect(await keysOf()).toHaveLength(5);
  });

  it("leaves what has expired to the sweep", async () => {
    expire("run/b");
    const found = await store.artifacts.deleteUnder(under);
    expect(found).toMatchObject({ artifacts: 2 });
    const confirm = await confirmed();
    expect(await store.artifacts.deleteUnder({ ...under, confirm })).toEqual({ deleted: 2, bytes: 14, kept: 0 });
  });

  it("pages through many keys, tells how far it is, and stops when its signal is aborted", async () => {
    const names = Array.from({ length: 250 }, (_, n) => `many/${n}`);
    for (const key of names)
      await store.artifacts.save({ bucket: "b", key, bytes: bytesOf(key), defaultMimeType: "x/y" });
    const many = { bucket: "b", prefix: "many/" };
    const confirm = await confirmed(many);
    const stop = new AbortController();
    const seen: number[] = [];
    const onProgress = (done: number, total: number): void => {
      expect(total).toBe(250);
      seen.push(done);
      if (done === 120) stop.abort(new Error("enough"));
    };
    const stopped = store.artifacts.deleteUnder({ ...many, confirm }, { onProgress, signal: stop.signal });
    await expect(stopped).rejects.toThrow("enough");
    expect(seen.slice(0, 120)).toEqual(Array.from({ length: 120 }, (_, n) => n + 1));
    const left = 250 - seen.length;
    expect(await store.artifacts.deleteUnder({ ...many, confirm })).toMatchObject({ deleted: left, kept: 0 });
    expectNothingLeft(engines);
  });
});
