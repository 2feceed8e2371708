import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, lstat, open, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { DerivedStore } from "../../store/ports/derived-store.js";
import type { Log } from "../../store/ports/log.js";
import { ignoringErrno, makeIfAbsent, readAt } from "../file-system.js";

export interface DiskDerivedStoreOptions {
  /** Nothing is written: neither entries, nor when they were used. */
  readonly isReadOnly?: boolean;
}

/** Stands before the random end of the name of a file that is not whole yet. No name of an entry has it. */
const draftMark = "~";
/** A draft of this age was left by a process that died. */
const staleDraftMs = 60 * 60 * 1000;
/** The time of the last use is written at most this often. */
const markEveryMs = 24 * 60 * 60 * 1000;
const digestBytes = 32;
/** A larger file is none of ours. */
const maxFileBytes = 16 * 1024 * 1024;

/**
 * Derived facts as files in the folder `derived` of `root`. It is made when it is needed, and may be deleted at any time.
 *
 *     derived/<2 hex>/<sha256>.<name>              a digest, and then the entry; the file's time is that of its last use
 *     derived/<2 hex>/<sha256>.<name>~<random>     an entry that is being written
 *
 * Nothing is synced: a file that a power loss has torn does not fit its digest.
 */
export function createDiskDerivedStore(
  root: string,
  log: Log,
  { isReadOnly = false }: DiskDerivedStoreOptions = {},
): DerivedStore {
  const folder = join(root, "derived");
  const shardOf = (sha256: string): string => join(folder, sha256.slice(0, 2));
  const fileOf = (sha256: string, name: string): string => join(shardOf(sha256), `${sha256}.${name}`);

  /** A failure of a cache is no failure of the call that uses it. */
  async function orElse<Result>(what: string, otherwise: Result, act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      log("debug", "derived_store_failed", { what, error: String(error) });
      return otherwise;
    }
  }

  return {
    get: (sha256, name) =>
      orElse("get", undefined, async () => {
        const path = fileOf(sha256, name);
        const file = await ignoringErrno(["ENOENT"], () => open(path, "r"), undefined);
        if (file === undefined) return undefined;
        try {
          const entry = await readEntry(file, sha256, name);
          if (entry !== undefined && !isReadOnly) await markUse(file);
          return entry;
        } finally {
          await file.close();
        }
      }),
    put: (sha256, name, bytes) =>
      orElse("put", undefined, async () => {
        if (isReadOnly) return;
        for (const above of [folder, shardOf(sha256)]) await makeIfAbsent(above);
        await writeWhole(fileOf(sha256, name), [digestOf(sha256, name, bytes), bytes]);
      }),
    remove: (sha256) =>
      orElse("remove", undefined, async () => {
        const shard = shardOf(sha256);
        const own = (await namesIn(shard)).filter((name) => name.startsWith(`${sha256}.`));
        await Promise.all(own.map((name) => removeFile(join(shard, name))));
      }),
    async removeUnused(olderThanMs) {
      let removed = 0;
      for (const shard of await orElse("list", [], () => namesIn(folder))) {
        for (const name of await orElse("list", [], () => namesIn(join(folder, shard)))) {
          const ageMs = name.includes(draftMark) ? Math.min(staleDraftMs, olderThanMs) : olderThanMs;
          const path = join(folder, shard, name);
          if (await orElse("remove", false, () => removeOlder(path, ageMs))) removed += 1;
        }
      }
      return removed;
    },
  };
}

async function readEntry(file: FileHandle, sha256: string, name: string): Promise<Uint8Array | undefined> {
  const { size } = await file.stat();
  if (size > maxFileBytes) return undefined;
  const content = Buffer.from(await readAt(file, 0, size));
  const entry = content.subarray(digestBytes);
  return content.subarray(0, digestBytes).equals(digestOf(sha256, name, entry)) ? entry : undefined;
}

/** Writes a file in place of the one before. If this fails, neither of them is left. */
async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const draft = `${path}${draftMark}${randomBytes(8).toString("hex")}`;
  try {
    const file = await open(draft, "wx", 0o600);
    await file.writeFile(Buffer.concat(parts)).finally(() => file.close());
    await rename(draft, path);
  } catch (error) {
    await Promise.all([draft, path].map(removeFile));
    throw error;
  }
}

/** The digest also covers the place of an entry, so that a file in the wrong place is not used. */
function digestOf(sha256: string, name: string, entry: Uint8Array): Buffer {
  return createHash("sha256").update(`${sha256}.${name}\n`).update(entry).digest();
}

async function markUse(file: FileHandle): Promise<void> {
  const now = Date.now();
  if (now - (await file.stat()).mtimeMs < markEveryMs) return;
  // Where it cannot be written, the entry is not removed either.
  await ignoringErrno(["EROFS", "EPERM", "EACCES"], () => file.utimes(now / 1000, now / 1000), undefined);
}

async function namesIn(folder: string): Promise<string[]> {
  return ignoringErrno(["ENOENT", "ENOTDIR"], () => readdir(folder), []);
}

async function removeFile(path: string): Promise<void> {
  await ignoringErrno(["ENOENT"], () => unlink(path), undefined);
}

/** Whether there was such a file, and it was removed. */
async function removeOlder(path: string, ageMs: number): Promise<boolean> {
  const found = await ignoringErrno(["ENOENT"], () => lstat(path), undefined);
  if (found === undefined || Date.now() - found.mtimeMs < ageMs) return false;
  await removeFile(path);
  return true;
}
