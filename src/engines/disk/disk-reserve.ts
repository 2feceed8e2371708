import { randomBytes } from "node:crypto";
import { open, readdir, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { reserveBytes } from "../../store/model/limits.js";
import type { Log } from "../../store/ports/log.js";
import { ignoringErrno } from "../file-system.js";
import { contentFolder } from "./shards.js";

/** Makes the bytes on another thread, so that the process goes on with its work. */
const manyRandomBytes = promisify(randomBytes);

/**
 * The file `reserve`, whose space is given up on a full disk. A store has it once it holds as much content: there are
 * many small stores, and in such a one there is little to delete.
 *
 * Each process knows what the store held when it looked first, and what it has added itself. What several processes add
 * at the same time, each less than the reserve, is seen by the next one that opens the store.
 */
export class DiskReserve {
  readonly #root: string;
  readonly #path: string;
  readonly #log: Log;
  /** What the store held when this process looked; undefined before. */
  #foundBytes: number | undefined;
  #addedBytes = 0;
  /** The store has grown past the reserve in this process. From then on deletions and sweeps see to it. */
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

  /** This process has added bytes, or, where there are fewer than none, dropped some. */
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

/** Bytes of the database and of pieces; those of a store that holds more than the reserve are not all counted. */
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
 * Random bytes, so that no file system stores them in less space. A write that is cut short is kept: otherwise content
 * would take that space, and the next deletion might find no room.
 */
async function fillReserve(path: string): Promise<void> {
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
