import { ArtifactError, type ErrorCode } from "../store/errors.js";

/** What an errno or an SQLite result code means to a caller; everything else is `internal`. */
const meanings: Readonly<Record<string, { code: ErrorCode; message: string }>> = {
  ...same(["ENOSPC", "EDQUOT", "SQLITE_FULL"], {
    code: "storage_full",
    message:
      "The disk is full, and this call did not come to its end. What was acknowledged is safe. Delete artifacts with delete_artifact or abort uploads, then make the same call again; the person who runs this server can make room.",
  }),
  ...same(["EROFS", "SQLITE_READONLY", "EACCES", "EPERM"], {
    code: "read_only",
    message:
      "The data directory cannot be written to. Reading works; the person who runs this server has to make it writable.",
  }),
  ...same(["SQLITE_CORRUPT", "SQLITE_NOTADB"], {
    code: "corrupt",
    message:
      "The metadata database is damaged. Nothing was changed; the person who runs this server has to restore metadata.sqlite from a backup.",
  }),
  ...same(["SQLITE_BUSY", "SQLITE_LOCKED"], {
    code: "internal",
    message: "The store is very busy. Nothing was lost: make the same call again.",
  }),
  ...same(["EIO", "SQLITE_IOERR"], {
    code: "internal",
    message:
      "The disk failed to read or to write. What was acknowledged is safe: make the same call again. If it stays, the person who runs this server has to look at the disk: it may be damaged, or have become read-only.",
  }),
  ...same(["SQLITE_CANTOPEN"], {
    code: "internal",
    message:
      "The metadata database could not be opened: its directory is gone, or too many files are open. What was acknowledged is safe: make the same call again in a moment. If it stays, the person who runs this server has to look at the data directory and at its limit of open files (ulimit -n).",
  }),
  ...same(["SQLITE_THREAD_ENDED"], {
    code: "internal",
    message:
      "The thread that writes the metadata has ended, and another one is started. It is not known whether this change was made: look at what is stored now, then make the same call again if it is not there.",
  }),
  ...same(["EMFILE", "ENFILE"], {
    code: "internal",
    message:
      "Too many files are open. What was acknowledged is safe: make the same call again in a moment. If it stays, complete or abort uploads that are open; the person who runs this server can raise its limit of open files (ulimit -n).",
  }),
};

function same<Value>(names: readonly string[], value: Value): Record<string, Value> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

/** The errno or SQLite code of an error, `ENOENT` or `SQLITE_BUSY`. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** The engine's error as the port's callers know it, the original as its `cause`. */
export function engineError(cause: unknown): ArtifactError {
  if (cause instanceof ArtifactError) return cause;
  const { code, message } = meanings[codeOf(cause) ?? ""] ?? {
    code: "internal",
    message: "The store failed in a way it does not know; its log says how. What was acknowledged is safe: try again.",
  };
  return new ArtifactError(code, message, {}, { cause });
}
