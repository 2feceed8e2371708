import type { RowChange, SmallPiece } from "../../../store/ports/metadata-store.js";

/** A value that SQLite stores. Whole numbers stay integers. A text has no NUL. */
export type SqliteValue = string | number | Uint8Array | null;
export type SqliteRow = Readonly<Record<string, unknown>>;

/** One `change` of the metadata port. */
export interface StoreChange {
  readonly rows: readonly RowChange[];
  readonly put: readonly SmallPiece[];
  readonly drop: readonly string[];
}

/**
 * One connection to a database file. Requests run one at a time, in the order of the calls. The file may be opened
 * anew between two of them, so a transaction cannot span several calls.
 */
export interface SqliteConnection {
  /**
   * Runs one statement; its rows. A statement is compiled once and used again.
   *
   * While another process holds the lock that it needs, the statement is tried again, up to `busyTimeoutMs`.
   *
   * @param sql with parameters `?`, or `$1`, `$2`, ...
   * @throws SqliteError; SqliteThreadError if it is not known whether the statement ran
   */
  all<Row = SqliteRow>(sql: string, values?: readonly SqliteValue[]): Promise<Row[]>;
  /**
   * Makes a batch of changes in one transaction, one after the other: each is made only if all its rows match, and sees
   * what those before it have made.
   *
   * @param logPages the write-ahead log is moved into the database when a commit leaves it with this many pages
   * @returns for each change, whether it was made
   * @throws SqliteError, SqliteThreadError: it is not known whether the changes were made
   */
  change(batch: readonly StoreChange[], logPages: number): Promise<boolean[]>;
  /** How long a statement waits for other processes, in milliseconds. */
  setBusyTimeout(ms: number): Promise<void>;
  /** Runs what was asked for before, then closes. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** A missing file is an error (`SQLITE_CANTOPEN`), and is not created. */
  readonly mustExist?: boolean;
  /** What `identityOf` has answered for the file; a path that leads to another one is an error (`SQLITE_MOVED`). */
  readonly identity?: string | undefined;
  /** 0 unless given. */
  readonly busyTimeoutMs?: number;
  /** What the connection is set to before its first statement, like `synchronous=FULL`. */
  readonly pragmas?: readonly string[];
}
