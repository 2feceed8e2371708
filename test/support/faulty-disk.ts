import { constants, type MakeDirectoryOptions } from "node:fs";
import type * as fs from "node:fs/promises";
import { setImmediate } from "node:timers/promises";

export type Errno = "ENOSPC" | "EDQUOT" | "EROFS" | "EIO" | "EMFILE" | "EFBIG" | "EPERM";

export interface Fault {
  readonly errno: Errno;
  /** The number of the call that fails, from 1, among the calls that can fail with this errno. */
  readonly call: number;
  /** Whether all later calls fail too. */
  readonly isLasting: boolean;
}

const naming = ["mkdir", "create", "link", "rename", "unlink", "rmdir", "rm"];
const writing = ["write", "datasync", "sync", "truncate", "utimes", ...naming];
const opening = ["open", "create", "readdir", "readFile"];

/** The calls that can fail with each errno. */
const canFail: Readonly<Record<Errno, (call: string) => boolean>> = {
  ENOSPC: (call) => writing.includes(call),
  EDQUOT: (call) => writing.includes(call) || call === "close",
  EROFS: (call) => writing.includes(call),
  EIO: () => true,
  EMFILE: (call) => opening.includes(call),
  EFBIG: (call) => call === "write",
  EPERM: (call) => naming.includes(call),
};

/**
 * A `node:fs/promises` whose calls fail on request. Nothing is really synced. A failed sync leaves what a real disk may
 * leave: the file as it was after the sync before, and the next sync succeeds.
 */
export class FaultyDisk {
  /** Calls on a file after a write or a sync of it had failed, except closing and removing it. */
  readonly usedAfterFailure: string[] = [];
  openFiles = 0;
  /** Each write takes only half of its bytes, as a real one may. */
  writesHalf = false;
  /** Whether the file system is known to sync each write with O_DSYNC. */
  isKnown = true;
  /** The errno of `link` on a file system without hard links. */
  linkErrno: string | undefined;
  #fault: Fault | undefined;
  #calls = 0;
  #hasWrittenShort = false;
  readonly #failedFiles = new Set<string>();

  /** Forgets everything that has happened. */
  reset(): void {
    this.mend();
    this.openFiles = 0;
    this.writesHalf = false;
    this.linkErrno = undefined;
    this.usedAfterFailure.length = 0;
    this.#failedFiles.clear();
  }

  /** Sets the fault, and counts calls from now on. */
  fail(fault: Fault): void {
    this.#fault = fault;
    this.#calls = 0;
  }

  /** Removes the fault. Returns whether a call has failed with it. */
  mend(): boolean {
    const hasFailed = this.#fault !== undefined && this.#calls >= this.#fault.call;
    this.#fault = undefined;
    this.#hasWrittenShort = false;
    return hasFailed;
  }

  #isFailing(call: string): boolean {
    const fault = this.#fault;
    if (fault === undefined || !canFail[fault.errno](call)) return false;
    this.#calls += 1;
    return fault.isLasting ? this.#calls >= fault.call : this.#calls === fault.call;
  }

  #error(call: string, path: string): Error {
    const code = this.#fault?.errno ?? "";
    return Object.assign(new Error(`${code}: injected, ${call} '${path}'`), { code });
  }

  /**
   * After most failures, Node's recursive `mkdir` looks for the folder, and fails with ENOENT because it is missing.
   */
  #mkdirError(path: string, isRecursive: boolean): Error {
    const error = this.#error("mkdir", path);
    const isHidden = isRecursive && this.#fault?.errno !== "ENOSPC";
    return isHidden ? Object.assign(error, { code: "ENOENT" }) : error;
  }

  /** Records a call on a file that has failed before. */
  #use(call: string, path: string): void {
    if (this.#failedFiles.has(path)) this.usedAfterFailure.push(`${call} ${path}`);
  }

  wrap(actual: typeof fs): typeof fs {
    const wrapped = <Name extends "unlink" | "rmdir" | "rm" | "readdir" | "readFile" | "stat" | "lstat">(name: Name) =>
      (async (path: string, ...rest: []) => {
        if (this.#isFailing(name)) throw this.#error(name, path);
        return (actual[name] as (path: string, ...rest: unknown[]) => unknown)(path, ...rest);
      }) as unknown as (typeof fs)[Name];
    return {
      ...actual,
      mkdir: (async (path: string, options?: MakeDirectoryOptions) => {
        await setImmediate(); // lets a test time out even if the code tries for ever
        if (this.#isFailing("mkdir")) throw this.#mkdirError(path, options?.recursive === true);
        return actual.mkdir(path, options);
      }) as typeof fs.mkdir,
      unlink: wrapped("unlink"),
      rmdir: wrapped("rmdir"),
      rm: wrapped("rm"),
      readdir: wrapped("readdir"),
      readFile: wrapped("readFile"),
      stat: wrapped("stat"),
      lstat: wrapped("lstat"),
      link: async (from, to) => {
        this.#use("link", String(from));
        if (this.linkErrno !== undefined) throw Object.assign(new Error(this.linkErrno), { code: this.linkErrno });
        if (this.#isFailing("link")) throw this.#error("link", String(to));
        return actual.link(from, to);
      },
      rename: async (from, to) => {
        this.#use("rename", String(from));
        if (this.#isFailing("rename")) throw this.#error("rename", String(to));
        return actual.rename(from, to);
      },
      open: async (path, flags, mode) => {
        const call = flags === "r" ? "open" : "create";
        if (this.#isFailing(call)) throw this.#error(call, String(path));
        const file = await actual.open(path, flags, mode);
        this.openFiles += 1;
        const syncsWrites = typeof flags === "number" && (flags & constants.O_DSYNC) !== 0;
        return this.#file(file, String(path), syncsWrites);
      },
      statfs: (async () => ({ type: this.isKnown ? 0xef53 : 0 })) as unknown as typeof fs.statfs,
    };
  }

  /** A file handle with the calls that the engine makes. */
  #file(file: fs.FileHandle, path: string, syncsWrites: boolean): fs.FileHandle {
    let syncedBytes = 0;
    const failed = (call: string): Error => {
      // A call that began before the failure was reported does not ignore the failure.
      void setImmediate().then(() => this.#failedFiles.add(path));
      return this.#error(call, path);
    };
    const write = async (bytes: Uint8Array, position: number | null) => {
      this.#use("write", path);
      if (this.#hasWrittenShort) {
        this.#hasWrittenShort = false;
        throw failed("write");
      }
      const isFailing = this.#isFailing("write");
      // A disk that becomes full takes what fits, and fails at the next call.
      this.#hasWrittenShort = isFailing;
      const length = isFailing || this.writesHalf ? Math.ceil(bytes.length / 2) : bytes.length;
      const written = await file.write(bytes, 0, length, position);
      if (syncsWrites) syncedBytes = (await file.stat()).size;
      return written;
    };
    const handle = {
      stat: async () => {
        if (this.#isFailing("stat")) throw this.#error("stat", path);
        return file.stat();
      },
      utimes: async (...times: Parameters<fs.FileHandle["utimes"]>) => {
        if (this.#isFailing("utimes")) throw this.#error("utimes", path);
        return file.utimes(...times);
      },
      writeFile: async (content: string | Uint8Array) => {
        let rest = Buffer.from(content);
        while (rest.length > 0) rest = rest.subarray((await write(rest, null)).bytesWritten);
      },
      read: async (bytes: Buffer, at: number, length: number, position: number) => {
        if (this.#isFailing("read")) throw this.#error("read", path);
        return file.read(bytes, at, length, position);
      },
      write: (bytes: Uint8Array) => write(bytes, null),
      writev: (parts: readonly Uint8Array[], position: number) => write(Buffer.concat(parts), position),
      datasync: async () => {
        this.#use("datasync", path);
        if (this.#isFailing("datasync")) {
          await file.truncate(syncedBytes);
          throw failed("datasync");
        }
        syncedBytes = (await file.stat()).size;
      },
      sync: async () => {
        if (this.#isFailing("sync")) throw this.#error("sync", path);
      },
      truncate: async (bytes: number) => {
        this.#use("truncate", path);
        if (this.#isFailing("truncate")) throw failed("truncate");
        await file.truncate(bytes);
        syncedBytes = Math.min(syncedBytes, bytes);
      },
      close: async () => {
        await file.close(); // the file is closed even if this call fails
        this.openFiles -= 1;
        if (this.#isFailing("close")) throw this.#error("close", path);
      },
    };
    return handle as unknown as fs.FileHandle;
  }
}
