import { copyFile, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openDataDirectory } from "../../src/engines/data-directory.js";
import { endedSessionMs } from "../../src/store/model/limits.js";
import { runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { silentLog } from "../support/silent-log.js";
import { bytesOf, saveText, storeOn, textOf } from "../support/stores.js";

/** Content of this size is too large for a row. */
const large = "in a file".repeat(8_000);
const sweeping = { graceMs: 0, trustsClock: true };

/** Opens the store in `root`, as a process that ends after `use`. */
async function withStore<Result>(root: string, use: (store: ReturnType<typeof storeOn>) => Promise<Result>, days = 0) {
  const directory = await openDataDirectory(root, {}, silentLog);
  const store = storeOn(directory, { now: () => Date.now() + days * endedSessionMs });
  try {
    return await use(store);
  } finally {
    await store.close();
    await directory.close();
  }
}

async function files(root: string): Promise<string[]> {
  const entries = await readdir(join(root, "content"), { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
}

/** A store whose database comes from an older backup, while its content is newer. */
async function restored() {
  const folder = await temporaryDirectory();
  const [root, backup] = [join(folder, "store"), join(folder, "backup")];
  const id = await withStore(root, async (store) => {
    await saveText(store, "b", "kept", `${large}kept`);
    const { id } = await store.uploads.create({ bucket: "b", key: "upload" });
    await store.uploads.append(id, 0, bytesOf(large));
    await store.sweep.run(sweeping);
    return id;
  });
  await copyFile(join(root, "metadata.sqlite"), backup);
  await withStore(root, async (store) => {
    await store.uploads.append(id, large.length, bytesOf(large));
    await store.uploads.complete(id);
    await saveText(store, "b", "later", `${large}later`);
    await store.sweep.run(sweeping);
  });
  for (const name of ["metadata.sqlite-wal", "metadata.sqlite-shm"]) await rm(join(root, name), { force: true });
  await copyFile(backup, join(root, "metadata.sqlite"));
  return { root, id };
}

it("with a database from an older backup, nothing is swept until verify has run", async () => {
  const { root } = await restored();
  const before = await files(root);
  expect(before).toHaveLength(4);
  // The upload has expired by then: a sweep of the right store would remove its bytes.
  const refused = await withStore(root, (store) => store.sweep.run(sweeping), 9);
  expect(refused).toEqual({ expired: 0, settled: 0, rows: 0, files: 0, artifacts: 0, failed: 1 });
  expect(await files(root)).toEqual(before);

  const { status, stdout } = runCommand(["verify", "--root", root]);
  expect([status, stdout]).toEqual([0, expect.stringContaining("no faults")]);
  expect(await files(root)).toEqual(before);
  expect(await withStore(root, (store) => store.sweep.run(sweeping), 9)).toMatchObject({ expired: 1, failed: 0 });
  await withStore(root, (store) => store.sweep.run(sweeping), 19); // its row is removed, with all its content
  const kept = await files(root);
  expect(kept).toHaveLength(2); // the kept content, and the file of a later save that no row names any more
  await withStore(root, async (store) => {
    expect((await textOf(store, "b", "kept")) === `${large}kept`).toBe(true);
    await expect(store.artifacts.get("b", "later")).rejects.toMatchObject({ code: "artifact_not_found" });
  });
});

it("verify --repair moves files that the older database does not know out of the store, and accepts the database", async () => {
  const { root, id } = await restored();
  for (const shard of await readdir(join(root, "content"))) {
    for (const name of await readdir(join(root, "content", shard)))
      await utimes(join(root, "content", shard, name), 1, 1);
  }
  const { status, stdout } = runCommand(["verify", "--repair", "--root", root]);
  expect([status, stdout]).toEqual([
    0,
    expect.stringMatching(/^orphan \(repaired\): content\/[^\n]*\n1 fault, 1 of them repaired/),
  ]);
  await withStore(root, async (store) => {
    // The upload continues from the offset in the backup.
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: large.length });
    await store.uploads.append(id, large.length, bytesOf("end"));
    await store.uploads.complete(id);
    expect((await textOf(store, "b", "upload")) === `${large}end`).toBe(true);
    expect(await store.sweep.run(sweeping)).toMatchObject({ failed: 0 });
  });
  expect(runCommand(["verify", "--root", root])).toMatchObject({ status: 0 });
});
