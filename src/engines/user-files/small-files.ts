import { createHash } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Comparison, ExpectedFile, SmallRead, WriteResult } from "../../store/ports/user-files.js";
import { errorCodeOf } from "../engine-error.js";
import { noHardLinkErrnos } from "../file-system.js";
import { kindOf } from "../local-files/local-file-errors.js";
import { isFull, isOfProcess, problemOf } from "./problem-of.js";
import { partMode, replacedMode, setMode } from "./replaced-mode.js";
import { ownDirectory } from "./store-directory.js";
import { systemPath } from "./system-path.js";

/*
 * Calls that block, for a thread that does nothing else: for a small file they cost a quarter of the others. A file that
 * fails is an answer, and an error is of the process: too many open files, no memory.
 */

/** Longer than one tick of the clock that a file system takes its times from. */
const tickMs = 20;
const blockBytes = 1024 * 1024;
/** Windows has neither O_NONBLOCK nor special files that block. */
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

const unsized = "its content is not as long as the system says, as in /proc: pipe it, with - as the PATH";

/** Reads a file that has at most `maxBytes`. @param isOwn whether a path leads into the store's own directory */
export function readSmallFile(path: string, maxBytes: number, isOwn: (path: string) => boolean): SmallRead {
  return answering(() => {
    const entry = lstatSync(systemPath(path));
    if (isOwn(entry.isSymbolicLink() ? path : dirname(path))) return failed(`it is in ${ownDirectory}`);
    const file = openSync(systemPath(path), readOnly);
    try {
      return readOpened(file, maxBytes);
    } finally {
      closeSync(file);
    }
  }, failed);
}

function readOpened(file: number, maxBytes: number): SmallRead {
  const stats = settledStats(file);
  if (!stats.isFile()) return failed(`it is ${stats.isDirectory() ? "a folder" : kindOf(stats)}`);
  const size = Number(stats.size);
  if (size > maxBytes) return { kind: "large", size };
  const bytes = Buffer.allocUnsafeSlow(size);
  const length = readFully(file, bytes, 0);
  const isWhole = length === size && readSync(file, Buffer.allocUnsafe(1), 0, 1, size) === 0;
  const now = fstatSync(file, { bigint: true });
  if (!isWhole && now.size === stats.size) return failed(unsized);
  if (!isWhole || !isSame(stats, now)) return failed("it changed while it was read, and was not saved");
  return { kind: "read", bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Compares a file with what it should be. */
export function compareFile({ path, bytes, sha256 }: ExpectedFile): Comparison {
  return answering<Comparison>(() => {
    const place = systemPath(path);
    const entry = lstatSync(place, { throwIfNoEntry: false });
    if (entry === undefined) return { kind: "absent" };
    const found = entry.isSymbolicLink() ? targetOf(place) : entry;
    if (found === undefined) return { kind: "other" }; // a symlink that leads nowhere
    if (found.isDirectory()) return failed("a folder with this name is there");
    if (!found.isFile()) return failed(`${kindOf(found)} with this name is there`);
    return { kind: found.size === bytes && digestOf(place) === sha256 ? "same" : "other" };
  }, failed);
}

/** What a symlink leads to. Undefined if nobody can tell. */
function targetOf(symlink: string | Buffer): Stats | undefined {
  try {
    return statSync(symlink, { throwIfNoEntry: false });
  } catch (error) {
    if (isOfProcess(error)) throw error;
    return undefined;
  }
}

function digestOf(path: string | Buffer): string {
  const hash = createHash("sha256");
  const file = openSync(path, readOnly);
  try {
    const block = Buffer.allocUnsafeSlow(blockBytes);
    for (let at = 0; ; ) {
      const length = readFully(file, block, at);
      hash.update(block.subarray(0, length));
      at += length;
      if (length < block.length) return hash.digest("hex");
    }
  } finally {
    closeSync(file);
  }
}

export interface WholeFile {
  readonly path: string;
  /** The hidden file in which it is written. */
  readonly part: string;
  readonly bytes: Uint8Array;
}

/** Writes a file as a whole. Its name is durable only when its directory was synced. */
export function writeSmallFile(file: WholeFile, overwrite: boolean): WriteResult {
  return answering<WriteResult>(
    () => writeOnce(file, overwrite) ?? writeOnce(file, overwrite) ?? failedWrite("its hidden file was removed twice"),
    (problem, error) => failedWrite(problem, isFull(error)),
  );
}

/** Undefined if somebody has removed the hidden file meanwhile. */
function writeOnce({ path, part, bytes }: WholeFile, overwrite: boolean): WriteResult | undefined {
  let isMade = false;
  try {
    writePart(part, bytes, overwrite ? replacedMode(path) : undefined);
    isMade = true;
    if (overwrite) renameSync(systemPath(part), systemPath(path));
    else if (!linkNew(part, path)) return { kind: "taken" };
    return { kind: "written" };
  } catch (error) {
    if (isMade && errorCodeOf(error) === "ENOENT" && isGoneFile(part)) return undefined;
    removeQuietly(part);
    throw error;
  }
}

function writePart(part: string, bytes: Uint8Array, mode: number | undefined): void {
  const file = openSync(systemPath(part), "wx", partMode(mode));
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
    setMode(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Whether there is nothing at a path. */
export function isGoneFile(path: string): boolean {
  return lstatSync(systemPath(path), { throwIfNoEntry: false }) === undefined;
}

/** Gives a hidden file its name, unless that is taken; the hidden one goes in any case. Returns whether it did. */
export function linkNew(part: string, path: string): boolean {
  try {
    linkSync(systemPath(part), systemPath(path));
    unlinkSync(systemPath(part));
    return true;
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") {
      removeQuietly(part);
      return false;
    }
    if (!noHardLinkErrnos.includes(errorCodeOf(error) ?? "")) throw error;
  }
  return renameNew(part, path);
}

/** Without hard links an empty file takes the name first and is then replaced. */
function renameNew(part: string, path: string): boolean {
  try {
    closeSync(openSync(systemPath(path), "wx", 0o600));
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") throw error;
    removeQuietly(part);
    return false;
  }
  try {
    renameSync(systemPath(part), systemPath(path));
    return true;
  } catch (error) {
    removeQuietly(path);
    throw error;
  }
}

/** For a file that another error is about. */
function removeQuietly(path: string): void {
  try {
    unlinkSync(systemPath(path));
  } catch {
    // The error that is reported is the other one.
  }
}

function readFully(file: number, into: Buffer, start: number): number {
  let done = 0;
  while (done < into.length) {
    const length = readSync(file, into, done, into.length - done, start + done);
    if (length === 0) break;
    done += length;
  }
  return done;
}

/** As `settledStats` of `open-local-file.ts`: a second change within one tick would not show in the times. */
function settledStats(file: number): BigIntStats {
  const stats = fstatSync(file, { bigint: true });
  const unchangedMs = Date.now() - Number(stats.ctimeMs);
  if (unchangedMs < 0 || unchangedMs >= tickMs) return stats;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, tickMs - unchangedMs);
  return fstatSync(file, { bigint: true });
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

function failed(problem: string) {
  return { kind: "failed", problem } as const;
}

function failedWrite(problem: string, isFullDisk = false): WriteResult {
  return { ...failed(problem), isFull: isFullDisk };
}

/** @throws Error if the process lacks something */
function answering<Answer>(work: () => Answer, fail: (problem: string, error: unknown) => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (isOfProcess(error)) throw error;
    return fail(problemOf(error), error);
  }
}
