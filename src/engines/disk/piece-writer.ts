import { constants, type FileHandle, open, statfs } from "node:fs/promises";
import { platform } from "node:os";
import type { PieceWriter } from "../../store/ports/content-store.js";
import { translatingMethods } from "../engine-error.js";
import { syncFolder, writeParts } from "../file-system.js";

/** Bytes of one write. With smaller blocks the disk would sync too often. */
export const blockBytes = 1024 * 1024;
/** Writes of one piece that run at once. They keep a disk busy and leave half of Node's threads to other work. */
const maxRunningBlocks = 4;
/** If a block has more parts than this, they are joined. Otherwise bytes that come one by one cost an object each. */
const maxParts = 1_024;

/**
 * The Linux file systems that are known to sync each write to a file opened with O_DSYNC as fdatasync would. They are
 * given by `f_type` of statfs(2): ext2 to ext4, XFS, Btrfs, F2FS, ZFS, and overlayfs, which passes the flag on.
 */
const durableWriters: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x794c7630,
]);

/**
 * The flags for opening a new piece in `folder`. With O_DSYNC a write is durable when it returns. The flag is set only
 * if the file system is known to keep this promise.
 */
export async function pieceFlags(folder: string): Promise<number> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  if (platform() !== "linux") return flags; // macOS has the flag, but leaves the bytes in the cache of the disk
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
  /** The folders that must be synced to make the name of the file durable. */
  readonly folders: readonly string[];
}

/**
 * Creates the file of a piece and returns its only writer. Several blocks are written at once, so that copying one
 * block to the system overlaps with the disk's work on others. With O_DSYNC the file is synced while more bytes arrive.
 */
export async function createPieceWriter({ path, name, flags, folders }: NewPiece): Promise<PieceWriter> {
  const file = await open(path, flags, 0o600);
  const isDurableOnWrite = (flags & constants.O_DSYNC) !== 0;
  const blocks = new BlockWriter(file);
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
      // In parallel, because the syncs share the work of the disk.
      await Promise.all([syncBytes(), ...unsynced.map(syncFolder)]);
      isNew = false;
    },
    async truncate(length) {
      await blocks.flush().catch(() => undefined); // the bytes of a failed write are cut off too
      await file.truncate(length);
      blocks.continueAt(length);
    },
    async close() {
      await blocks.flush().catch(() => undefined); // a caller that needs the bytes has called `sync`
      await file.close();
    },
  });
}

/** Appends bytes to a file, a block at a time. */
class BlockWriter {
  readonly #file: FileHandle;
  /** Position of the next block in the file. */
  #at = 0;
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  readonly #running = new Set<Promise<void>>();
  /** Kept, because the system reports a failed sync only once. The next sync may succeed without the bytes. */
  #failure: { readonly error: unknown } | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Resolves when more bytes can be added. @throws the error of any block that failed */
  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      // An idle disk gets a smaller block, so that it starts sooner.
      const limitBytes = this.#running.size === 0 ? blockBytes / 2 : blockBytes;
      const part = bytes.subarray(at, at + Math.max(0, limitBytes - this.#partsBytes));
      this.#addPart(part);
      at += part.length;
      if (this.#partsBytes >= limitBytes) this.#startWrite();
      while (this.#running.size >= maxRunningBlocks) await Promise.race(this.#running);
      this.#throwFailure();
    }
  }

  /** Resolves when all added bytes are written. @throws the error of any block that failed */
  async flush(): Promise<void> {
    if (this.#partsBytes > 0) this.#startWrite();
    await Promise.all(this.#running);
    this.#throwFailure();
  }

  continueAt(position: number): void {
    this.#at = position;
  }

  #addPart(part: Uint8Array): void {
    if (part.length === 0) return;
    if (this.#parts.length === maxParts) this.#parts = [Buffer.concat(this.#parts)];
    this.#parts.push(part);
    this.#partsBytes += part.length;
  }

  #startWrite(): void {
    const parts = this.#parts;
    const at = this.#at;
    this.#at += this.#partsBytes;
    this.#parts = [];
    this.#partsBytes = 0;
    const running = writeParts(this.#file, parts, at, () => this.#throwFailure())
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
