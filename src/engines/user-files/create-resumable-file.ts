import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import type { ExpectedFile, ResumableFile } from "../../store/ports/user-files.js";
import { translatingMethods } from "../engine-error.js";
import { ignoringErrno, readAt, writeParts } from "../file-system.js";
import { newPartName } from "./part-names.js";
import { isFull, isOfProcess, problemOf } from "./problem-of.js";
import { linkNew } from "./small-files.js";
import { systemPath } from "./system-path.js";
import type { TargetFolders } from "./target-folders.js";

/** Begins a large file, or goes on with one. @throws ArtifactError `storage_full`; `invalid_argument` if it cannot be made */
export async function createResumableFile(
  folders: TargetFolders,
  expected: ExpectedFile,
  overwrite: boolean,
): Promise<ResumableFile> {
  const { path, sha256 } = expected;
  const part = join(dirname(path), newPartName(basename(path), sha256));
  try {
    const file = (await takeOver(folders, expected, part)) ?? (await open(systemPath(part), "wx+", 0o666));
    const { size } = await file.stat();
    return resumableFile({ file, part, path, bytes: size }, folders, overwrite);
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/**
 * Goes on with the file of a dead process. It gets a name of this process first, which only one process can give it. If
 * its process still runs on another machine, both write the same bytes to the same places.
 */
async function takeOver(
  folders: TargetFolders,
  { path, bytes, sha256 }: ExpectedFile,
  part: string,
): Promise<FileHandle | undefined> {
  for (const name of folders.leftoversOf(path, sha256)) {
    folders.forgetLeftover(path, name);
    const take = () => rename(systemPath(join(dirname(path), name)), systemPath(part)).then(() => true);
    if (!(await ignoringErrno(["ENOENT"], take, false))) continue; // another process has taken it
    const file = await open(systemPath(part), "r+");
    if ((await file.stat()).size <= bytes) return file;
    await file.close();
    await unlink(systemPath(part));
  }
  return undefined;
}

interface Part {
  readonly file: FileHandle;
  /** Path of the hidden file. */
  readonly part: string;
  readonly path: string;
  readonly bytes: number;
}

function resumableFile({ file, part, path, bytes }: Part, folders: TargetFolders, overwrite: boolean): ResumableFile {
  let length = bytes;
  return translatingMethods<ResumableFile>({
    bytes,
    read: (start, wanted, into) => readAt(file, start, wanted, into),
    async write(block) {
      await writeParts(file, [block], length).catch((error) => {
        throw writeFailure(path, error);
      });
      length += block.length;
    },
    async commit() {
      try {
        await file.sync();
        await file.close(); // some file systems report only now that they had no room
        folders.noteChange(path);
        if (!overwrite) return linkNew(part, path);
        await rename(systemPath(part), systemPath(path));
        return true;
      } catch (error) {
        throw writeFailure(path, error);
      }
    },
    leave: () => file.close(),
    async discard() {
      await file.close();
      await ignoringErrno(["ENOENT"], () => unlink(systemPath(part)), undefined);
    },
  });
}

/** The error of a file that cannot be written. */
function writeFailure(path: string, cause: unknown): unknown {
  if (cause instanceof ArtifactError || isOfProcess(cause)) return cause;
  const code = isFull(cause) ? "storage_full" : "invalid_argument";
  const details = { argument: "path", path };
  return new ArtifactError(code, `${quote(path)} cannot be written: ${problemOf(cause)}.`, { details, cause });
}
