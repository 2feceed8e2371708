import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../../src/store/store.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

describe.each(pieceKinds)("a guard with an edit, with content $where,", ({ pieceLimits }) => {
  let store: Store;

  /** The newest version is version 1 after two edits. */
  beforeEach(async () => {
    store = storeOn(createMemoryEngines(), { pieceLimits });
    await saveText(store, "b", "k", "one");
    for (const a of ["1", "2"]) await store.artifacts.update({ bucket: "b", key: "k", metadata: { a } });
  });

  const save = (text: string, if_version: number, if_edit?: number) =>
    store.artifacts.save({
      bucket: "b",
      key: "k",
      bytes: bytesOf(text),
      defaultMimeType: "text/plain",
      if_version,
      if_edit,
    });
  async function uploaded(options: object): Promise<string> {
    const { id } = await store.uploads.create({ bucket: "b", key: "k", checksGuardAtEnd: true, ...options });
    await store.uploads.append(id, 0, bytesOf("two"));
    return id;
  }

  it.each([undefined, 0, 1, 3])(
    "refuses a save if the edit is %s, and says what the newest version is",
    async (edit) => {
      const refused = save("two", 1, edit);
      await expect(refused).rejects.toThrow("but the newest version of the key is 1.2. Nothing was changed.");
      const given = edit === undefined ? {} : { if_edit: edit };
      await expect(refused).rejects.toMatchObject({
        code: "version_conflict",
        details: { if_version: 1, ...given, version: 1, edit: 2 },
      });
      expect(await textOf(store, "b", "k")).toBe("one");
    },
  );

  it("lets a save through that names the edit, and counts again from 0 for the new version", async () => {
    const saved = await save("two", 1, 2);
    expect(saved).toMatchObject({ version: 2, previous_metadata: { a: "2" } });
    expect(saved).not.toHaveProperty("edit");
    expect(await save("three", 2)).toMatchObject({ version: 3 });
  });

  it("holds for an upload, which shows it", async () => {
    const id = await uploaded({ if_version: 1, if_edit: 1 });
    expect(await store.uploads.get(id)).toMatchObject({ if_version: "1.1" });
    const refused = store.uploads.complete(id);
    await expect(refused).rejects.toThrow("if_version is 1.1, but the newest version of the key is 1.2.");
    await expect(refused).rejects.toMatchObject({ details: { session_id: id, if_version: 1, if_edit: 1, edit: 2 } });
    await expect(store.uploads.append(id, 3, bytesOf("x"))).rejects.toThrow("its if_version, 1.1, was not met");
    const met = await uploaded({ if_version: 1, if_edit: 2 });
    expect(await store.uploads.complete(met)).toMatchObject({ artifact: { version: 2 } });
  });

  it("is replaced as a whole by that of a completion", async () => {
    const id = await uploaded({ if_version: 1, if_edit: 2 });
    await saveText(store, "b", "k", "between");
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
    // Version 2 has no edit, and the edit of the earlier guard no longer counts.
    const done = await store.uploads.complete(id, { if_version: 2 });
    expect(done).toMatchObject({ if_version: "2", artifact: { version: 3 } });
  });

  it("can be given to a completion", async () => {
    const id = await uploaded({ if_version: 0 });
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
    await expect(store.uploads.complete(id, { if_version: 1, if_edit: 1 })).rejects.toMatchObject({
      details: { if_version: 1, if_edit: 1, version: 1, edit: 2 },
    });
    expect(await store.uploads.complete(id, { if_version: 1, if_edit: 2 })).toMatchObject({
      artifact: { version: 2 },
    });
  });

  it("belongs to the request that an idempotency key names", async () => {
    const names = { bucket: "b", key: "k", idempotency_key: "first" };
    const request = { ...names, if_version: 1, if_edit: 1, checksGuardAtEnd: true };
    const { id } = await store.uploads.create(request);
    expect(await store.uploads.create(request)).toMatchObject({ id });
    const other = store.uploads.create({ ...request, if_edit: 2 });
    await expect(other).rejects.toMatchObject({ code: "idempotency_conflict" });
  });

  it("is checked when an upload is created", async () => {
    const create = (if_edit?: number) => store.uploads.create({ bucket: "b", key: "k", if_version: 1, if_edit });
    await expect(create()).rejects.toMatchObject({ code: "version_conflict", details: { version: 1, edit: 2 } });
    await expect(create(1)).rejects.toMatchObject({ code: "version_conflict" });
    expect(await create(2)).toMatchObject({ if_version: "1.2" });
  });

  it("holds for a deletion", async () => {
    const { artifacts } = store;
    await expect(artifacts.delete("b", "k", { if_version: 1 })).rejects.toMatchObject({ code: "version_conflict" });
    expect(await artifacts.delete("b", "k", { if_version: 1, if_edit: 2 })).toMatchObject({ version: 1, edit: 2 });
  });
});
