import { ArtifactError, type ErrorCode, type NextStep } from "../store/model/errors.js";

interface Meaning {
  readonly code: ErrorCode;
  readonly next: NextStep;
  readonly message: string;
}

/** What errnos and SQLite result codes mean to a caller. All others mean `unknownMeaning`. */
const meanings: Readonly<Record<string, Meaning>> = {
  ...forCodes(["ENOSPC", "EDQUOT", "SQLITE_FULL"], {
    code: "storage_full",
    next: "make_room",
    message: "The disk is full, and this call was not completed. What was acknowledged is safe.",
  }),
  ...forCodes(["EROFS", "SQLITE_READONLY", "EACCES", "EPERM"], {
    code: "read_only",
    next: "make_writable",
    message: "The directory of the store is not writable. Reading still works.",
  }),
  ...forCodes(["EFBIG"], {
    code: "storage_full",
    next: "move_store",
    message: "The file system of the store does not take a file of this size. What was acknowledged is safe.",
  }),
  ...forCodes(["SQLITE_CORRUPT", "SQLITE_NOTADB"], {
    code: "corrupt",
    next: "restore_backup",
    message: "The metadata database is damaged. Nothing was changed.",
  }),
  ...forCodes(["SQLITE_BUSY", "SQLITE_LOCKED"], {
    code: "internal",
    next: "call_again",
    message: "The store is very busy. Nothing was lost.",
  }),
  ...forCodes(["EIO", "SQLITE_IOERR"], {
    code: "internal",
    next: "check_disk",
    message: "The disk failed to read or to write. What was acknowledged is safe.",
  }),
  ...forCodes(["SQLITE_CANTOPEN"], {
    code: "internal",
    next: "raise_file_limit",
    message:
      "The metadata database could not be opened: its directory is gone, or too many files are open. What was acknowledged is safe.",
  }),
  ...forCodes(["SQLITE_THREAD_ENDED"], {
    code: "internal",
    next: "look_then_call_again",
    message:
      "The thread that writes the metadata has ended, and another one will be started. It is not known whether this change was made.",
  }),
  ...forCodes(["EMFILE", "ENFILE"], {
    code: "internal",
    next: "raise_file_limit",
    message: "Too many files are open. What was acknowledged is safe.",
  }),
};

const unknownMeaning: Meaning = {
  code: "internal",
  next: "call_again",
  message: "The store failed for an unknown reason. The cause is in its log. What was acknowledged is safe.",
};

function forCodes(codes: readonly string[], meaning: Meaning): Record<string, Meaning> {
  return Object.fromEntries(codes.map((code) => [code, meaning]));
}

/** The errno or SQLite result code of an error, like `ENOENT` or `SQLITE_BUSY`. */
export function errorCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/**
 * The error of the port for an engine's error, with that one as its `cause`. An `ArtifactError` is returned as it is.
 */
export function toArtifactError(cause: unknown): ArtifactError {
  if (cause instanceof ArtifactError) return cause;
  const errorCode = errorCodeOf(cause);
  const { code, next, message } = meanings[errorCode ?? ""] ?? unknownMeaning;
  const isNamed = errorCode === "EFBIG" || errorCode === "EPERM";
  return new ArtifactError(code, isNamed ? `${message} (${errorCode})` : message, { next, cause });
}

/** Runs `work`. @throws ArtifactError for every error of it */
export async function translatingErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toArtifactError(error);
  }
}

/** A copy of an object whose methods throw an `ArtifactError` for every error. */
export function translatingMethods<Port extends object>(port: Port): Port {
  const members = Object.entries(port).map(([name, value]) => {
    if (typeof value !== "function") return [name, value];
    const method = async (...values: unknown[]) => {
      try {
        return await value.apply(port, values);
      } catch (error) {
        throw toArtifactError(error);
      }
    };
    return [name, method];
  });
  return Object.fromEntries(members) as Port;
}
