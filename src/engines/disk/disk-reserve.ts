import { randomBytes } from "node:crypto";
import { open, readdir, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { reserveBytes } from "../../store/model/limits.js";
import type { Log } from "../../store/ports/log.js";
import { ignoringErrno } from "../file-system.js";
import { contentFolder } from "./shards.js";

/** Makes the bytes in another thread, so that the calling thread is not blocked. */
const randomBytesAsync = promisify(randomBytes);

/**
 * The file `reserve`, whose space is given up on a full disk. It is made when the store holds as many bytes as the
 * reserve. Many stores are small, and in a small store there is little to delete.
 *
 * A process knows the bytes that the store held when it first looked, and the bytes that it has added itself. If
 * several processes add bytes at the same time, each fewer than the reserve, the next process that opens the store makes
 * the file.
 */
export class DiskReserve {
  readonly #root: string;
  readonly #path: string;
  readonly #log: Log;
  /** The bytes that the store held when this process first looked; undefined before that. */
  #foundBytes: number | undefined;
  #addedBytes = 0;
  /**
   * Whether this process has seen the store grow past the reserve. Later only deletions and sweeps restore the file.
   */
  #isDue = false;

  constructor(root: string, log: Log) {
    this.#root = root;
    this.#path = join(root, "reserve");
    this.#log = log;
  }

  release(): Promise<boolean> {
    return ignoringErrno(["ENOENT"], () => unlink(this.#path).then(() => true), false);
  }

  async restore(): Promise<void> {
    try {
      const found = await ignoringErrno(["ENOENT"], () => stat(this.#path), undefined);
      if (found?.size === reserveBytes) return;
      if (found !== undefined || (await this.#isLarge())) await fillReserve(this.#path);
    } catch (error) {
      this.#log("debug", "reserve_not_restored", { error: String(error) });
    }
  }

  /**
   * Must be called when this process has added bytes to the store. A negative number means that it has dropped bytes.
   */
  async grow(bytes: number): Promise<void> {
    this.#addedBytes += bytes;
    if (this.#isDue || (this.#foundBytes ?? 0) + this.#addedBytes < reserveBytes) return;
    this.#isDue = true;
    await this.restore();
  }

  async #isLarge(): Promise<boolean> {
    if (this.#addedBytes >= reserveBytes) return true;
    this.#foundBytes ??= await storedBytes(this.#root);
    return this.#foundBytes + this.#addedBytes >= reserveBytes;
  }
}

/** The bytes of the database and of the pieces. Counting stops when they reach the size of the reserve. */
async function storedBytes(root: string): Promise<number> {
  let bytes = await sizeOf(join(root, "metadata.sqlite"));
  const content = contentFolder(root);
  for (const shard of await namesIn(content)) {
    for (const name of await namesIn(join(content, shard))) {
      if (bytes >= reserveBytes) return bytes;
      bytes += await sizeOf(join(content, shard, name));
    }
  }
  return bytes;
}

const namesIn = (folder: string): Promise<string[]> => ignoringErrno(["ENOENT", "ENOTDIR"], () => readdir(folder), []);

async function sizeOf(path: string): Promise<number> {
  const found = await ignoringErrno(["ENOENT"], () => stat(path), undefined);
  return found?.size ?? 0;
}

/**
 * Fills the file with random bytes, so that no file system can store it in less space. A write that is cut short is
 * kept. Otherwise content would take that space, and the next deletion might find no room.
 */
async function fillReserve(path: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.write(await randomBytesAsync(reserveBytes));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
