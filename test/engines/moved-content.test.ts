import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openAs, type StoreProcess } from "../support/crash/process.js";
import { temporaryDirectory } from "../support/directories.js";
import { seededRandom } from "../support/random-text.js";
import { bytesOf, saveText, textOf } from "../support/stores.js";

/* Copies and moves on SQLite and the disk, by processes with connections of their own. */

const open: StoreProcess[] = [];
afterEach(async () => {
  for (const process of open.splice(0)) await process.close();
});

async function start(root: string, options = {}): Promise<StoreProcess> {
  const process = await openAs(root, options);
  open.push(process);
  return process;
}

/** The files of all pieces: number of the file, number of its names, and its bytes. */
async function files(root: string) {
  const paths = await readdir(join(root, "content"), { recursive: true });
  const stats = await Promise.all(paths.map((path) => stat(join(root, "content", path))));
  return stats.filter((file) => file.isFile()).map(({ ino, nlink, size }) => ({ ino, nlink, size }));
}

const fileBytes = 8 << 20;

async function uploaded({ store }: StoreProcess, key: string, bytes: Uint8Array): Promise<void> {
  const { id } = await store.uploads.create({ bucket: "b", key, size: bytes.length });
  for (let at = 0; at < bytes.length; at += 4 << 20)
    await store.uploads.append(id, at, bytes.subarray(at, at + (4 << 20)));
}

describe("content in a file", () => {
  it("is shared by a copy, and keeps its file when it is moved: no byte is written", async () => {
    const root = await temporaryDirectory();
    const process = await start(root);
    const { artifacts } = process.store;
    await uploaded(process, "k", Buffer.alloc(fileBytes, "0123456789abcdef"));
    const [original] = await files(root);
    expect(original).toMatchObject({ nlink: 1, size: fileBytes });
    const copy = await artifacts.copy({ bucket: "b", key: "k", to_key: "copy" });
    const shared = { ...original, nlink: 2 };
    expect(await files(root)).toEqual([shared, shared]);
    await artifacts.copy({ bucket: "b", key: "k", to_bucket: "other", move: true });
    expect(await files(root)).toEqual([shared, shared]);
    for (const [bucket, key] of [["b", "copy"] as const, ["other", "k"] as const]) {
      const content = await artifacts.open(bucket, key);
      for await (const _ of content.whole()); // checks the digest
      await content.close();
    }
    await artifacts.delete("b", "copy");
    expect(await files(root)).toEqual([original]);
    expect(copy).toMatchObject({ bytes: fileBytes });
    expect((await process.store.verify()).faults).toEqual([]);
  });

  it.each([
    { when: "before it writes", isLinked: true },
    { when: "after it has written", isLinked: false },
  ])("is not changed by a process that loses to a copy and a move $when", async ({ isLinked }) => {
    const root = await temporaryDirectory();
    const [slow, other] = [await start(root), await start(root)];
    const text = "content".repeat(20_000);
    let id = "";
    let isArmed = false;
    const publishAndMove = async (): Promise<void> => {
      isArmed = false;
      await other.store.uploads.complete(id);
      await other.store.artifacts.copy({ bucket: "b", key: "k", to_key: "copied" });
      await other.store.artifacts.copy({ bucket: "b", key: "k", to_key: "moved", move: true });
    };
    const { metadata } = slow.engines;
    const change: typeof metadata.change = async (rows, pieces) => {
      if (isArmed) await publishAndMove();
      return metadata.change(rows, pieces);
    };
    const { uploads } = slow.another({ ...slow.engines, metadata: { ...metadata, change } });
    ({ id } = await uploads.create({ bucket: "b", key: "k" }));
    await uploads.append(id, 0, bytesOf(text)); // its piece stays open in this process
    const [piece] = await files(root);
    // The process remembers the row of its session, so it writes without another look.
    if (isLinked) await publishAndMove();
    else isArmed = true;
    await expect(uploads.append(id, text.length, bytesOf("lost".repeat(20_000)))).rejects.toMatchObject({
      code: "session_closed",
    });
    // A piece with bytes behind those that count is not linked. One that was linked before is cut back to them.
    const after = await files(root);
    expect(after.map(({ ino }) => ino === piece?.ino)).toEqual([isLinked, isLinked]);
    expect(after.map(({ size }) => size)).toEqual([text.length, text.length]);
    for (const key of ["copied", "moved"]) expect(await textOf(other.store, "b", key)).toBe(text);
    expect((await other.store.verify()).faults).toEqual([]);
  });
});

it("processes that save, move, copy and delete at once lose nothing and keep nothing twice", async () => {
  const root = await temporaryDirectory();
  const random = seededRandom(20_261_127);
  const keys = ["a", "b", "c"];
  const pick = (): string => keys[Math.floor(random() * keys.length)] ?? "a";
  const saved = new Set<string>();
  const moves = { made: 0, refused: 0 };

  async function save({ store }: StoreProcess, text: string): Promise<void> {
    await saveText(store, "b", pick(), text);
    saved.add(text);
  }
  async function move({ store: { artifacts } }: StoreProcess): Promise<void> {
    const [key, to_key] = [pick(), pick()];
    const target = await artifacts.get("b", to_key).catch(() => undefined);
    const guard = random() < 0.3 || target === undefined ? {} : { if_version: target.version };
    await artifacts
      .copy({ bucket: "b", key, to_key, move: true, ...guard })
      .then(() => {
        moves.made += 1;
      })
      .catch((error) => {
        expect(["artifact_not_found", "version_conflict", "invalid_argument"]).toContain(error.code);
        moves.refused += 1;
      });
  }
  async function work(n: number): Promise<void> {
    const process = await start(root, { keepVersions: 1_000 });
    for (let round = 0; round < 15; round += 1) {
      const text = `text ${n} ${round}`;
      await save(process, round % 3 === 0 ? text.padEnd(40_000, ".") : text);
      await move(process);
    }
  }
  await Promise.all([0, 1, 2, 3].map(work));

  const { store } = await start(root);
  const found: string[] = [];
  for (const key of keys) {
    const page = await store.artifacts.listVersions("b", key, { limit: 1_000 }).catch(() => ({ data: [] }));
    for (const { version } of page.data) found.push(await textOf(store, "b", key, version));
  }
  expect(found.sort()).toEqual([...saved].sort());
  expect(moves.made).toBeGreaterThan(0);
  expect((await store.verify()).faults).toEqual([]);
});
