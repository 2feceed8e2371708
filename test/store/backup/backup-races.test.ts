import { describe, expect, it } from "vitest";
import { fillStore, randomCalls } from "../../support/filled-store.js";
import { createMemoryBackupFiles } from "../../support/memory-backup-files.js";
import { randomNumbers } from "../../support/random-numbers.js";
import { factsIn } from "../../support/store-facts.js";
import { createMemoryEngines, noRowPieces, saveText, storeOn, tinyPieces } from "../../support/stores.js";

const options = { pieceLimits: tinyPieces, keepVersions: 3 };

async function restoredFacts(files: Map<string, Buffer>) {
  const engines = createMemoryEngines();
  const report = await storeOn(engines, options).restore(createMemoryBackupFiles(files));
  expect(report.problems).toEqual([]);
  expect(report.verified.faults).toEqual([]);
  return factsIn(engines);
}

/** A store with three artifacts in files and one upload, and a backup. `act` is called between its rows and its content. */
async function backUpDuring(
  act: (stores: { readonly store: ReturnType<typeof storeOn>; readonly id: string }) => Promise<unknown>,
) {
  const engines = createMemoryEngines();
  const store = storeOn(engines, { pieceLimits: noRowPieces });
  for (const key of ["one", "three", "two"]) await saveText(store, "b", key, `content of ${key}`);
  const { id } = await store.uploads.create({ bucket: "b", key: "up" });
  await store.uploads.append(id, 0, Buffer.from("uploaded"));
  const before = await factsIn(engines);
  const files = createMemoryBackupFiles(new Map(), async (name) => {
    if (name === "commit .rows.jsonl") await act({ store, id });
  });
  const report = await storeOn(engines, { pieceLimits: noRowPieces }).backUp(files);
  return { before, after: await restoredFacts(files.files), report };
}

describe("A backup, while files change the store,", () => {
  it("has an artifact that is moved meanwhile, as it was", async () => {
    const { before, after, report } = await backUpDuring(({ store }) =>
      store.artifacts.copy({ bucket: "b", key: "two", to_key: "a place before all others", move: true }),
    );
    expect(report.manifest.dropped).toEqual([]);
    expect(after).toEqual(before);
  });

  it("has an artifact whose metadata changed, and an upload that went on and was completed", async () => {
    const { before, after, report } = await backUpDuring(async ({ store, id }) => {
      await store.artifacts.update({ bucket: "b", key: "two", metadata: { new: "1" } });
      await store.uploads.append(id, 8, Buffer.from(" to the end"));
      await store.uploads.complete(id);
    });
    expect(report.manifest.dropped).toEqual([]);
    expect(after).toEqual(before);
  });

  it.each([
    ["went on, was completed and moved", " to the end"],
    ["was completed and moved", ""],
  ])("has the bytes of an upload that %s", async (_, rest) => {
    const { before, after, report } = await backUpDuring(async ({ store, id }) => {
      if (rest !== "") await store.uploads.append(id, 8, Buffer.from(rest));
      await store.uploads.complete(id);
      await store.artifacts.copy({ bucket: "b", key: "up", to_bucket: "c", to_key: "elsewhere", move: true });
    });
    expect(report.manifest.dropped).toEqual([]);
    expect(report.manifest.damaged).toEqual([]);
    expect(after).toEqual(before);
  });

  it("has the bytes of an upload that was completed as the same content as another version", async () => {
    const engines = createMemoryEngines();
    const store = storeOn(engines, { pieceLimits: noRowPieces });
    const { id } = await store.uploads.create({ bucket: "b", key: "up" });
    await store.uploads.append(id, 0, Buffer.from("same"));
    await saveText(store, "b", "up", "same");
    const files = createMemoryBackupFiles(new Map(), async (name) => {
      if (name === "commit .rows.jsonl") await store.uploads.complete(id);
    });
    const before = await factsIn(engines);
    expect((await storeOn(engines, options).backUp(files)).manifest.dropped).toEqual([]);
    expect(await restoredFacts(files.files)).toEqual(before);
  });

  it("has the bytes of an upload that go on to another place meanwhile", async () => {
    const engines = createMemoryEngines();
    const { uploads } = storeOn(engines, options);
    const { id } = await uploads.create({ bucket: "b", key: "up" });
    await uploads.append(id, 0, Buffer.from("abc")); // into a row
    const before = await factsIn(engines);
    const files = createMemoryBackupFiles(new Map(), async (name) => {
      if (name === "commit .rows.jsonl") await uploads.append(id, 3, Buffer.from("defghi")); // all into a file
    });
    const { manifest } = await storeOn(engines, options).backUp(files);
    expect(manifest.dropped).toEqual([]);
    expect(await restoredFacts(files.files)).toEqual(before);
  });

  it("leaves out and lists what is deleted, and keeps the last number of its key", async () => {
    const { before, after, report } = await backUpDuring(async ({ store, id }) => {
      await store.artifacts.delete("b", "two");
      await store.uploads.abort(id);
    });
    expect(report.manifest.dropped).toEqual([
      { bucket: "b", key: "two", version: 1 },
      { bucket: "b", key: "up", session_id: expect.any(String) },
    ]);
    expect(report.manifest.damaged).toEqual([]);
    const [upload = ""] = Object.keys(before).filter((name) => name.startsWith("session\t"));
    const { "b/two@1": _, "last of b/two": last, [upload]: __, ...rest } = before;
    expect(after).toEqual({ ...rest, "gone\tb\ttwo": { last } });
  });

  it.each(Array.from({ length: 60 }, (_, seed) => seed))(
    "has exactly what it lists (random calls %d)",
    async (seed) => {
      const engines = createMemoryEngines();
      const ids = await fillStore(engines, seed);
      const before = await factsIn(engines);
      const random = randomNumbers(seed + 1_000);
      const other = randomCalls(storeOn(engines, options), seed + 2_000, ids);
      let isSpooled = false;
      const files = createMemoryBackupFiles(new Map(), async (name) => {
        while (isSpooled && random(3) > 0) await other();
        if (name === "commit .rows.jsonl") isSpooled = true;
      });
      const { manifest } = await storeOn(engines, options).backUp(files);
      const now = await factsIn(engines);
      const after = await restoredFacts(files.files);
      expect(manifest.damaged).toEqual([]);
      const dropped = manifest.dropped.map(({ bucket, key, version, session_id }) =>
        session_id === undefined ? `${bucket}/${key}@${version}` : `session\t${session_id}`,
      );
      for (const [name, facts] of Object.entries(before)) {
        if (dropped.includes(name)) {
          expect(now[name], `${name} was dropped`).not.toEqual(facts);
        } else if (!name.startsWith("last of ")) expect(after[name], name).toEqual(facts);
      }
      const lasts = Object.keys(after).filter((name) => !name.startsWith("last of ") && !name.startsWith("gone\t"));
      expect(lasts.filter((name) => !(name in before) || dropped.includes(name))).toEqual([]);
    },
  );
});
