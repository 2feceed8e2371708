import { randomBytes } from "node:crypto";
import { link, open, readdir, rm, rmdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BlobStore, ByteReader } from "../store/blob-store.js";
import { reserveBytes } from "../store/limits.js";
import type { Log } from "../store/log.js";
import { createDiskListing } from "./disk-listing.js";
import { makeIfAbsent, orElse, readBytes, syncFolder, translated } from "./file-system.js";
import { createSegmentWriter, segmentFlags } from "./segment-writer.js";

/** Does not keep the process from its other work. */
const manyRandomBytes = promisify(randomBytes);

/**
 * Content as files under `root`, which is there already with its folders `uploads` and `blobs`:
 *
 *     uploads/<session>/<start>-<random>   segments
 *     blobs/<first two of the id>/<id>     blobs
 *     reserve                              1 MiB to give up on a full disk
 */
export function createDiskBlobStore(root: string, log: Log): BlobStore {
  const uploads = join(root, "uploads");
  const blobs = join(root, "blobs");
  const reserve = join(root, "reserve");
  const segmentPath = (session: string, name: string): string => join(uploads, session, name);
  const shelf = (session: string): string => join(blobs, session.slice(0, 2));
  const blobPath = (session: string): string => join(shelf(session), session);
  let known: number | undefined;
  const flags = async (): Promise<number> => {
    known ??= await segmentFlags(uploads);
    return known;
  };
  /** Shelves whose own name this process has made durable: whoever made the folder may have died before. */
  const durableShelves = new Set<string>();

  async function removeAll(session: string): Promise<boolean> {
    const folder = join(uploads, session);
    const names = await orElse(["ENOENT"], () => readdir(folder), undefined);
    if (names === undefined) return false;
    await removeFiles(names.map((name) => join(folder, name)));
    await removeIfEmpty(folder);
    return true;
  }

  async function linkBlob(session: string, segment: string): Promise<true> {
    const from = segmentPath(session, segment);
    await orElse(["EEXIST"], () => link(from, blobPath(session)), undefined);
    await syncFolder(shelf(session));
    if (!durableShelves.has(shelf(session))) {
      await syncFolder(blobs);
      durableShelves.add(shelf(session));
    }
    return true;
  }

  const store: BlobStore = {
    async createSegment(session, start) {
      const folder = join(uploads, session);
      const name = `${start}-${randomBytes(8).toString("hex")}`;
      for (;;) {
        await makeIfAbsent(folder);
        // It may vanish at any moment, where somebody else is done with what was in it.
        const create = async () => createSegmentWriter(join(folder, name), name, await flags(), [folder, uploads]);
        const writer = await orElse(["ENOENT"], create, undefined);
        if (writer !== undefined) return writer;
      }
    },
    openSegment: (session, name) => openReader(segmentPath(session, name)),
    async removeSegments(session, names) {
      await removeFiles(names.map((name) => segmentPath(session, name)));
      await removeIfEmpty(join(uploads, session));
    },
    async removeUpload(session) {
      if (await removeAll(session)) await syncFolder(uploads);
    },
    async install(session, segment) {
      return orElse(
        ["ENOENT"],
        () => linkBlob(session, segment),
        async () => {
          await makeIfAbsent(shelf(session));
          return orElse(["ENOENT"], () => linkBlob(session, segment), false);
        },
      );
    },
    openBlob: (session) => openReader(blobPath(session)),
    async removeBlob(session) {
      await removeFiles([blobPath(session)]);
      await orElse(["ENOENT"], () => syncFolder(shelf(session)), undefined);
    },
    ...createDiskListing(root),
    async releaseReserve() {
      return orElse(["ENOENT"], () => unlink(reserve).then(() => true), false);
    },
    async restoreReserve() {
      await fillReserve(reserve).catch((error) => log("debug", "reserve_not_restored", { error: String(error) }));
    },
  };
  return translated(store);
}

/**
 * Random bytes, so that no file system stores them in less space. A write that is cut short is as good as it gets:
 * without what is there, content would take it, and the next deletion might find no room.
 */
async function fillReserve(path: string): Promise<void> {
  const found = await orElse(["ENOENT"], () => stat(path), undefined);
  if (found?.size === reserveBytes) return;
  const file = await open(path, "w", 0o600);
  try {
    await file.write(await manyRandomBytes(reserveBytes));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function openReader(path: string): Promise<ByteReader | undefined> {
  const file = await orElse(["ENOENT"], () => open(path, "r"), undefined);
  if (file === undefined) return undefined;
  return translated<ByteReader>({
    read: (start, length, into) => readBytes(file, start, length, into),
    close: () => file.close(),
  });
}

/** A call that still runs may have begun a new segment in it; that one takes it back itself. */
async function removeIfEmpty(folder: string): Promise<void> {
  await orElse(["ENOENT", "ENOTEMPTY", "EEXIST"], () => rmdir(folder), undefined);
}

async function removeFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) await orElse(["ENOENT"], () => unlink(path), undefined);
}
