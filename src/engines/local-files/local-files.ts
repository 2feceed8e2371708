import { randomBytes } from "node:crypto";
import { type BigIntStats, constants, type Stats } from "node:fs";
import { type FileHandle, link, lstat, open, rename, unlink } from "node:fs/promises";
import nodePath, { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ArtifactError, type NextStep } from "../../store/model/errors.js";
import type { LocalFile, LocalFiles, LocalTarget } from "../../store/ports/local-files.js";
import { codeOf, engineError } from "../engine-error.js";
import { noHardLinkErrnos, orElse, readBytes, syncFolder, translated, writeParts } from "../file-system.js";
import { type Bounds, confirm, directoryGiven, type Folder, judge, locate, openFolder } from "./confinement.js";
import { checkPath, show } from "./path-rules.js";

/** What most file systems take as one name. */
const maxNameBytes = 255;
/** Longer than the clock of a file system stands still. */
const tickMs = 20;

/** @param forbidden the store's own data directory, absolute: nothing in it is opened or made, whatever is allowed */
export function createLocalFiles({ forbidden }: { readonly forbidden: string }): LocalFiles {
  return translated<LocalFiles>({
    open: (path, allowed) => openFile({ asked: checkPath(nodePath, path, allowed), allowed, forbidden }),
    create: (path, allowed, overwrite) =>
      createTarget({ asked: checkPath(nodePath, path, allowed), allowed, forbidden }, overwrite),
  });
}

async function openFile(bounds: Bounds): Promise<LocalFile> {
  const { asked } = bounds;
  const place = await judge(await locate(asked), bounds);
  try {
    const folder = await openFolder(place);
    try {
      return await openIn(folder, place.path, bounds);
    } finally {
      await folder.close();
    }
  } catch (error) {
    // Where the path was turned to the outside meanwhile, that is all there is to be told.
    await judge(await locate(asked), bounds);
    throw readProblem(asked, error);
  }
}

async function openIn(folder: Folder, path: string, bounds: Bounds): Promise<LocalFile> {
  const name = folder.at(basename(path));
  // Before it is opened: to open a device can be to start it.
  checkRegular(await lstat(name), bounds.asked);
  const file = await open(name, readOnly);
  try {
    checkRegular(await file.stat(), bounds.asked);
    await confirm(file, bounds.asked, folder, bounds);
    return localFile(file, path, await restingStats(file));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Windows knows neither of the two last. */
const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function localFile(file: FileHandle, path: string, opened: BigIntStats): LocalFile {
  return translated<LocalFile>({
    path,
    bytes: Number(opened.size),
    read: (start, length, into) => readBytes(file, start, length, into),
    async isUnchanged() {
      const now = await file.stat({ bigint: true });
      return now.size === opened.size && now.mtimeNs === opened.mtimeNs && now.ctimeNs === opened.ctimeNs;
    },
    close: () => file.close(),
  });
}

/**
 * File times move in ticks: a change in the tick of the one before leaves no trace in them. So a file that was changed
 * just now is left alone for longer than a tick, unless it never rests.
 */
async function restingStats(file: FileHandle): Promise<BigIntStats> {
  for (let tries = 1; ; tries += 1) {
    const stats = await file.stat({ bigint: true });
    const restedMs = Date.now() - Number(stats.ctimeMs);
    if (restedMs < 0 || restedMs >= tickMs || tries === 5) return stats;
    await setTimeout(tickMs - restedMs);
  }
}

function checkRegular(stats: Stats, asked: string): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw directoryGiven(asked);
  throw refused(`${show(asked)} is ${kindOf(stats)}, not a file: give the path of a regular file.`);
}

function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return "a FIFO (named pipe)";
  if (stats.isSocket()) return "a socket";
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return "a device";
  return stats.isSymbolicLink() ? "a symlink that leads to no file" : "something else";
}

async function createTarget(bounds: Bounds, overwrite: boolean): Promise<LocalTarget> {
  const { asked } = bounds;
  const place = async () => judge(join(await locate(dirname(asked)), basename(asked)), bounds);
  const { path, base } = await place();
  let folder: Folder | undefined;
  try {
    folder = await openFolder({ path, base });
    await checkVacant(folder.at(basename(path)), asked, overwrite);
    return await createIn(folder, path, bounds, overwrite);
  } catch (error) {
    await folder?.close();
    await place();
    throw writeProblem(asked, error);
  }
}

async function checkVacant(path: string, asked: string, overwrite: boolean): Promise<void> {
  const found = await orElse(["ENOENT"], () => lstat(path), undefined);
  if (found === undefined) return;
  if (found.isDirectory()) throw directoryGiven(asked);
  if (!overwrite) throw taken(asked);
  if (!found.isFile() && !found.isSymbolicLink()) {
    throw refused(`${show(asked)} is ${kindOf(found)}, which is never replaced. Nothing was written.`, {
      next: "export_elsewhere",
    });
  }
}

async function createIn(folder: Folder, path: string, bounds: Bounds, overwrite: boolean): Promise<LocalTarget> {
  const part = partName(basename(path));
  const file = await open(folder.at(part), "wx", 0o666);
  const partPath = join(dirname(bounds.asked), part);
  const confirmed = (): Promise<void> => confirm(file, partPath, folder, bounds);
  try {
    await confirmed();
    const { dev, ino } = await file.stat({ bigint: true });
    const isOurs = (stats: BigIntStats): boolean => stats.dev === dev && stats.ino === ino;
    return localTarget({ file, folder, path, part, confirmed, isOurs, overwrite, asked: bounds.asked });
  } catch (error) {
    await file.close();
    await removeName(folder.at(part));
    throw error;
  }
}

/** `.<name>.<random>.part`, the name cut so that the whole is no longer than a name may be. */
function partName(name: string): string {
  const end = `.${randomBytes(8).toString("hex")}.part`;
  let cut = name;
  while (Buffer.byteLength(cut) > maxNameBytes - 1 - end.length) cut = [...cut].slice(0, -1).join("");
  return `.${cut}${end}`;
}

interface Draft {
  readonly file: FileHandle;
  readonly folder: Folder;
  readonly path: string;
  readonly part: string;
  readonly confirmed: () => Promise<void>;
  readonly isOurs: (stats: BigIntStats) => boolean;
  readonly overwrite: boolean;
  readonly asked: string;
}

function localTarget(draft: Draft): LocalTarget {
  const { file, folder, path, overwrite, asked } = draft;
  const [part, target] = [folder.at(draft.part), folder.at(basename(path))];
  let length = 0;
  let isOpen = true;
  let isOver = false;

  async function closeFile(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  }

  async function explained(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      throw writeProblem(asked, error);
    }
  }

  return translated<LocalTarget>({
    path,
    async write(bytes) {
      await explained(() => writeParts(file, [bytes], length));
      length += bytes.length;
    },
    commit: () =>
      explained(async () => {
        await file.sync();
        await draft.confirmed();
        await closeFile(); // some file systems tell only now that they had no room
        await (overwrite ? rename(part, target) : nameNew(part, target, asked));
        await syncNames(folder);
        isOver = true;
        await folder.close();
      }),
    async discard() {
      if (isOver) return;
      isOver = true;
      try {
        await removeName(part);
        // What it replaced is gone: whole as it is, it stays.
        if (!overwrite) await removeOurs(target, draft.isOurs);
      } finally {
        await closeFile();
        await folder.close();
      }
    },
  });
}

/** Gives the file its name, unless somebody has it. */
async function nameNew(part: string, target: string, asked: string): Promise<void> {
  try {
    const isLinked = await orElse(noHardLinkErrnos, () => link(part, target).then(() => true), false);
    if (isLinked) return await removeName(part);
    // Without hard links an empty file takes the name first, and is then replaced.
    await (await open(target, "wx", 0o600)).close();
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? taken(asked, error) : error;
  }
  await rename(part, target).catch(async (error) => {
    await removeName(target);
    throw error;
  });
}

/** Where a directory may be written to but not read, or cannot be synced, its file system keeps names as it can. */
async function syncNames(folder: Folder): Promise<void> {
  await orElse(
    ["EACCES", "EPERM", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"],
    () => syncFolder(folder.at(".")),
    undefined,
  );
}

async function removeName(path: string): Promise<void> {
  await orElse(["ENOENT"], () => unlink(path), undefined);
}

async function removeOurs(path: string, isOurs: (stats: BigIntStats) => boolean): Promise<void> {
  const found = await orElse(["ENOENT"], () => lstat(path, { bigint: true }), undefined);
  if (found !== undefined && isOurs(found)) await removeName(path);
}

interface Refusal extends ErrorOptions {
  readonly next?: NextStep;
}

function refused(message: string, options: Refusal = {}): ArtifactError {
  return new ArtifactError("invalid_argument", message, { ...options, details: { argument: "path" } });
}

function taken(asked: string, cause?: unknown): ArtifactError {
  return refused(`${show(asked)} exists already. Nothing was written.`, { next: "export_elsewhere", cause });
}

function readProblem(asked: string, cause: unknown): ArtifactError {
  if (cause instanceof ArtifactError) return cause;
  switch (codeOf(cause)) {
    case "ENOENT":
    case "ENOTDIR":
      return refused(`There is no file ${show(asked)}: check the path.`, { cause });
    case "ELOOP":
      return refused(`${show(asked)} is a symlink that leads to no file: give the path of a regular file.`, { cause });
    case "EACCES":
    case "EPERM":
      return refused(`This server may not read ${show(asked)}: make it readable for the person who runs it.`, {
        cause,
      });
    case "ENXIO":
    case "ENODEV":
      return refused(`${show(asked)} is a socket or a device, not a file: give the path of a regular file.`, { cause });
    case "ENAMETOOLONG":
      return refused(`There is no file ${show(asked)}: its name is too long for one.`, { cause });
    default:
      return engineError(cause);
  }
}

function writeProblem(asked: string, cause: unknown): ArtifactError {
  if (cause instanceof ArtifactError) return cause;
  const parent = show(dirname(asked));
  const elsewhere = { next: "export_elsewhere", cause } as const;
  switch (codeOf(cause)) {
    case "ENOENT":
    case "ENOTDIR":
    case "ELOOP":
      return refused(
        `There is no directory ${parent}. Nothing was written: make it first, or give a path in another directory.`,
        { cause },
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return refused(`This server may not write in ${parent}. Nothing was written.`, elsewhere);
    case "ENAMETOOLONG":
      return refused(
        `The file name in ${show(asked)} is too long. Nothing was written: give one of at most ${maxNameBytes} bytes.`,
        { cause },
      );
    case "EINVAL":
      return refused(`The file system takes no such name as ${show(asked)}. Nothing was written: give another.`, {
        cause,
      });
    case "EISDIR":
    case "ENOTEMPTY":
      return directoryGiven(asked);
    case "ENOSPC":
    case "EDQUOT":
      return noRoom(asked, `There is no room for this file in ${parent}. Nothing was written there.`, cause);
    case "EFBIG":
      return noRoom(asked, `A file in ${parent} cannot be this large (EFBIG). Nothing was written there.`, cause);
    default:
      return engineError(cause);
  }
}

function noRoom(asked: string, message: string, cause: unknown): ArtifactError {
  return new ArtifactError("storage_full", message, { next: "export_elsewhere", details: { path: asked }, cause });
}
