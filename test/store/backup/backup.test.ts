import { describe, expect, it } from "vitest";
import { openAs } from "../../support/crash/process.js";
import { temporaryDirectory } from "../../support/directories.js";
import type { Engines } from "../../support/faults.js";
import { fillStore } from "../../support/filled-store.js";
import { createMemoryBackupFiles } from "../../support/memory-backup-files.js";
import { factsIn } from "../../support/store-facts.js";
import { createMemoryEngines, storeOn, tinyPieces } from "../../support/stores.js";

const options = { pieceLimits: tinyPieces, keepVersions: 3 };

async function backUp(engines: Engines, files = createMemoryBackupFiles()) {
  return { files, report: await storeOn(engines, options).backUp(files) };
}

async function restored(files: ReturnType<typeof createMemoryBackupFiles>) {
  const engines = createMemoryEngines();
  const store = storeOn(engines, options);
  const report = await store.restore(files);
  expect(report.problems).toEqual([]);
  expect(report.verified.faults).toEqual([]);
  await store.close();
  return { engines, report };
}

describe("backUp() and restore()", () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))("bring back all facts of random store %d", async (seed) => {
    const engines = createMemoryEngines();
    await fillStore(engines, seed);
    const before = await factsIn(engines);
    const { files, report } = await backUp(engines);
    expect(report.manifest.dropped).toEqual([]);
    expect(report.manifest.damaged).toEqual([]);
    const copy = await restored(files);
    expect(await factsIn(copy.engines)).toEqual(before);
    expect(await copy.engines.metadata.get("restore")).toBeUndefined();
    // A backup of the copy has the same records, and content.
    const again = await backUp(copy.engines);
    expect(again.report.manifest).toEqual({
      ...report.manifest,
      store: again.report.manifest.store,
      created_at: again.report.manifest.created_at,
    });
    expect([...again.files.files.keys()].sort()).toEqual([...files.files.keys()].sort());
  });

  it("bring back a store on disk", async () => {
    const root = await temporaryDirectory();
    const from = await openAs(`${root}/from`);
    await fillStore(from.engines, 1, 80);
    await from.store.artifacts.save({
      bucket: "b",
      key: "large",
      bytes: Buffer.alloc(3_000_000, 1),
      defaultMimeType: "a/b",
    });
    await from.store.artifacts.copy({ bucket: "b", key: "large", to_key: "large too" });
    const before = await factsIn(from.engines);
    const files = createMemoryBackupFiles();
    await from.store.backUp(files);
    await from.close();
    const to = await openAs(`${root}/to`);
    const report = await to.store.restore(files);
    expect(report.problems).toEqual([]);
    expect(report.verified.faults).toEqual([]);
    expect(await factsIn(to.engines)).toEqual(before);
    const { data } = await to.store.artifacts.search({ query: "large", limit: 9 });
    expect(data.map(({ key }) => key).sort()).toEqual(["large", "large too"]); // the index has followed
    await to.close();
  });

  it("let an agent go on with its upload, under the same id and from the same offset", async () => {
    const engines = createMemoryEngines();
    const store = storeOn(engines);
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, Buffer.from("hello "));
    const { files } = await backUp(engines);
    const copy = await restored(files);
    const { uploads, artifacts } = storeOn(copy.engines);
    expect(await uploads.get(id)).toMatchObject({ offset: 6, tail: "hello ", status: "open" });
    await uploads.append(id, 6, Buffer.from("world"));
    await uploads.complete(id);
    const { sha256, bytes } = await artifacts.get("b", "k");
    expect(bytes).toBe(11);
    expect(sha256).toBe("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9");
  });
});

describe("backUp()", () => {
  it("writes equal content once, reads nothing again, and removes what no record names", async () => {
    const engines = createMemoryEngines();
    const { artifacts } = storeOn(engines);
    const save = (key: string, text: string) =>
      artifacts.save({ bucket: "b", key, bytes: Buffer.from(text), defaultMimeType: "text/plain" });
    await save("one", "same");
    await save("two", "same");
    await save("three", "other");
    const { files, report } = await backUp(engines);
    expect(report.written).toEqual({ contents: 2, bytes: 9 });
    expect(report.manifest.counts).toMatchObject({ artifacts: 3, contents: 2 });
    await artifacts.delete("b", "three");
    await save("four", "new");
    const second = await backUp(engines, files);
    expect(second.report.written).toEqual({ contents: 1, bytes: 3 });
    expect(second.report.removed).toBe(2); // the content of three, and the records before
    expect([...files.files.keys()].filter((name) => name.startsWith("content/"))).toHaveLength(2);
    const third = await backUp(engines, files);
    expect(third.report).toMatchObject({ written: { contents: 0, bytes: 0 }, removed: 0 });
    expect([...files.files.keys()].sort()).toEqual(
      expect.arrayContaining(["backup.json", third.report.manifest.records.name]),
    );
  });

  it("writes content again that was cut short in the backup, and with `check` what was changed", async () => {
    const engines = createMemoryEngines();
    await storeOn(engines).artifacts.save({
      bucket: "b",
      key: "k",
      bytes: Buffer.from("content"),
      defaultMimeType: "a/b",
    });
    const { files } = await backUp(engines);
    const name = [...files.files.keys()].find((each) => each.startsWith("content/")) ?? "";
    files.files.set(name, Buffer.from("conte"));
    expect((await backUp(engines, files)).report.written.contents).toBe(1);
    files.files.set(name, Buffer.from("Content"));
    expect((await backUp(engines, files)).report.written.contents).toBe(0);
    const report = await storeOn(engines).backUp(files, { check: true });
    expect(report.written.contents).toBe(1);
    expect(files.files.get(name)?.toString()).toBe("content");
  });

  it("ends when its signal is aborted, with the reason, and leaves the backup before", async () => {
    const engines = createMemoryEngines();
    await fillStore(engines, 3);
    const before = await factsIn(engines);
    const { files } = await backUp(engines);
    await storeOn(engines).artifacts.save({
      bucket: "b",
      key: "new",
      bytes: Buffer.from("new"),
      defaultMimeType: "a/b",
    });
    const stopping = new AbortController();
    const slow = createMemoryBackupFiles(files.files, (name) => {
      if (name === "commit .rows.jsonl") stopping.abort();
    });
    await expect(storeOn(engines).backUp(slow, { signal: stopping.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(await factsIn((await restored(files)).engines)).toEqual(before);
  });

  it("refuses the files of another store's backup, and leaves them as they are", async () => {
    const { files } = await backUp(createMemoryEngines());
    const names = [...files.files.keys()];
    await expect(backUp(createMemoryEngines(), files)).rejects.toMatchObject({ code: "invalid_argument" });
    expect([...files.files.keys()]).toEqual(names);
  });

  it("lists content that is damaged in the store, leaves it out, and takes it from an equal version if it can", async () => {
    const engines = createMemoryEngines();
    const { artifacts } = storeOn(engines, { pieceLimits: { ...tinyPieces, maxRowPieceBytes: 0 } });
    const save = (key: string, text: string) =>
      artifacts.save({ bucket: "b", key, bytes: Buffer.from(text), defaultMimeType: "text/plain" });
    const damage = async (act: () => Promise<unknown>, bytes: Buffer) => {
      const before = new Set(engines.content.files.keys());
      await act();
      for (const [name, file] of engines.content.files) if (!before.has(name)) file.bytes = bytes;
    };
    await damage(() => save("bad", "first"), Buffer.from("firsT"));
    await save("bad", "second");
    await damage(() => save("lost", "only"), Buffer.from("on"));
    await damage(() => save("twice", "equal"), Buffer.from("EQUAL"));
    await save("zwice", "equal");
    const { files, report } = await backUp(engines);
    expect(report.manifest.damaged).toEqual([
      { bucket: "b", key: "bad", version: 1, problem: "the content is not what was saved: its SHA-256 differs" },
      { bucket: "b", key: "lost", version: 1, problem: "the content ends after 2 of 4 bytes" },
    ]);
    expect(report.manifest.dropped).toEqual([]);
    const copy = await restored(files);
    const found = storeOn(copy.engines).artifacts;
    expect((await found.listVersions("b", "bad", { limit: 9 })).data.map(({ version }) => version)).toEqual([2]);
    expect((await found.get("b", "twice")).bytes).toBe(5);
    await expect(found.get("b", "lost")).rejects.toMatchObject({ code: "artifact_not_found" });
    const { version } = await found.save({ bucket: "b", key: "lost", bytes: Buffer.from("x"), defaultMimeType: "a/b" });
    expect(version).toBe(2); // numbers do not repeat
  });
});
