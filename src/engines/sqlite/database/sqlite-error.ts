/** An error of SQLite as it can be sent to another thread. */
export interface SqliteFailure {
  /** The name of SQLite's primary result code, like `SQLITE_BUSY`. */
  readonly code: string;
  readonly message: string;
}

/** An error of SQLite. */
export class SqliteError extends Error {
  override readonly name = "SqliteError";
  /** The name of SQLite's primary result code, like `SQLITE_BUSY`. */
  readonly code: string;

  constructor({ code, message }: SqliteFailure, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The thread ended before it answered. It is not known whether a change was made: it may have been committed before the
 * thread ended.
 */
export class SqliteThreadError extends Error {
  override readonly name = "SqliteThreadError";
  readonly code = "SQLITE_THREAD_ENDED";
}

/** Primary result codes by number: https://sqlite.org/rescode.html */
const codes = [
  "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL",
  "EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB",
].flatMap((names) => names.split(" "));

/**
 * The texts of `sqlite3_errstr` for the codes of statements. They are needed if a driver does not report the code. The
 * full-text tables have texts of their own, and report some damage as an error without a code.
 */
const texts: readonly (readonly [text: string, code: string])[] = [
  ["database is locked", "BUSY"],
  ["database table is locked", "LOCKED"],
  ["constraint failed", "CONSTRAINT"],
  ["database or disk is full", "FULL"],
  ["attempt to write a readonly database", "READONLY"],
  ["unable to open database", "CANTOPEN"],
  ["file is not a database", "NOTADB"],
  ["database disk image is malformed", "CORRUPT"],
  ["fts5: corruption", "CORRUPT"],
  ["invalid fts5 file format", "CORRUPT"],
  ["disk I/O error", "IOERR"],
  ["out of memory", "NOMEM"],
  ["locking protocol", "PROTOCOL"],
  ["database schema has changed", "SCHEMA"],
  ["string or blob too big", "TOOBIG"],
  ["datatype mismatch", "MISMATCH"],
  ["interrupted", "INTERRUPT"],
];

/** The failure for an error that a driver has thrown. */
export function failureOf(error: unknown): SqliteFailure {
  const { errcode, code, message = String(error) } = error as ThrownByDriver;
  const reported = typeof errcode === "number" ? codes[errcode & 0xff] : undefined;
  const name = reported === "ERROR" ? undefined : reported;
  // ERR_SQLITE_ERROR without a number comes from `all` of @photostructure/sqlite; any other code is a misuse of the
  // API.
  const guessed =
    code === "ERR_SQLITE_ERROR" ? (texts.find(([text]) => message.includes(text))?.[1] ?? "ERROR") : "MISUSE";
  const full = `SQLITE_${name ?? guessed}`;
  return { code: full, message: `${full}: ${message}` };
}

interface ThrownByDriver {
  /** Extended result code; its low byte is the primary one. */
  readonly errcode?: unknown;
  readonly code?: unknown;
  readonly message?: string;
}
