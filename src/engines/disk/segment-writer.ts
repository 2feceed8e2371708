import { constants, type FileHandle, open, statfs } from "node:fs/promises";
import { platform } from "node:os";
import type { SegmentWriter } from "../store/blob-store.js";
import { orElse, syncFolder, translated, writeParts } from "./file-system.js";

/** What goes to the disk in one call: of less the disk would sync more often than it writes. */
const blockBytes = 1024 * 1024;
/** Calls on their way at once, of one segment: they keep a disk busy, and leave half of the threads to others. */
const mostBlocks = 4;
/** More parts of a block than this are made one, so that bytes that come one by one do not cost an object each. */
const mostParts = 1_024;

/**
 * Linux's file systems that are known to do at each write to a file opened with O_DSYNC what fdatasync does, by
 * `f_type` of statfs(2): ext2 to ext4, XFS, Btrfs, F2FS, ZFS, and overlayfs, which hands it on.
 */
const durableWriters: ReadonlySet<number> = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x794c7630],
]);

/** How segments under `folder` are opened: so that a write is durable when it is done, where that can be relied on. */
export async function segmentFlags(folder: string): Promise<number> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  if (platform() !== "linux") return flags; // macOS has the flag, and leaves the bytes in the disk's own memory
  const isKnown = await statfs(folder).then(
    ({ type }) => durableWriters.has(type),
    () => false,
  );
  return isKnown ? flags | constants.O_DSYNC : flags;
}

/**
 * The one writer of a new file. Bytes go to the disk in blocks, some at once, so that copying one to the system overlaps
 * with the disk's work on others: opened with O_DSYNC, a file is synced while more of it comes.
 *
 * @param folders hold the file's name and must be durable with it
 */
export async function createSegmentWriter(
  path: string,
  name: string,
  flags: number,
  folders: readonly string[],
): Promise<SegmentWriter> {
  const file = await open(path, flags, 0o600);
  const isDurableOnWrite = (flags & constants.O_DSYNC) !== 0;
  const blocks = new Blocks(file);
  let isNew = true;
  const syncBytes = async (): Promise<void> => {
    await blocks.flush();
    if (!isDurableOnWrite) await file.datasync();
  };
  const syncName = async (folder: string): Promise<void> => {
    await orElse(["ENOENT"], () => syncFolder(folder), undefined); // ended meanwhile
  };
  return translated<SegmentWriter>({
    name,
    write: (bytes) => blocks.add(bytes),
    async sync() {
      const names = isNew ? folders : [];
      await Promise.all([syncBytes(), ...names.map(syncName)]); // at once: they share what the disk does
      isNew = false;
    },
    async truncate(to) {
      await blocks.flush();
      await file.truncate(to);
      blocks.continueAt(to);
    },
    async close() {
      await blocks.flush().catch(() => undefined); // whoever wanted the bytes has asked `sync`
      await file.close();
    },
  });
}

/** What is written behind the end of a file, a block at a time. */
class Blocks {
  readonly #file: FileHandle;
  /** Where the next block begins. */
  #at = 0;
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  readonly #running = new Set<Promise<void>>();
  /** The system tells a failed sync once, and a next one may succeed without the bytes: so it is kept. */
  #failure: { readonly error: unknown } | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Resolves once there is room for more. @throws what any block has failed with */
  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const most = this.#running.size === 0 ? blockBytes / 2 : blockBytes; // a disk that waits begins sooner
      const part = bytes.subarray(at, at + Math.max(0, most - this.#partsBytes));
      this.#gather(part);
      at += part.length;
      if (this.#partsBytes >= most) this.#begin();
      while (this.#running.size >= mostBlocks) await Promise.race(this.#running);
      this.#check();
    }
  }

  /** Resolves once all that was added is written. @throws what any block has failed with */
  async flush(): Promise<void> {
    if (this.#partsBytes > 0) this.#begin();
    await Promise.all(this.#running);
    this.#check();
  }

  continueAt(position: number): void {
    this.#at = position;
  }

  #gather(part: Uint8Array): void {
    if (part.length === 0) return;
    if (this.#parts.length === mostParts) this.#parts = [Buffer.concat(this.#parts)];
    this.#parts.push(part);
    this.#partsBytes += part.length;
  }

  #begin(): void {
    const parts = this.#parts;
    const at = this.#at;
    this.#at += this.#partsBytes;
    this.#parts = [];
    this.#partsBytes = 0;
    const running = writeParts(this.#file, parts, at, () => this.#check())
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
