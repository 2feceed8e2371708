import { describe, expect, it } from "vitest";
import { createMemoryBackupFiles, type MemoryBackupFiles } from "../../support/memory-backup-files.js";
import { factsIn } from "../../support/store-facts.js";
import { createMemoryEngines, noRowPieces, saveText, storeOn } from "../../support/stores.js";

const options = { pieceLimits: noRowPieces };

/** A store with an artifact of two versions, a deleted key, an upload and a limit, and its backup. */
async function backedUp() {
  const engines = createMemoryEngines();
  const store = storeOn(engines, options);
  for (const text of ["first", "second"]) await saveText(store, "b", "precious", text);
  for (const key of ["gone", "other"]) await saveText(store, "b", key, key);
  await store.artifacts.delete("b", "gone");
  await store.buckets.set("b", { max_bytes: 9_999 });
  const { id } = await store.uploads.create({ bucket: "b", key: "up" });
  await store.uploads.append(id, 0, Buffer.from("uploaded"));
  const files = createMemoryBackupFiles();
  await store.backUp(files);
  return { engines, store, files, id, facts: await factsIn(engines) };
}

type BackedUp = Awaited<ReturnType<typeof backedUp>>;

function damage({ engines }: BackedUp, key: string, from: string, to: string): void {
  const { rows } = engines.metadata;
  const text = rows.get(key) ?? "";
  expect(text).toContain(from);
  rows.set(key, text.replaceAll(from, to));
}

async function restored(files: MemoryBackupFiles) {
  const engines = createMemoryEngines();
  const { problems, verified } = await storeOn(engines, options).restore(files);
  expect([...problems, ...verified.faults]).toEqual([]);
  return { engines, facts: await factsIn(engines) };
}

const contents = (files: MemoryBackupFiles) => [...files.files.keys()].filter((name) => name.startsWith("content/"));

describe("A backup of a store with a damaged row", () => {
  it("keeps of each kind of row what the backup before had, now and in later runs", async () => {
    const made = await backedUp();
    const { store, files, id, facts } = made;
    damage(made, "artifact\tb\tprecious", '"created_at"', '"created_xx"');
    damage(made, "gone\tb\tgone", '"last"', '"lost"');
    damage(made, "bucket\tb", '"max_bytes"', '"max_xx"');
    damage(made, `session\t${id}`, '"offset"', '"offxxx"');
    for (let run = 0; run < 3; run += 1) {
      const { manifest } = await store.backUp(files);
      const problem = "cannot be read";
      expect(manifest.damaged).toEqual(
        expect.arrayContaining(
          ["artifact\tb\tprecious", "gone\tb\tgone", "bucket\tb", `session\t${id}`].map((row) => ({
            row,
            problem,
            kept: true,
          })),
        ),
      );
      expect(manifest.damaged).toHaveLength(4);
      expect((await restored(files)).facts).toEqual(facts);
    }
  });

  it("has the number that the damaged row tells, if the backup before had a lower one, or none", async () => {
    const made = await backedUp();
    const { store, files } = made;
    await saveText(store, "b", "precious", "third");
    await saveText(store, "b", "new", "new");
    for (const key of ["precious", "new"]) damage(made, `artifact\tb\t${key}`, '"created_at"', '"created_xx"');
    const { manifest } = await store.backUp(files);
    expect(manifest.damaged).toEqual([
      { row: "artifact\tb\tnew", problem: "cannot be read" },
      { row: "artifact\tb\tprecious", problem: "cannot be read", kept: true },
    ]);
    const { engines } = await restored(files);
    const copy = storeOn(engines, options);
    expect(
      (await copy.artifacts.listVersions("b", "precious", { limit: 9 })).data.map(({ version }) => version),
    ).toEqual([2, 1]);
    expect((await saveText(copy, "b", "precious", "x")).version).toBe(4);
    expect((await saveText(copy, "b", "new", "x")).version).toBe(2);
  });

  it("does not bring back a deleted artifact, if the row of its number is damaged", async () => {
    const made = await backedUp();
    await made.store.artifacts.delete("b", "precious");
    damage(made, "gone\tb\tprecious", '"last"', '"lost"');
    await made.store.backUp(made.files);
    const { facts } = await restored(made.files);
    expect(facts["gone\tb\tprecious"]).toEqual({ last: 2 });
    expect(facts["b/precious@1"]).toBeUndefined();
  });

  it("removes nothing while it lacks what is damaged, and all that is left over when nothing is", async () => {
    const made = await backedUp();
    const { engines, store, files } = made;
    const row = engines.metadata.rows.get("artifact\tb\tprecious") ?? "";
    damage(made, "artifact\tb\tprecious", '"created_at"', '"created_xx"');
    const old = new Map(files.files);
    const [records = ""] = [...old.keys()].filter((name) => name.startsWith("rows-"));
    files.files.set(records, Buffer.from("damaged"));
    await store.artifacts.delete("b", "other");
    for (let run = 0; run < 2; run += 1) {
      const { removed, manifest } = await store.backUp(files);
      expect(removed).toBe(0);
      expect(manifest.damaged).toEqual([{ row: "artifact\tb\tprecious", problem: "cannot be read" }]);
      expect(contents(files)).toEqual(contents(createMemoryBackupFiles(old)));
      expect([...files.files.keys()]).toContain(records);
      files.files.set(".rows.jsonl", Buffer.from("")); // as if a run had been killed
    }
    engines.metadata.rows.set("artifact\tb\tprecious", row);
    expect((await store.backUp(files)).removed).toBeGreaterThan(1);
    expect((await restored(files)).facts).toEqual(await factsIn(engines));
  });
});

it("A backup keeps an upload as the backup before had it, if its bytes are damaged", async () => {
  const made = await backedUp();
  const { engines, store, files, id, facts } = made;
  await store.uploads.append(id, 8, Buffer.from(" more"));
  for (const [name, file] of engines.content.files) if (name.startsWith(id)) file.bytes = Buffer.from("");
  const { manifest } = await store.backUp(files);
  expect(manifest.damaged).toEqual([
    { bucket: "b", key: "up", session_id: id, problem: expect.stringContaining("the content"), kept: true },
  ]);
  expect((await restored(files)).facts).toEqual(facts);
});

it("A backup names at most 10,000 of what is damaged, and counts the rest", async () => {
  const engines = createMemoryEngines();
  for (let n = 0; n < 10_003; n += 1) engines.metadata.rows.set(`artifact\tb\t${n}`, "damaged");
  const { manifest } = await storeOn(engines, options).backUp(createMemoryBackupFiles());
  expect(manifest.damaged).toHaveLength(10_000);
  expect(manifest.more).toEqual({ dropped: 0, damaged: 3 });
});

it("A backup of rows that are older than the content is refused, and leaves the backup before", async () => {
  const engines = createMemoryEngines();
  const store = storeOn(engines, options);
  await saveText(store, "b", "first", "first");
  const old = new Map(engines.metadata.rows);
  await saveText(store, "b", "second", "second");
  await store.verify();
  const files = createMemoryBackupFiles();
  await store.backUp(files);
  const before = new Map(files.files);
  engines.metadata.rows.clear();
  for (const [key, text] of old) engines.metadata.rows.set(key, text);
  await expect(storeOn(engines, options).backUp(files)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("run verify first"),
  });
  expect(files.files).toEqual(before);
});
