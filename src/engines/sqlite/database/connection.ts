import type { RowChange, SmallPiece } from "../../../store/ports/metadata-store.js";
import type { IndexWork } from "../index/maintain-index.js";

/** A value that SQLite stores. Whole numbers are stored as integers. A text must not contain NUL. */
export type SqliteValue = string | number | Uint8Array | null;
export type SqliteRow = Readonly<Record<string, unknown>>;

/** Runs one statement of a transaction and returns its rows. */
export type Query = <Row = SqliteRow>(sql: string, values?: readonly SqliteValue[]) => Row[];

/** The arguments of one `MetadataStore.change`. */
export interface StoreChange {
  readonly rows: readonly RowChange[];
  readonly put: readonly SmallPiece[];
  readonly drop: readonly string[];
}

/**
 * One connection to a database file. Requests run one at a time, in the order of the calls. The file may be opened
 * again between two requests, so a transaction cannot span several calls.
 */
export interface SqliteConnection {
  /**
   * Runs one statement and returns its rows. The compiled statement is kept for the next call.
   *
   * While another process holds a lock that the statement needs, it is tried again, for up to `busyTimeoutMs`.
   *
   * @param sql with parameters `?`, or `$1`, `$2`, ...
   * @throws SqliteError; SqliteThreadError if it is not known whether the statement ran
   */
  all<Row = SqliteRow>(sql: string, values?: readonly SqliteValue[]): Promise<Row[]>;
  /**
   * Makes a batch of changes in one transaction, one after the other. A change is made only if all its rows match. It
   * sees the changes before it.
   *
   * @param checkpointPages the WAL is checkpointed if a commit leaves it with this many pages
   * @returns for each change whether it was made
   * @throws SqliteError, SqliteThreadError: it is not known whether the changes were made
   */
  change(batch: readonly StoreChange[], checkpointPages: number): Promise<boolean[]>;
  /** Does one piece of work on the index in one transaction. @returns as `maintainIndex` does */
  maintainIndex(work: IndexWork): Promise<number>;
  /** Sets how long a statement waits for a lock, in milliseconds. */
  setBusyTimeout(ms: number): Promise<void>;
  /** Runs the requests that were made before, then closes the file. */
  close(): Promise<void>;
}

/** A connection whose statements run in the calling thread. */
export interface LocalConnection extends SqliteConnection {
  /** Runs statements that all see the same state of the database. `read` must not write. */
  readSnapshot<Result>(read: (query: Query) => Result): Promise<Result>;
  /** Runs statements that are made together, or not at all if `write` throws. */
  writeTogether<Result>(write: (query: Query) => Result): Promise<Result>;
}

export interface ConnectionOptions {
  /** A missing file is an error (`SQLITE_CANTOPEN`). It is not created. */
  readonly mustExist?: boolean;
  /** The result of `identityOf` for the file. If another file is at the path, opening fails with `SQLITE_MOVED`. */
  readonly identity?: string | undefined;
  /** How long a statement waits for a lock; 0 by default. */
  readonly busyTimeoutMs?: number;
  /** Pragmas that are set before the first statement, like `synchronous=FULL`. */
  readonly pragmas?: readonly string[];
}
