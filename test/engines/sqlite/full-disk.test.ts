import { randomBytes } from "node:crypto";
import { stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openKeyvMetadataStore } from "../../../src/engines/sqlite/keyv-metadata-store.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import { canMount, memoryDisk, needsMounts } from "../../support/disks.js";
import { silentLog } from "../../support/silent-log.js";

const MiB = 1024 * 1024;

async function openOn(bytes: number) {
  const { path } = await memoryDisk(bytes);
  const [file, reserve] = [join(path, "metadata.sqlite"), join(path, "reserve")];
  await writeFile(reserve, randomBytes(MiB));
  const store = await openKeyvMetadataStore(file, silentLog);
  onTestFinished(() => store.close());
  return { path, file, reserve, store };
}

/** Saves a row with a small piece of `bytes` bytes. */
const save = (store: MetadataStore, name: string, bytes: number): Promise<boolean> =>
  store.change([{ key: name, old: undefined, next: "1" }], { put: [{ name, bytes: randomBytes(bytes) }] });
const remove = (store: MetadataStore, name: string): Promise<boolean> =>
  store.change([{ key: name, old: "1", next: undefined }], { drop: [name] });

/** Saves rows with pieces until the disk is full. @returns their names */
async function fill(store: MetadataStore, name: string, bytes: number): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const next = `${name} ${bytes} ${names.length}`;
    const outcome = await save(store, next, bytes).catch((error) => error);
    if (outcome !== true) {
      expect(outcome).toMatchObject({ code: "storage_full", next: "make_room" });
      return names;
    }
    names.push(next);
  }
}

/** Writes a file beside the database, as much of it as fits. */
const takeRoom = (path: string, bytes: number): Promise<void> =>
  writeFile(path, randomBytes(bytes)).catch(() => undefined);

describe.skipIf(!canMount)(`the metadata store on a full disk ${needsMounts}`, () => {
  it("makes one deletion after another with a reserve of 1 MiB, although other files take all free space at once", async () => {
    const { path, reserve, store } = await openOn(12 * MiB);
    const names = [...(await fill(store, "first", 30_000)), ...(await fill(store, "first", 100))];
    await takeRoom(join(path, "ballast"), 12 * MiB);
    await unlink(reserve);
    for (const [n, name] of names.entries()) {
      expect(await remove(store, name)).toBe(true);
      if (n % 2 === 0) await takeRoom(join(path, `more ${n}`), 2 * MiB);
      if (n % 20 === 0) await fill(store, `more ${n}`, 100);
    }
    expect(await store.checkIntegrity()).toEqual([]);
    expect(await store.get(names[0] ?? "")).toBeUndefined();
  });

  it("gives the space of deletions back in steps that need little room", async () => {
    const { file, reserve, store } = await openOn(12 * MiB);
    const names = await fill(store, "first", 30_000);
    await unlink(reserve);
    const before = (await stat(file)).size;
    for (const name of names) expect(await remove(store, name)).toBe(true);
    for (let n = 0; n < 5; n += 1) await store.reclaim();
    expect((await stat(file)).size).toBeLessThan(before / 4);
    expect(await store.checkIntegrity()).toEqual([]);
  });

  it("fails no deletion because of saves that were asked for before", async () => {
    const { reserve, store } = await openOn(8 * MiB);
    const names = await fill(store, "first", 30_000);
    await unlink(reserve);
    const saves = Promise.allSettled(Array.from({ length: 60 }, (_, n) => save(store, `more ${n}`, 30_000)));
    const deletions = await Promise.allSettled(names.map((name) => remove(store, name)));
    await saves;
    expect(deletions.filter(({ status }) => status === "rejected")).toEqual([]);
  });
});
