import { randomBytes } from "node:crypto";
import { readdir, stat, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type DataDirectory, openDataDirectory } from "../../../src/engines/data-directory.js";
import { reserveBytes } from "../../../src/store/model/limits.js";
import type { Store } from "../../../src/store/store.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";
import { sourceOf } from "../../support/sources.js";
import { storeOn } from "../../support/stores.js";

const KiB = 1024;

/** Opens a directory as a new process would, runs `act` and closes it. */
async function inProcess(
  root: string,
  act: (store: Store, directory: DataDirectory) => Promise<unknown>,
): Promise<void> {
  const directory = await openDataDirectory(root, {}, silentLog);
  const store = storeOn(directory);
  await act(store, directory);
  await store.close();
  await directory.close();
}

const save = (store: Store, key: string, bytes: number) =>
  store.artifacts.save({ bucket: "b", key, bytes: randomBytes(bytes), defaultMimeType: "text/plain" });

async function saveMany(store: Store, count: number, bytes: number): Promise<void> {
  for (let number = 0; number < count; number += 1) await save(store, `k${number}`, bytes);
}

/** Bytes of the file `reserve`; undefined if there is none. */
const reserveOf = (root: string): Promise<number | undefined> =>
  stat(join(root, "reserve")).then(
    ({ size }) => size,
    () => undefined,
  );

describe("the reserve", () => {
  it("is not made in a small store, whose files take less than 160 KiB besides its content", async () => {
    const root = await temporaryDirectory();
    await inProcess(root, async (store, { signingKey }) => {
      await signingKey();
      await save(store, "row", 10 * KiB);
      await save(store, "piece", 100 * KiB);
      await store.artifacts.delete("b", "row");
      await store.sweep.run();
    });
    await inProcess(root, async () => undefined);
    expect(await reserveOf(root)).toBeUndefined();
    const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan((160 + 100 + 10) * KiB);
  });

  it.each<[string, (store: Store) => Promise<unknown>]>([
    ["in one file", (store) => save(store, "k", reserveBytes)],
    ["in files", (store) => saveMany(store, 11, 100 * KiB)],
    ["in rows", (store) => saveMany(store, 41, 25 * KiB)],
    [
      "of sessions",
      async ({ uploads }) => {
        const metadata = { note: "x".repeat(2_000) };
        for (let number = 0; number < 560; number += 1) await uploads.create({ bucket: "b", key: "k", metadata });
      },
    ],
    [
      "by a stream that is still running",
      async (store) => {
        const { id } = await store.uploads.create({ bucket: "b", key: "k" });
        const blocks = Array.from({ length: 9 }, () => randomBytes(reserveBytes));
        await store.uploads.appendStream(id, sourceOf(...blocks));
      },
    ],
  ])("is made when the store has 1 MiB %s", async (_, act) => {
    const root = await temporaryDirectory();
    await inProcess(root, async (store) => {
      expect(await reserveOf(root)).toBeUndefined();
      await act(store);
      expect(await reserveOf(root)).toBe(reserveBytes);
    });
  });

  it("counts the bytes of earlier processes", async () => {
    const root = await temporaryDirectory();
    await inProcess(root, (store) => save(store, "file", 500 * KiB));
    await inProcess(root, (store) => saveMany(store, 15, 20 * KiB));
    expect(await reserveOf(root)).toBeUndefined();
    await inProcess(root, (store) => save(store, "last", 300 * KiB));
    expect(await reserveOf(root)).toBe(reserveBytes);
  });

  it("is made by the next process if several processes have each stored less at the same time", async () => {
    const root = await temporaryDirectory();
    const both = (await Promise.all([1, 2].map(() => openDataDirectory(root, {}, silentLog)))) as DataDirectory[];
    for (const [number, directory] of both.entries()) await save(storeOn(directory), `k${number}`, 600 * KiB);
    await Promise.all(both.map((directory) => directory.close()));
    expect(await reserveOf(root)).toBeUndefined();
    await inProcess(root, async () => undefined);
    expect(await reserveOf(root)).toBe(reserveBytes);
  });

  it("is made whole if a process died while it made it, and again if it was removed", async () => {
    const root = await temporaryDirectory();
    await inProcess(root, (store) => save(store, "k", reserveBytes));
    await truncate(join(root, "reserve"), 0);
    await inProcess(root, async () => undefined);
    expect(await reserveOf(root)).toBe(reserveBytes);
    await unlink(join(root, "reserve"));
    await inProcess(root, async () => undefined);
    expect(await reserveOf(root)).toBe(reserveBytes);
  });

  it("is made again by a deletion after it was given up, while there is 1 MiB of content", async () => {
    const root = await temporaryDirectory();
    await inProcess(root, async (store, { content }) => {
      await saveMany(store, 3, reserveBytes);
      expect(await content.releaseReserve()).toBe(true);
      await store.artifacts.delete("b", "k0");
      expect(await reserveOf(root)).toBe(reserveBytes);
    });
  });
});
