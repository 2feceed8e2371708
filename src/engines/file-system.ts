import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
import { platform } from "node:os";
import { dirname } from "node:path";
import { codeOf, engineError } from "./engine-error.js";

/** Bytes `[start, start + length)` of a file, fewer where it ends before; in `into`, where that is given. */
export async function readBytes(
  file: FileHandle,
  start: number,
  length: number,
  into?: Uint8Array,
): Promise<Uint8Array> {
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
 * Writes `parts`, one behind the other, from byte `start` of a file; none of them is empty.
 *
 * @param check throws where no more is to be written
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
    rest = behind(rest, bytesWritten);
  }
}

function behind(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  return parts.flatMap((part) => {
    const rest = part.subarray(Math.min(left, part.length));
    left -= part.length - rest.length;
    return rest.length === 0 ? [] : [rest];
  });
}

/** Writes a small file, or the end of one with flag `a`, and syncs its bytes. Its name is the caller's to sync. */
export async function writeSynced(path: string, flags: string | number, content: string | Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder durable. Windows has no such call, and keeps names in its journal. */
export async function syncFolder(path: string): Promise<void> {
  if (platform() === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What `link` fails with where a file system has no hard links, or not this one. On Windows that is EISDIR. */
export const noHardLinkErrnos: readonly string[] = [
  ...["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV", "EINVAL", "EISDIR"],
];

/*
 * Folders are not made with `recursive`: Node says ENOENT then where the disk is read-only, over its quota or broken,
 * and never comes to an end below /proc.
 */

/** Makes a folder, for its owner alone, where nothing has its name; its own name is the caller's to sync. */
export async function makeIfAbsent(folder: string): Promise<void> {
  await ignoringErrno(["EEXIST"], () => mkdir(folder, { mode: 0o700 }), undefined);
}

/** Makes `path` a durable folder, for its owner alone, with those above it that are missing. */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const above = dirname(path);
  if (above !== path) await makeFolder(above);
  await mkdir(path, { mode: 0o700 }).catch(async (error) => {
    if (!(await isFolder(path))) throw error; // else somebody else has made it
  });
  await syncFolder(above);
}

async function isFolder(path: string): Promise<boolean> {
  const found = await ignoringErrno(["ENOENT"], () => stat(path), undefined);
  return found?.isDirectory() ?? false;
}

/** The result of `attempt`, or `otherwise` where it fails with one of these codes. */
export async function ignoringErrno<Result, Otherwise>(
  codes: readonly string[],
  attempt: () => Promise<Result>,
  otherwise: Otherwise | (() => Promise<Otherwise>),
): Promise<Result | Otherwise> {
  try {
    return await attempt();
  } catch (error) {
    if (!codes.includes(codeOf(error) ?? "")) throw error;
    return typeof otherwise === "function" ? (otherwise as () => Promise<Otherwise>)() : otherwise;
  }
}

/** The same object, its methods failing with the errors of the port. */
export function translated<Port extends object>(port: Port): Port {
  const methods = Object.entries(port).map(([name, value]) => {
    if (typeof value !== "function") return [name, value];
    const method = async (...values: unknown[]) => {
      try {
        return await value.apply(port, values);
      } catch (error) {
        throw engineError(error);
      }
    };
    return [name, method];
  });
  return Object.fromEntries(methods) as Port;
}
