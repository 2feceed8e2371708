import { ArtifactError, type ErrorCode, type NextStep } from "../store/model/errors.js";

interface Meaning {
  readonly code: ErrorCode;
  readonly next: NextStep;
  readonly message: string;
}

/** What an errno or an SQLite result code means to a caller; everything else is `internal`. */
const meanings: Readonly<Record<string, Meaning>> = {
  ...same(["ENOSPC", "EDQUOT", "SQLITE_FULL"], {
    code: "storage_full",
    next: "make_room",
    message: "The disk is full, and this call was not completed. What was acknowledged is safe.",
  }),
  ...same(["EROFS", "SQLITE_READONLY", "EACCES", "EPERM"], {
    code: "read_only",
    next: "make_writable",
    message: "The store's directory cannot be written to. Reading works.",
  }),
  ...same(["EFBIG"], {
    code: "storage_full",
    next: "move_store",
    message: "The file system of the store takes no file of this size. What was acknowledged is safe.",
  }),
  ...same(["SQLITE_CORRUPT", "SQLITE_NOTADB"], {
    code: "corrupt",
    next: "restore_backup",
    message: "The metadata database is damaged. Nothing was changed.",
  }),
  ...same(["SQLITE_BUSY", "SQLITE_LOCKED"], {
    code: "internal",
    next: "call_again",
    message: "The store is very busy. Nothing was lost.",
  }),
  ...same(["EIO", "SQLITE_IOERR"], {
    code: "internal",
    next: "check_disk",
    message: "The disk failed to read or to write. What was acknowledged is safe.",
  }),
  ...same(["SQLITE_CANTOPEN"], {
    code: "internal",
    next: "raise_file_limit",
    message:
      "The metadata database could not be opened: its directory is gone, or too many files are open. What was acknowledged is safe.",
  }),
  ...same(["SQLITE_THREAD_ENDED"], {
    code: "internal",
    next: "look_then_call_again",
    message:
      "The thread that writes the metadata has ended; another one is started. It is not known whether this change was made.",
  }),
  ...same(["EMFILE", "ENFILE"], {
    code: "internal",
    next: "raise_file_limit",
    message: "Too many files are open. What was acknowledged is safe.",
  }),
};

const unknownMeaning: Meaning = {
  code: "internal",
  next: "call_again",
  message: "The store failed in a way that it does not know; its log has the cause. What was acknowledged is safe.",
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
  const { code, next, message } = meanings[codeOf(cause) ?? ""] ?? unknownMeaning;
  const name = codeOf(cause);
  return new ArtifactError(code, name === "EFBIG" || name === "EPERM" ? `${message} (${name})` : message, {
    next,
    cause,
  });
}
