import { ArtifactError } from "../../store/model/errors.js";
import { errorCodeOf, toArtifactError } from "../engine-error.js";

/** What errnos mean for the folder of a backup. The general texts speak of the store's own disk. */
const meanings: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full. Make room, and run the same command again: it continues",
  EDQUOT: "the quota of the disk is used up. Make room, and run the same command again: it continues",
  EROFS: "the disk is read-only",
  EACCES: "this user has no permission",
  EPERM: "this user has no permission",
  EIO: "the disk failed to read or to write",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
};

/** Runs work on the files of a backup. @throws ArtifactError that names the backup */
export async function withBackupErrors<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ArtifactError) throw cause;
    const { code } = toArtifactError(cause);
    const errno = errorCodeOf(cause);
    const what = meanings[errno ?? ""] ?? `it failed (${errno ?? String(cause)})`;
    throw new ArtifactError(code, `The backup in ${path} cannot be used: ${what}.`, { cause });
  }
}

/** The folder cannot be the one of a backup. @param why the rest of a sentence that begins with the path */
export function refusedFolder(path: string, why: string): ArtifactError {
  return new ArtifactError("invalid_argument", `${path} ${why}`, { details: { path } });
}
