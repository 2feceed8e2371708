import { randomBytes } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, link, lstat, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { LocalTarget } from "../../store/ports/local-files.js";
import { errorCodeOf, translatingMethods } from "../engine-error.js";
import { ignoringErrno, noHardLinkErrnos, syncFolder, writeParts } from "../file-system.js";
import { authorize, type PathRequest, recheck, resolvePath } from "./confinement.js";
import { type Folder, openFolder } from "./folder.js";
import { directoryError, invalidPath, kindOf, maxNameBytes, nameTaken, writeError } from "./local-file-errors.js";
import { quotePath } from "./quote-path.js";

/**
 * Begins a file. Until `commit`, its bytes are in a hidden file in the same directory.
 *
 * @throws ArtifactError as `LocalFiles.create`
 */
export async function createLocalTarget(request: PathRequest, overwrite: boolean): Promise<LocalTarget> {
  const { requested } = request;
  // Only the directory is resolved: a symlink with the name of the file is replaced, not followed.
  const authorizePath = async () =>
    authorize(join(await resolvePath(dirname(requested)), basename(requested)), request);
  const authorized = await authorizePath();
  const { path } = authorized;
  let folder: Folder | undefined;
  try {
    folder = await openFolder(authorized);
    await checkName(folder.pathOf(basename(path)), requested, overwrite);
    return await createIn(folder, path, request, overwrite);
  } catch (error) {
    await folder?.close();
    await authorizePath(); // if the path leads outside now, the error must say only that
    throw writeError(requested, error);
  }
}

/** Checks that the name is free, or that its entry may be replaced. @throws ArtifactError `invalid_argument` */
export async function checkName(path: string, requested: string, overwrite: boolean): Promise<void> {
  const found = await ignoringErrno(["ENOENT"], () => lstat(path), undefined);
  if (found === undefined) return;
  if (found.isDirectory()) throw directoryError(requested);
  if (!overwrite) throw nameTaken(requested);
  if (!found.isFile() && !found.isSymbolicLink()) {
    const message = `${quotePath(requested)} is ${kindOf(found)}, which is never replaced. Nothing was written.`;
    throw invalidPath(message, { next: "export_elsewhere" });
  }
}

/** A hidden file that becomes the target. */
interface PartFile {
  readonly file: FileHandle;
  readonly folder: Folder;
  /** Its name in the folder. */
  readonly name: string;
  /** Checks the path of the hidden file again. */
  readonly recheck: () => Promise<void>;
  readonly isSame: (stats: BigIntStats) => boolean;
}

async function createIn(folder: Folder, path: string, request: PathRequest, overwrite: boolean): Promise<LocalTarget> {
  const name = partName(basename(path));
  const file = await open(folder.pathOf(name), "wx", 0o666);
  const partPath = join(dirname(request.requested), name);
  const recheckPart = (): Promise<void> => recheck(file, partPath, folder, request);
  try {
    await recheckPart();
    const { dev, ino } = await file.stat({ bigint: true });
    const isSame = (stats: BigIntStats): boolean => stats.dev === dev && stats.ino === ino;
    return localTarget({ file, folder, name, recheck: recheckPart, isSame }, path, request.requested, overwrite);
  } catch (error) {
    await file.close();
    await removeFile(folder.pathOf(name));
    throw error;
  }
}

/** `.<name>.<random>.part`. The name is cut so that the result is not longer than a file name may be. */
function partName(name: string): string {
  const end = `.${randomBytes(8).toString("hex")}.part`;
  let cut = name;
  while (Buffer.byteLength(cut) > maxNameBytes - 1 - end.length) cut = [...cut].slice(0, -1).join("");
  return `.${cut}${end}`;
}

function localTarget(part: PartFile, path: string, requested: string, overwrite: boolean): LocalTarget {
  const { file, folder } = part;
  const partPath = folder.pathOf(part.name);
  const targetPath = folder.pathOf(basename(path));
  let length = 0;
  let isOpen = true;
  let isFinished = false;

  async function closeFile(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  }

  async function withWriteErrors(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      throw writeError(requested, error);
    }
  }

  return translatingMethods<LocalTarget>({
    path,
    async write(bytes) {
      await withWriteErrors(() => writeParts(file, [bytes], length));
      length += bytes.length;
    },
    commit: () =>
      withWriteErrors(async () => {
        await file.sync();
        await part.recheck();
        await closeFile(); // some file systems report only now that they had no room
        await (overwrite ? rename(partPath, targetPath) : linkNew(partPath, targetPath, requested));
        await syncNames(folder);
        isFinished = true;
        await folder.close();
      }),
    async discard() {
      if (isFinished) return;
      isFinished = true;
      try {
        await removeFile(partPath);
        // With `overwrite` a whole target stays: the file that it has replaced is gone.
        if (!overwrite) await removeIf(targetPath, part.isSame);
      } finally {
        await closeFile();
        await folder.close();
      }
    },
  });
}

/** Gives the hidden file its final name. @throws ArtifactError if the name is taken */
async function linkNew(partPath: string, targetPath: string, requested: string): Promise<void> {
  try {
    const isLinked = await ignoringErrno(noHardLinkErrnos, () => link(partPath, targetPath).then(() => true), false);
    if (isLinked) return await removeFile(partPath);
    // Without hard links an empty file takes the name first and is then replaced.
    await (await open(targetPath, "wx", 0o600)).close();
  } catch (error) {
    throw errorCodeOf(error) === "EEXIST" ? nameTaken(requested, error) : error;
  }
  await rename(partPath, targetPath).catch(async (error) => {
    await removeFile(targetPath);
    throw error;
  });
}

/**
 * Syncs the names in a directory. If it cannot be read or synced, they are as durable as its file system makes them.
 */
export async function syncNames(folder: Folder): Promise<void> {
  const errnos = ["EACCES", "EPERM", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];
  await ignoringErrno(errnos, () => syncFolder(folder.pathOf(".")), undefined);
}

async function removeFile(path: string): Promise<void> {
  await ignoringErrno(["ENOENT"], () => unlink(path), undefined);
}

async function removeIf(path: string, matches: (stats: BigIntStats) => boolean): Promise<void> {
  const found = await ignoringErrno(["ENOENT"], () => lstat(path, { bigint: true }), undefined);
  if (found !== undefined && matches(found)) await removeFile(path);
}
