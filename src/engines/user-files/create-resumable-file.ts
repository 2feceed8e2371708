import { constants, type FileHandle, lstat, open, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import type { CommitResult, ExpectedFile, ResumableFile } from "../../store/ports/user-files.js";
import { errorCodeOf, translatingMethods } from "../engine-error.js";
import { readAt, writeParts } from "../file-system.js";
import { isLeft, isOwnFile, orUndefined, removePart } from "./leftover-parts.js";
import { newPartName, readPartName } from "./part-names.js";
import { isFull, isOfProcess, problemOf } from "./problem-of.js";
import { partMode, replacedMode, setMode } from "./replaced-mode.js";
import { isGoneFile, linkNew } from "./small-files.js";
import { systemPath } from "./system-path.js";
import type { TargetFolders } from "./target-folders.js";

/** Windows has neither O_NOFOLLOW nor O_NONBLOCK. */
const existingFile = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Begins a large file, or goes on with one. @throws ArtifactError `storage_full`; `invalid_argument` if it cannot be made */
export async function createResumableFile(
  folders: TargetFolders,
  expected: ExpectedFile,
  overwrite: boolean,
): Promise<ResumableFile> {
  const { path, sha256 } = expected;
  try {
    const { file, part } = (await takeOver(folders, expected)) ?? (await newPart(path, sha256, overwrite));
    const { size } = await file.stat();
    return resumableFile({ file, part, path, bytes: size }, folders, overwrite);
  } catch (error) {
    throw writeFailure(path, error);
  }
}

interface OpenPart {
  readonly file: FileHandle;
  /** Path of the hidden file. */
  readonly part: string;
}

async function newPart(path: string, sha256: string, overwrite: boolean): Promise<OpenPart> {
  const part = join(dirname(path), newPartName(basename(path), sha256));
  const mode = partMode(overwrite ? replacedMode(path) : undefined);
  return { file: await open(systemPath(part), "wx+", mode), part };
}

/** Goes on with the file of a process that has ended. What cannot be taken over is left alone. */
async function takeOver(folders: TargetFolders, expected: ExpectedFile): Promise<OpenPart | undefined> {
  const { path, bytes, sha256 } = expected;
  for (const name of folders.leftoversOf(path, sha256)) {
    const left = join(dirname(path), name);
    const named = readPartName(name);
    if (named === undefined || !(await isLeft(left, named))) continue;
    const part = join(dirname(path), newPartName(basename(path), sha256));
    const file = await openPart(left, part, bytes);
    if (file === undefined) continue; // `removeLeftovers` removes it later, if it may
    folders.forgetLeftover(path, name);
    return { file, part };
  }
  return undefined;
}

/**
 * Opens a file that was left, and renames it to a name of this process, which only one process can do. If its writer
 * still lives after all, both write the same bytes to the same places.
 */
async function openPart(left: string, part: string, maxBytes: number): Promise<FileHandle | undefined> {
  const file = await orUndefined(() => open(systemPath(left), existingFile));
  if (file === undefined) return undefined;
  const opened = await file.stat();
  if (isOwnFile(opened) && opened.nlink === 1 && opened.size <= maxBytes) {
    const take = () => rename(systemPath(left), systemPath(part)).then(() => lstat(systemPath(part)));
    const taken = await orUndefined(take);
    if (taken?.ino === opened.ino && taken.dev === opened.dev) return file;
  }
  await file.close();
  return undefined;
}

interface Part extends OpenPart {
  readonly path: string;
  readonly bytes: number;
}

function resumableFile({ file, part, path, bytes }: Part, folders: TargetFolders, overwrite: boolean): ResumableFile {
  let length = bytes;
  return translatingMethods<ResumableFile>({
    bytes,
    async read(start, wanted, into) {
      return readAt(file, start, wanted, into).catch((error) => {
        throw writeFailure(path, error);
      });
    },
    async write(block) {
      await writeParts(file, [block], length).catch((error) => {
        throw writeFailure(path, error);
      });
      length += block.length;
    },
    async commit() {
      try {
        if (overwrite) setMode(file.fd, replacedMode(path));
        await file.sync();
        await file.close(); // some file systems report only now that they had no room
        folders.noteChange(path);
        return await publish(part, path, overwrite);
      } catch (error) {
        await orUndefined(() => file.close());
        if (!isFull(error)) await removePart(part); // after a full disk, the next get goes on with it
        throw writeFailure(path, error);
      }
    },
    async leave() {
      await orUndefined(() => file.close()); // another error is reported
    },
    async discard() {
      await orUndefined(() => file.close());
      await removePart(part);
    },
  });
}

async function publish(part: string, path: string, overwrite: boolean): Promise<CommitResult> {
  try {
    if (!overwrite) return linkNew(part, path) ? "written" : "taken";
    await rename(systemPath(part), systemPath(path));
    return "written";
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT" || !isGoneFile(part)) throw error;
    return "lost";
  }
}

/** The error of a file that cannot be written. */
function writeFailure(path: string, cause: unknown): unknown {
  if (cause instanceof ArtifactError || isOfProcess(cause)) return cause;
  const code = isFull(cause) ? "storage_full" : "invalid_argument";
  const details = { argument: "path", path };
  return new ArtifactError(code, `${quote(path)} cannot be written: ${problemOf(cause)}.`, { details, cause });
}
