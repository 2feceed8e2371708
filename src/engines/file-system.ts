import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
import { platform } from "node:os";
import { dirname } from "node:path";
import { errorCodeOf } from "./engine-error.js";

/**
 * Reads bytes `[start, start + length)` of a file, fewer if the file ends before.
 *
 * @param into a buffer to read them into; a new one by default
 */
export async function readAt(file: FileHandle, start: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
  const bytes = into ?? Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

/**
 * Writes `parts` one after the other, beginning at byte `start` of a file. No part may be empty.
 *
 * @param check called before each write; throws if nothing more may be written
 */
export async function writeParts(
  file: FileHandle,
  parts: readonly Uint8Array[],
  start: number,
  check = (): void => undefined,
): Promise<void> {
  let at = start;
  for (let rest = parts; rest.length > 0; ) {
    check();
    const { bytesWritten } = await file.writev(rest, at);
    at += bytesWritten;
    rest = withoutFirst(rest, bytesWritten);
  }
}

/** The parts without their first `bytes` bytes. */
function withoutFirst(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  return parts.flatMap((part) => {
    const rest = part.subarray(Math.min(left, part.length));
    left -= part.length - rest.length;
    return rest.length === 0 ? [] : [rest];
  });
}

/** Writes a small file and syncs its bytes; with flag `a` it appends. The caller has to sync the name of the file. */
export async function writeSynced(path: string, flags: string | number, content: string | Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder durable. Windows has no such call; it keeps names in its journal. */
export async function syncFolder(path: string): Promise<void> {
  if (platform() === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The errnos of `link` if a file system has no hard links or cannot make this one. EISDIR is for Windows. */
export const noHardLinkErrnos: readonly string[] =
  "EPERM EACCES ENOTSUP EOPNOTSUPP ENOSYS EMLINK EXDEV EINVAL EISDIR".split(" ");

/*
 * Folders are not made with `recursive`. With it, Node reports ENOENT if the disk is read-only, over its quota or
 * broken, and never returns below /proc.
 */

/** Makes a folder for its owner alone, unless the name is taken. The caller has to sync the name of the folder. */
export async function makeIfAbsent(folder: string): Promise<void> {
  await ignoringErrno(["EEXIST"], () => mkdir(folder, { mode: 0o700 }), undefined);
}

/** Durably makes a folder for its owner alone, and the missing folders above it. */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const above = dirname(path);
  if (above !== path) await makeFolder(above);
  await mkdir(path, { mode: 0o700 }).catch(async (error) => {
    if (!(await isFolder(path))) throw error; // otherwise another process has made it
  });
  await syncFolder(above);
}

async function isFolder(path: string): Promise<boolean> {
  const found = await ignoringErrno(["ENOENT"], () => stat(path), undefined);
  return found?.isDirectory() ?? false;
}

/** The result of `attempt`. If it fails with one of these errnos, the result is `otherwise`. */
export async function ignoringErrno<Result, Otherwise>(
  errnos: readonly string[],
  attempt: () => Promise<Result>,
  otherwise: Otherwise | (() => Promise<Otherwise>),
): Promise<Result | Otherwise> {
  try {
    return await attempt();
  } catch (error) {
    if (!errnos.includes(errorCodeOf(error) ?? "")) throw error;
    return typeof otherwise === "function" ? (otherwise as () => Promise<Otherwise>)() : otherwise;
  }
}
