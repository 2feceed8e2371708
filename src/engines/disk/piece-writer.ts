import { constants, type FileHandle, open, statfs } from "node:fs/promises";
import { platform } from "node:os";
import type { PieceWriter } from "../../store/ports/content-store.js";
import { translatingMethods } from "../engine-error.js";
import { syncFolder, writeParts } from "../file-system.js";

/** What one write hands to the disk. With smaller blocks the disk would sync more often than it writes. */
export const blockBytes = 1024 * 1024;
/** Writes of one piece that run at once. They keep a disk busy and leave half of Node's threads to others. */
const maxRunningBlocks = 4;
/** A block with more parts than this is joined, so that bytes that come one by one do not cost an object each. */
const maxParts = 1_024;

/**
 * Linux file systems that are known to do the work of fdatasync in each write to a file opened with O_DSYNC, by
 * `f_type` of statfs(2): ext2 to ext4, XFS, Btrfs, F2FS, ZFS, and overlayfs, which passes it on.
 */
const durableWriters: ReadonlySet<number> = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x794c7630],
]);

/**
 * The flags that open a new piece under `folder`. With O_DSYNC a write is durable once it returns; it is set where the
 * file system is known to keep to that.
 */
export async function pieceFlags(folder: string): Promise<number> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  if (platform() !== "linux") return flags; // macOS has the flag, but leaves the bytes in the disk's own memory
  const isKnown = await statfs(folder).then(
    ({ type }) => durableWriters.has(type),
    () => false,
  );
  return isKnown ? flags | constants.O_DSYNC : flags;
}

export interface NewPiece {
  readonly path: string;
  readonly name: string;
  /** From `pieceFlags`. */
  readonly flags: number;
  /** The folders whose sync makes the file's name durable. */
  readonly folders: readonly string[];
}

/**
 * Creates the file and returns its one writer. Bytes go to the disk in blocks, several at once, so that copying a block
 * to the system overlaps with the disk's work on others. With O_DSYNC the file is synced while more of it arrives.
 */
export async function createPieceWriter({ path, name, flags, folders }: NewPiece): Promise<PieceWriter> {
  const file = await open(path, flags, 0o600);
  const isDurableOnWrite = (flags & constants.O_DSYNC) !== 0;
  const blocks = new Blocks(file);
  let isNew = true;
  const syncBytes = async (): Promise<void> => {
    await blocks.flush();
    if (!isDurableOnWrite) await file.datasync();
  };
  return translatingMethods<PieceWriter>({
    name,
    write: (bytes) => blocks.add(bytes),
    async sync() {
      const unsynced = isNew ? folders : [];
      await Promise.all([syncBytes(), ...unsynced.map(syncFolder)]); // at once: they share the disk's work
      isNew = false;
    },
    async truncate(length) {
      await blocks.flush().catch(() => undefined); // a write that failed is cut off too
      await file.truncate(length);
      blocks.continueAt(length);
    },
    async close() {
      await blocks.flush().catch(() => undefined); // a caller who needs the bytes has called `sync`
      await file.close();
    },
  });
}

/** Appends bytes to a file, a block at a time. */
class Blocks {
  readonly #file: FileHandle;
  /** Where the next block begins. */
  #at = 0;
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  readonly #running = new Set<Promise<void>>();
  /** The system reports a failed sync once, and the next one may succeed without the bytes. So the failure is kept. */
  #failure: { readonly error: unknown } | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Resolves once there is room for more. @throws the error of any block that failed */
  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const limitBytes = this.#running.size === 0 ? blockBytes / 2 : blockBytes; // an idle disk begins sooner
      const part = bytes.subarray(at, at + Math.max(0, limitBytes - this.#partsBytes));
      this.#gather(part);
      at += part.length;
      if (this.#partsBytes >= limitBytes) this.#begin();
      while (this.#running.size >= maxRunningBlocks) await Promise.race(this.#running);
      this.#check();
    }
  }

  /** Resolves once everything added is written. @throws the error of any block that failed */
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
    if (this.#parts.length === maxParts) this.#parts = [Buffer.concat(this.#parts)];
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
