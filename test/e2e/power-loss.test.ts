import { randomBytes, randomInt } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { copyFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import KeyvSqlite from "@keyv/sqlite";
import { expect, it } from "vitest";
import { type DataDirectory, openDataDirectory } from "../../src/engines/data-directory.js";
import { endedSessionMs } from "../../src/store/model/limits.js";
import { parseArtifactRow, parseSessionRow, sessionPrefix } from "../../src/store/model/records.js";
import { artifactPrefix } from "../../src/store/model/row-keys.js";
import { temporaryDirectory } from "../support/directories.js";
import { canMount, imageDisk, needsMounts, newImage } from "../support/disks.js";
import { sha256Of } from "../support/mcp-client.js";
import { type StoreProcess, startStoreProcess } from "../support/power-loss/store-process.js";
import { type ServerProcess, startServer } from "../support/server-process.js";
import { silentLog } from "../support/silent-log.js";
import { storeOn } from "../support/stores.js";

/*
 * A disk that writes nothing by itself is copied while two servers work on it. As after a power cut, the copy holds only
 * what the servers have synced. Then a new server opens the copy.
 */

const isLong = process.env["ARTIFACTS_LONG"] === "1";
const keepVersions = 3;
const bucket = "b";

interface KnownVersion {
  readonly version: number;
  readonly sha256: string;
  readonly edit: number;
  readonly content: Buffer;
}
/** The offset of an upload. Undefined after the upload was aborted. */
type UploadState = { readonly offset: number } | undefined;
/** All versions, oldest first, and the last version number. No number is used twice, even after all versions are gone. */
type KeyState = { readonly last: number; readonly versions: readonly KnownVersion[] };

/** The acknowledged state, and the state after the running call, if there is one. */
interface Slot<State> {
  acknowledged: State;
  /** Two slots with one `move` change together. */
  next: { readonly state: State; readonly move?: string } | undefined;
}
interface UploadSlot extends Slot<UploadState> {
  readonly id: string;
  readonly key: string;
  readonly content: Buffer;
}
interface KeySlot extends Slot<KeyState> {
  readonly key: string;
}

/** A snapshot of the slots. */
interface Known {
  readonly uploads: readonly UploadSlot[];
  readonly keys: readonly KeySlot[];
  readonly isIdle: boolean;
}

/** The states that a copy may hold: a call without an answer may have taken effect or not. */
function possible<State>({ acknowledged, next }: Slot<State>): State[] {
  return next === undefined ? [acknowledged] : [acknowledged, next.state];
}

async function track<State>(slot: Slot<State>, state: State, call: () => Promise<{ error?: unknown }>): Promise<void> {
  slot.next = { state };
  const { error } = await call();
  expect(error).toBeUndefined();
  slot.acknowledged = state;
  slot.next = undefined;
}

/** Two servers and one other process on one disk, and everything that they have acknowledged. */
class Workload {
  readonly uploads: UploadSlot[] = [];
  readonly keys: KeySlot[] = [];
  readonly servers: readonly ServerProcess[];
  readonly other: StoreProcess;

  constructor(servers: readonly ServerProcess[], other: StoreProcess) {
    this.servers = servers;
    this.other = other;
  }

  #server(): ServerProcess {
    return pick(this.servers);
  }

  known(): Known {
    const uploads = this.uploads.map((slot) => ({ ...slot }));
    const keys = this.keys.map((slot) => ({ ...slot }));
    return { uploads, keys, isIdle: [...uploads, ...keys].every(({ next }) => next === undefined) };
  }

  /** Makes one call that changes something, on a slot without a running call, and waits for it. */
  async step(): Promise<void> {
    const keys = this.keys.filter(({ next }) => next === undefined);
    const uploads = this.uploads.filter((slot) => slot.next === undefined && isOpen(slot));
    const choice = randomInt(12);
    if (this.keys.length < 3) return this.#save(this.#newKey());
    if (uploads.length < 3) return this.#create();
    if (choice < 5) return this.#append(pick(uploads));
    if (choice < 6) return this.#abort(pick(uploads));
    if (keys.length === 0) return this.#append(pick(uploads));
    const key = pick(keys);
    if (choice === 11 && key.acknowledged.versions.length > 0) return this.#move(key, keys);
    if (choice < 7 && key.acknowledged.versions.length > 0) return this.#copy(key);
    if (choice < 8 && key.acknowledged.versions.length > 0) return this.#update(key);
    return choice < 10 || key.acknowledged.versions.length === 0 ? this.#save(key) : this.#delete(key);
  }

  #newKey(): KeySlot {
    const slot = { key: `key-${this.keys.length}`, acknowledged: { last: 0, versions: [] }, next: undefined };
    this.keys.push(slot);
    return slot;
  }

  async #create(): Promise<void> {
    const content = randomBytes(randomInt(1, 400_000));
    const key = `upload-${randomBytes(4).toString("hex")}`;
    const about = { bucket, key, size: content.length, sha256: sha256Of(content) };
    const { id = "" } = await this.#server().call("create_upload_session", about);
    this.uploads.push({ id, key, content, acknowledged: { offset: 0 }, next: undefined });
  }

  /** Starts an upload with the content of a version. The upload stays whole, even if that version is deleted. */
  async #copy(from: KeySlot): Promise<void> {
    const { version, content } = pick(from.acknowledged.versions);
    const key = `copy-${randomBytes(4).toString("hex")}`;
    from.next = { state: from.acknowledged }; // the version must exist until the copy is made
    const about = { bucket, key, from: { bucket, key: from.key, version } };
    const { id = "", error } = await this.other.call("copy", about);
    expect(error).toBeUndefined();
    from.next = undefined;
    const all = Buffer.concat([content, randomBytes(sizeUpTo(100_000))]);
    this.uploads.push({ id, key, content: all, acknowledged: { offset: content.length }, next: undefined });
  }

  /** Moves all versions to another key, which may have some. */
  async #move(from: KeySlot, keys: readonly KeySlot[]): Promise<void> {
    const others = keys.filter((slot) => slot !== from);
    const to = others.length === 0 || this.keys.length < 6 ? this.#newKey() : pick(others);
    const [source, target] = [from.acknowledged, to.acknowledged];
    const moved = source.versions.map((known, n) => ({ ...known, version: target.last + 1 + n }));
    const versions = [...target.versions, ...moved].slice(-keepVersions);
    const move = randomBytes(8).toString("hex");
    from.next = { move, state: { last: source.last, versions: [] } };
    to.next = { move, state: { last: target.last + moved.length, versions } };
    const newest = target.versions.at(-1);
    const guard = newest === undefined ? {} : { if_version: newest.version, if_edit: newest.edit };
    const { error } = await this.other.call("move", { bucket, key: from.key, to_key: to.key, ...guard });
    expect(error).toBeUndefined();
    for (const slot of [from, to]) {
      slot.acknowledged = slot.next?.state ?? slot.acknowledged;
      slot.next = undefined;
    }
  }

  /** The last chunk of a declared size publishes. The other process, which folds often, makes every third append. */
  async #append(slot: UploadSlot): Promise<void> {
    const offset = slot.acknowledged?.offset ?? 0;
    const chunk = slot.content.subarray(offset, offset + sizeUpTo(200_000));
    const args = { session_id: slot.id, offset, data: chunk.toString("base64"), encoding: "base64" };
    await track(slot, { offset: offset + chunk.length }, () =>
      randomInt(3) === 0 ? this.other.call("append", args) : this.#server().call("upload_chunk", args),
    );
  }

  async #abort(slot: UploadSlot): Promise<void> {
    await track(slot, undefined, () => this.#server().call("abort_upload_session", { session_id: slot.id }));
  }

  async #save(slot: KeySlot): Promise<void> {
    const content = randomBytes(sizeUpTo(100_000));
    const { last, versions } = slot.acknowledged;
    const version = { version: last + 1, sha256: sha256Of(content), edit: 0, content };
    const state = { last: last + 1, versions: [...versions, version].slice(-keepVersions) };
    const args = { bucket, key: slot.key, content: content.toString("base64"), encoding: "base64" };
    await track(slot, state, () => this.#server().call("save_artifact", args));
  }

  /** Changes the metadata of the newest version. */
  async #update(slot: KeySlot): Promise<void> {
    const { last, versions } = slot.acknowledged;
    const edited = versions.map((known, n) => (n === versions.length - 1 ? { ...known, edit: known.edit + 1 } : known));
    const metadata = { edit: String(edited.at(-1)?.edit) };
    await track(slot, { last, versions: edited }, () => this.other.call("update", { bucket, key: slot.key, metadata }));
  }

  /** Deletes one version, or all. */
  async #delete(slot: KeySlot): Promise<void> {
    const { last, versions } = slot.acknowledged;
    const { version } = pick(versions);
    const isAll = versions.length === 1 || randomInt(3) === 0;
    const left = isAll ? [] : versions.filter((known) => known.version !== version);
    const state = { last, versions: left };
    const args = { bucket, key: slot.key, ...(isAll ? {} : { version }) };
    await track(slot, state, () => this.#server().call("delete_artifact", args));
  }

  /** Stops all processes. Every thread is then between two system calls, so no write is on its way to the disk. */
  async paused(work: () => Promise<void>): Promise<void> {
    const pids = [...this.servers, this.other].map(({ pid }) => pid);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    try {
      for (const pid of pids) while (!isStopped(pid)) await delay(1);
      await work();
    } finally {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    }
  }
}

/** A random size. About half of the sizes fit in a row. */
function sizeUpTo(most: number): number {
  return randomInt(1, randomInt(2) === 0 ? 32 * 1024 : most);
}

function pick<Item>(items: readonly Item[]): Item {
  return items[randomInt(items.length)] as Item;
}

function isOpen({ acknowledged, content }: UploadSlot): boolean {
  return acknowledged !== undefined && acknowledged.offset < content.length;
}

function isStopped(pid: number): boolean {
  const states = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  });
  return states.every((state) => state === "T");
}

/**
 * Grows the write-ahead log to its full length, so that later commits overwrite it in place. A commit that made the log
 * longer could make file names durable by chance.
 */
async function fillWriteAheadLog(root: string): Promise<void> {
  const adapter = new KeyvSqlite({ uri: `sqlite://${join(root, "metadata.sqlite")}`, busyTimeout: 5_000 });
  await adapter.query("INSERT INTO keyv (key, value) VALUES ('filler', hex(zeroblob(2400000)))");
  await adapter.query("DELETE FROM keyv WHERE key = 'filler'");
  await adapter.query("PRAGMA wal_checkpoint(RESTART)");
  await adapter.close();
}

/** Checks what a new server finds on a copy of the disk. */
async function expectKept(image: string, { uploads, keys, isIdle }: Known): Promise<void> {
  const disk = await imageDisk(image);
  const root = join(disk.path, "store");
  const directory = await openDataDirectory(root, { isNamed: true }, silentLog);
  try {
    const store = storeOn(directory, { keepVersions });
    expect((await store.verify()).faults).toEqual([]);
    const moves = new Map<string, boolean>();
    for (const slot of keys) {
      const { data } = await store.artifacts.listVersions(bucket, slot.key, { limit: 100 }).catch(() => ({ data: [] }));
      const found = data.map(({ version, sha256, edit = 0 }) => ({ version, sha256, edit })).reverse();
      const states = possible(slot).map(({ versions }) =>
        versions.map(({ version, sha256, edit }) => ({ version, sha256, edit })),
      );
      expect(states).toContainEqual(found);
      for (const { version, sha256 } of found) expect(await digestOf(store, slot.key, version)).toBe(sha256);
      if (slot.next?.move === undefined) continue;
      const isMade = JSON.stringify(found) === JSON.stringify(states[1]);
      expect(moves.get(slot.next.move) ?? isMade, "both keys of a move").toBe(isMade);
      moves.set(slot.next.move, isMade);
    }
    if (isIdle) await expectNothingElse(root, directory);
    for (const slot of uploads) await expectUpload(store, slot);
    for (const slot of keys) await expectNewNumber(store, slot);
    // Files that a call had not named yet are removed with the row of their session at the latest.
    const later = storeOn(directory, { keepVersions, now: () => Date.now() + 9 * endedSessionMs });
    for (let pass = 1; pass <= 2; pass += 1) {
      // The first pass ends sessions, the second removes their rows.
      expect(await later.sweep.run({ graceMs: 0, trustsClock: true })).toMatchObject({ failed: 0 });
    }
    expect((await later.verify({ graceMs: 0 })).faults).toEqual([]);
    await later.close();
    await expectNothingElse(root, directory);
    await store.close();
  } finally {
    await directory.close();
    await disk.unmount();
  }
}

/** Expects only content that rows name: deleted content takes no space. */
async function expectNothingElse(root: string, { metadata }: DataDirectory): Promise<void> {
  const artifacts = (await metadata.range(artifactPrefix, { limit: 1_000 })).map((row) => parseArtifactRow(row).value);
  const sessions = (await metadata.range(sessionPrefix, { limit: 1_000 })).map((row) => parseSessionRow(row).value);
  const owners = [
    ...artifacts.flatMap(({ versions }) => versions),
    ...sessions.map(({ id, pieces }) => ({ session: id, pieces })),
  ];
  const named = owners.flatMap(({ session, pieces }) => pieces.map(({ name }) => `${session}/${name}`));
  const files = (await readdir(join(root, "content"), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const inRows = await metadata.listPieces({ limit: 1_000 });
  const there = [...files.map(({ name }) => name.replace(".", "/")), ...inRows.map(({ name }) => name)];
  expect(there.sort()).toEqual(named.sort());
}

/** Expects that the next version gets a new number, whatever was deleted. */
async function expectNewNumber(store: TestStore, slot: KeySlot): Promise<void> {
  const { version } = await store.artifacts.save({
    bucket,
    key: slot.key,
    bytes: randomBytes(10),
    defaultMimeType: "text/plain",
  });
  expect(possible(slot).map(({ last }) => last + 1)).toContain(version);
}

type TestStore = ReturnType<typeof storeOn>;

/** Uploads the rest from the found offset. The digest of the whole then proves that the bytes before it were right. */
async function expectUpload(store: TestStore, slot: UploadSlot): Promise<void> {
  const { id, key, content } = slot;
  const found = await store.uploads.get(id);
  const state = found.status === "aborted" ? undefined : { offset: found.offset };
  expect(possible(slot)).toContainEqual(state);
  if (state === undefined) return;
  await store.uploads.append(id, state.offset, content.subarray(state.offset));
  await store.uploads.complete(id);
  expect(await digestOf(store, key)).toBe(sha256Of(content));
}

async function digestOf({ artifacts }: TestStore, key: string, version?: number): Promise<string> {
  const open = await artifacts.open(bucket, key, version);
  return open
    .read(0, open.artifact.bytes)
    .then(sha256Of)
    .finally(() => open.close());
}

async function openWorkload(image: string): Promise<Workload> {
  await newImage(image, 64 * 1024 * 1024);
  const disk = await imageDisk(image, "commit=300");
  const root = join(disk.path, "store");
  const options = ["--keep-versions", String(keepVersions)];
  const servers = [await startServer(root, ...options), await startServer(root, ...options)];
  await fillWriteAheadLog(root);
  return new Workload(servers, await startStoreProcess(root, keepVersions));
}

async function cutPower(workload: Workload, image: string, copy: string): Promise<void> {
  await workload.paused(async () => {
    await copyFile(image, copy);
    // Answers that arrive during the copy were sent before it, so the copy must hold their changes too.
    await expectKept(copy, workload.known());
  });
  await rm(copy);
}

it.skipIf(!canMount)(`everything acknowledged survives a power cut at any moment ${needsMounts}`, async () => {
  const folder = await temporaryDirectory();
  const [image, copy] = [join(folder, "image"), join(folder, "copy")];
  const workload = await openWorkload(image);
  for (let cut = 0; cut < (isLong ? 200 : 16); cut += 1) {
    for (let step = randomInt(1, 8); step > 0; step -= 1) await workload.step();
    await cutPower(workload, image, copy);
  }
  // These cuts come during running calls. If one call runs alone, no other one makes its file names durable by chance.
  for (let cut = 0; cut < (isLong ? 200 : 8); cut += 1) {
    const running = Array.from({ length: pick([1, 1, 4]) }, () => workload.step());
    await delay(randomInt(12));
    await cutPower(workload, image, copy);
    await Promise.all(running);
  }
});
