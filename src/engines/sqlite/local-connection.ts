import { pathToFileURL } from "node:url";
import type { DatabaseSyncInstance, StatementSyncInstance } from "@photostructure/sqlite";
import type { ConnectionOptions, SqliteConnection, SqliteRow, SqliteValue } from "./connection.js";
import { loadSqliteDriver } from "./driver.js";
import { failureOf, SqliteError } from "./sqlite-error.js";

/** Compiled statements that a connection keeps. */
const maxStatements = 100;
/**
 * SQLite's own busy handler waits ever longer and blocks the thread. Short waits of random length give each process
 * its turn: with eight that write, the worst wait was 0.14 s in place of 4.6 s.
 */
const mostBusyWaitMs = 3;

interface Compiled {
  readonly statement: StatementSyncInstance;
  /** Its parameters are `$1`, `$2`, ..., which to the drivers are names. */
  readonly isNumbered: boolean;
}

/**
 * Opens a connection whose statements run in the calling thread, so they hold up everything else in it: for reads,
 * which find their pages in memory, and for threads that do nothing else.
 *
 * @throws SqliteError; SqliteDriverError
 */
export async function openLocalConnection(file: string, options: ConnectionOptions = {}): Promise<SqliteConnection> {
  const { DatabaseSync } = await loadSqliteDriver();
  const location = options.mustExist ? `${pathToFileURL(file).href}?mode=rw` : file;
  const connection = new LocalConnection(
    asSqliteError(
      () => new DatabaseSync(location, { enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: false }),
    ),
  );
  await connection.setBusyTimeout(options.busyTimeoutMs ?? 0);
  try {
    for (const pragma of options.pragmas ?? []) await connection.all(`PRAGMA ${pragma}`);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}

class LocalConnection implements SqliteConnection {
  readonly #database: DatabaseSyncInstance;
  /** In the order of their last use. */
  readonly #statements = new Map<string, Compiled>();
  #busyTimeoutMs = 0;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
  }

  all<Row = SqliteRow>(sql: string, values: readonly SqliteValue[] = []): Promise<Row[]> {
    return this.#inTurn(() => this.#whileBusy(() => this.#run(sql, values) as Row[]));
  }

  setBusyTimeout(ms: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#busyTimeoutMs = ms;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#inTurn(async () => asSqliteError(() => this.#database.close()));
    return this.#closing;
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined); // the caller has it; the next call only waits
    return result;
  }

  async #whileBusy<Result>(attempt: () => Result): Promise<Result> {
    const deadline = performance.now() + this.#busyTimeoutMs;
    for (;;) {
      try {
        return asSqliteError(attempt);
      } catch (error) {
        if ((error as SqliteError).code !== "SQLITE_BUSY" || performance.now() >= deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * (mostBusyWaitMs - 1)));
    }
  }

  #run(sql: string, values: readonly SqliteValue[]): unknown[] {
    const { statement, isNumbered } = this.#compiled(sql);
    // The prebuilt driver would cut it off there.
    if (values.some((value) => typeof value === "string" && value.includes("\0"))) throw new Error("a text has a NUL");
    // A number would be bound as REAL.
    const bound = values.map((value) => (Number.isSafeInteger(value) ? BigInt(value as number) : value));
    if (!isNumbered) return statement.all(...bound);
    return statement.all(Object.fromEntries(bound.map((value, index) => [`$${index + 1}`, value])));
  }

  #compiled(sql: string): Compiled {
    const known = this.#statements.get(sql);
    if (known !== undefined) this.#statements.delete(sql);
    const compiled = known ?? { statement: this.#database.prepare(sql), isNumbered: /\$1\b/.test(sql) };
    this.#statements.set(sql, compiled);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size > maxStatements && oldest !== undefined) this.#statements.delete(oldest);
    return compiled;
  }
}

function asSqliteError<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (cause) {
    throw new SqliteError(failureOf(cause), { cause });
  }
}
