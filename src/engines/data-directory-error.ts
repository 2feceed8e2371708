import { dataFormat } from "./disk/format-file.js";
import { errorCodeOf } from "./engine-error.js";

/** The data directory cannot be used. The message is one line that says what to do. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
}

/** Runs `attempt`. Its errors become errors of the data directory, with the original error as their cause. */
export async function withDirectoryErrors<Result>(root: string, attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (cause) {
    throw new DataDirectoryError(directoryProblem(root, errorCodeOf(cause), cause), { cause });
  }
}

function directoryProblem(root: string, code: string | undefined, cause: unknown): string {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `The data directory ${root} is not writable: make it writable, or give another data directory.`;
    case "EROFS":
      return `The data directory ${root} is on a read-only disk, and SQLite has to write beside its database to read it: mount the disk writable, or copy the directory to a writable place and give the copy.`;
    case "ENOTDIR":
      return `The data directory ${root} is below a file: give another data directory.`;
    case "ENOSPC":
    case "EDQUOT":
      return `The data directory ${root} cannot be set up because the disk is full: make room, then start again.`;
    default:
      return `The data directory ${root} cannot be used (${firstLine(cause)}): give another data directory.`;
  }
}

/** The error for a database that cannot be opened. */
export function databaseError(file: string, cause: unknown): DataDirectoryError {
  return new DataDirectoryError(databaseProblem(file, errorCodeOf(cause), cause), { cause });
}

function databaseProblem(file: string, code: string | undefined, cause: unknown): string {
  switch (code) {
    case "SQLITE_NOTADB":
    case "SQLITE_CORRUPT":
      return `${file} is damaged and was not changed: restore it from a backup, or give another data directory.`;
    case "SQLITE_CANTOPEN":
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
      return `${file} cannot be opened for writing: check that it is a file and belongs to you, or give another data directory.`;
    case "SQLITE_FULL":
      return `${file} cannot be opened because the disk is full: make room, then start again.`;
    case "SQLITE_BUSY":
      return `${file} is locked by another program: end that program, or give another data directory.`;
    default:
      return `${file} cannot be opened (${firstLine(cause)}): check the disk, or give another data directory.`;
  }
}

/** The error for a data directory of another format. */
export function formatError(root: string, format: string): DataDirectoryError {
  const ours = `and this program reads format ${dataFormat}`;
  if (!/^\d{1,9}$/.test(format)) {
    return new DataDirectoryError(
      `The data directory ${root} has an unreadable format, ${ours}: restore its file "format" from a backup, or give another data directory.`,
    );
  }
  if (Number(format) > Number(dataFormat)) {
    return new DataDirectoryError(
      `The data directory ${root} has format ${format}, ${ours}: use the newer version of artifacts-mcp that wrote it, or give another data directory.`,
    );
  }
  return new DataDirectoryError(
    `The data directory ${root} has format ${format} of an earlier preview, ${ours}: export what you need with the version that wrote it, or give another data directory.`,
  );
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
