import { describe, expect, it } from "vitest";
import { createMemoryBackupFiles, type MemoryBackupFiles } from "../../support/memory-backup-files.js";
import { factsIn } from "../../support/store-facts.js";
import {
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
  textOf,
} from "../../support/stores.js";

const options = { pieceLimits: noRowPieces };

/** A backup of three artifacts, one of them a copy of another, and of an upload. */
async function backedUp() {
  const engines = createMemoryEngines();
  const store = storeOn(engines, options);
  await saveText(store, "b", "one", "content of one");
  await saveText(store, "b", "two", "content of two");
  await store.artifacts.copy({ bucket: "b", key: "one", to_key: "same" });
  const { id } = await store.uploads.create({ bucket: "b", key: "up" });
  await store.uploads.append(id, 0, Buffer.from("uploaded"));
  const files = createMemoryBackupFiles();
  const { manifest } = await store.backUp(files);
  return { engines, files, manifest, id };
}

const restoreInto = (engines: MemoryEngines, files: MemoryBackupFiles) => storeOn(engines, options).restore(files);

function nameOf(files: MemoryBackupFiles, content: string): string {
  const [name = ""] = [...files.files].find(([, bytes]) => bytes.toString() === content) ?? [];
  expect(name).toMatch(/^content\//);
  return name;
}

describe("restore()", () => {
  it("refuses records that are damaged, cut short or missing, before it writes anything", async () => {
    const { files, manifest } = await backedUp();
    const { name } = manifest.records;
    const records = files.files.get(name) ?? Buffer.alloc(0);
    const changed = Buffer.from(records.toString().replace('"last":1', '"last":2'));
    for (const damaged of [changed, records.subarray(0, -20), Buffer.alloc(0), undefined]) {
      if (damaged === undefined) files.files.delete(name);
      else files.files.set(name, damaged);
      const target = createMemoryEngines();
      await expect(restoreInto(target, files)).rejects.toMatchObject({ code: "corrupt" });
      expect([...target.metadata.rows.keys()].filter((key) => key !== "store")).toEqual([]);
    }
  });

  it("refuses a manifest that is damaged, of a newer format, or not there", async () => {
    const { files } = await backedUp();
    const text = String(files.files.get("backup.json"));
    const attempt = async (manifest: string | undefined) => {
      if (manifest === undefined) files.files.delete("backup.json");
      else files.files.set("backup.json", Buffer.from(manifest));
      return restoreInto(createMemoryEngines(), files);
    };
    await expect(attempt(text.slice(0, -9))).rejects.toMatchObject({ code: "corrupt" });
    await expect(attempt(text.replace('"format": 1', '"format": 2'))).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("newer version"),
    });
    await expect(attempt(text.replace("rows-", "../rows-"))).rejects.toMatchObject({ code: "corrupt" });
    await expect(attempt(undefined)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("reads no manifest and no records of another size than they can have", async () => {
    const { files, manifest } = await backedUp();
    const read: string[] = [];
    const huge = (large: string) => ({
      ...files,
      bytesOf: async (name: string) => (name === large ? 600 * 2 ** 20 : files.bytesOf(name)),
      async open(name: string) {
        const file = await files.open(name);
        if (file === undefined || name !== large) return file;
        const fail = async () => {
          read.push(name);
          throw new Error("this text is too long for a string");
        };
        return { ...file, bytes: 600 * 2 ** 20, read: fail };
      },
    });
    for (const name of ["backup.json", manifest.records.name]) {
      await expect(restoreInto(createMemoryEngines(), huge(name))).rejects.toMatchObject({ code: "corrupt" });
    }
    expect(read).toEqual([]);
  });

  it("that died in its comparison goes on with it, and brings back nothing that was taken away meanwhile", async () => {
    const source = createMemoryEngines();
    const store = storeOn(source, options);
    await saveText(store, "b", "k", "content");
    await store.buckets.set("b", { max_age: 60 });
    const { id } = await store.uploads.create({ bucket: "b", key: "up" });
    const { files } = createMemoryBackupFiles();
    await store.backUp(createMemoryBackupFiles(files));
    const target = createMemoryEngines();
    const died = storeOn(
      {
        content: target.content,
        metadata: {
          ...target.metadata,
          async get(key: string) {
            if (target.metadata.rows.get("restore")?.includes("is_written") && key === "bucket\tb")
              throw new Error("dead");
            return target.metadata.get(key);
          },
        },
      },
      options,
    ).restore(createMemoryBackupFiles(files));
    await expect(died).rejects.toThrow("dead");
    const restored = storeOn(target, options);
    expect(await restored.buckets.get("b")).toMatchObject({ max_age: 60 });
    await restored.buckets.set("b", { max_age: null });
    await restored.artifacts.delete("b", "k");
    target.metadata.rows.delete(`session\t${id}`); // as a sweep does with an upload that ended
    const { problems } = await restoreInto(target, createMemoryBackupFiles(files));
    expect(problems.map(({ problem }) => problem)).toEqual(Array(3).fill("is not in the store"));
    expect([...target.metadata.rows.keys()].filter((key) => /^(?:bucket|session|artifact|restore)/.test(key))).toEqual(
      [],
    );
  });

  it("restores the limits of buckets when all else is there, so that none deletes what is not yet compared", async () => {
    const source = createMemoryEngines();
    const store = storeOn(source, options);
    await store.buckets.set("b", { max_age: 60 });
    for (const key of ["one", "two"]) await saveText(store, "b", key, key);
    await store.artifacts.delete("b", "two");
    const files = createMemoryBackupFiles();
    await store.backUp(files);
    const target = createMemoryEngines();
    const changed: string[] = [];
    const { problems } = await storeOn(
      {
        content: target.content,
        metadata: {
          ...target.metadata,
          async change(rows, pieces) {
            changed.push(rows.map(({ key }) => key).join(" "));
            return target.metadata.change(rows, pieces);
          },
        },
      },
      options,
    ).restore(files);
    expect(problems).toEqual([]);
    const at = changed.findIndex((keys) => keys.includes("bucket\tb"));
    expect(changed[at]).toBe("bucket\tb restore");
    expect(changed.slice(at + 1).filter((keys) => /artifact|gone/.test(keys))).toEqual([]);
  });

  it("names a restored row that cannot be read any more, and ends", async () => {
    const { files } = await backedUp();
    const target = createMemoryEngines();
    const { problems } = await restoreInto(target, {
      ...files,
      async open(name) {
        const row = target.metadata.rows.get("artifact\tb\tone");
        if (row !== undefined) target.metadata.rows.set("artifact\tb\tone", "damaged");
        return files.open(name);
      },
    });
    expect(problems).toContainEqual({ row: "artifact\tb\tone", problem: "cannot be read in the store" });
    expect(target.metadata.rows.has("restore")).toBe(false);
  });

  it("refuses a store that holds anything, also only the number of a deleted key", async () => {
    const { files } = await backedUp();
    const target = createMemoryEngines();
    const store = storeOn(target, options);
    await saveText(store, "other", "k", "x");
    await expect(restoreInto(target, files)).rejects.toMatchObject({ code: "invalid_argument" });
    await store.artifacts.delete("other", "k");
    await expect(restoreInto(target, files)).rejects.toMatchObject({ message: expect.stringContaining("not empty") });
  });

  it("refuses another backup while a restore has not ended", async () => {
    const { files } = await backedUp();
    const other = createMemoryBackupFiles();
    const elsewhere = createMemoryEngines();
    await saveText(storeOn(elsewhere, options), "b", "k", "x");
    await storeOn(elsewhere, options).backUp(other);
    const target = createMemoryEngines();
    const stopping = new AbortController();
    stopping.abort();
    await expect(storeOn(target, options).restore(files, { signal: stopping.signal })).rejects.toBe(
      stopping.signal.reason,
    );
    await expect(restoreInto(target, other)).rejects.toMatchObject({
      message: expect.stringContaining("another backup"),
    });
    expect((await restoreInto(target, files)).problems).toEqual([]);
  });

  it("names content that is missing or changed, and restores everything else", async () => {
    const { files, id } = await backedUp();
    files.files.delete(nameOf(files, "content of one"));
    files.files.set(nameOf(files, "uploaded"), Buffer.from("Uploaded"));
    const target = createMemoryEngines();
    const { problems, verified } = await restoreInto(target, files);
    const missing = expect.stringMatching(/^the content is not in the backup: content\/.* is missing$/);
    expect(problems).toEqual([
      { bucket: "b", key: "one", version: 1, problem: missing },
      { bucket: "b", key: "same", version: 1, problem: missing },
      { bucket: "b", key: "up", session_id: id, problem: "the content is not what was saved: its SHA-256 differs" },
    ]);
    expect(verified.faults).toEqual([]);
    expect(Object.keys(await factsIn(target)).sort()).toEqual([
      "b/two@1",
      "gone\tb\tone",
      "gone\tb\tsame",
      "last of b/two",
    ]);
    expect(target.content.files.size).toBe(1); // nothing is left of what was begun
  });

  it("leaves what another program saves meanwhile as it is, and names it", async () => {
    const { files } = await backedUp();
    const target = createMemoryEngines();
    let isSaved = false;
    const { problems } = await restoreInto(target, {
      ...files,
      async open(name) {
        if (name.startsWith("content/") && !isSaved) {
          isSaved = true;
          await saveText(storeOn(target, options), "b", "one", "mine");
          await saveText(storeOn(target, options), "b", "another", "mine too");
        }
        return files.open(name);
      },
    });
    expect(problems).toEqual([
      { bucket: "b", key: "one", version: 1, problem: expect.stringContaining("another program has changed it") },
    ]);
    expect(await textOf(storeOn(target), "b", "one")).toBe("mine");
    expect(await textOf(storeOn(target), "b", "two")).toBe("content of two");
    expect((await storeOn(target).verify({ graceMs: 0 })).faults).toEqual([]); // no piece is left over
  });
});
