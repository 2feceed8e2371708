import type { BigIntStats, Stats } from "node:fs";
import { constants, type FileHandle, lstat, open } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { LocalFile } from "../../store/ports/local-files.js";
import { translatingMethods } from "../engine-error.js";
import { readAt } from "../file-system.js";
import { authorize, type PathRequest, recheck, resolvePath } from "./confinement.js";
import { type Folder, openFolder } from "./folder.js";
import { directoryError, invalidPath, kindOf, readError } from "./local-file-errors.js";
import { quotePath } from "./quote-path.js";

/** Longer than one tick of the clock that a file system takes its times from. */
const tickMs = 20;
const maxTries = 5;

/** Opens a regular file to read it. @throws ArtifactError as `LocalFiles.open` */
export async function openLocalFile(request: PathRequest): Promise<LocalFile> {
  const { requested } = request;
  const authorized = await authorize(await resolvePath(requested), request);
  try {
    const folder = await openFolder(authorized);
    try {
      return await openIn(folder, authorized.path, request);
    } finally {
      await folder.close();
    }
  } catch (error) {
    // If the path leads outside now, the error must say only that.
    await authorize(await resolvePath(requested), request);
    throw readError(requested, error);
  }
}

async function openIn(folder: Folder, path: string, request: PathRequest): Promise<LocalFile> {
  const name = folder.pathOf(basename(path));
  checkRegular(await lstat(name), request.requested); // before it is opened: opening a device can start it
  const file = await open(name, readOnly);
  try {
    checkRegular(await file.stat(), request.requested);
    await recheck(file, request.requested, folder, request);
    return await localFileOf(file, path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Windows has neither O_NOFOLLOW nor O_NONBLOCK. */
const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function checkRegular(stats: Stats, requested: string): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw directoryError(requested);
  throw invalidPath(`${quotePath(requested)} is ${kindOf(stats)}, not a file: give the path of a regular file.`);
}

/** An open regular file. The result closes it. */
export async function localFileOf(file: FileHandle, path: string): Promise<LocalFile> {
  const opened = await settledStats(file);
  return translatingMethods<LocalFile>({
    path,
    bytes: Number(opened.size),
    read: (start, length, into) => readAt(file, start, length, into),
    async isUnchanged() {
      const now = await file.stat({ bigint: true });
      return now.size === opened.size && now.mtimeNs === opened.mtimeNs && now.ctimeNs === opened.ctimeNs;
    },
    close: () => file.close(),
  });
}

/**
 * The stats of a file that has not changed for longer than a tick. File times move in ticks, so a second change within
 * one tick would not show in them. If the file keeps changing, this gives up after five tries.
 */
async function settledStats(file: FileHandle): Promise<BigIntStats> {
  for (let tries = 1; ; tries += 1) {
    const stats = await file.stat({ bigint: true });
    const unchangedMs = Date.now() - Number(stats.ctimeMs);
    if (unchangedMs < 0 || unchangedMs >= tickMs || tries === maxTries) return stats;
    await setTimeout(tickMs - unchangedMs);
  }
}
