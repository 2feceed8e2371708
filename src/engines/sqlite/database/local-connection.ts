import { pathToFileURL } from "node:url";
import type { DatabaseSyncInstance, StatementSyncInstance } from "@photostructure/sqlite";
import { BoundedMap } from "../../../store/model/bounded-map.js";
import { type IndexWork, isWorkDue, maintainIndex } from "../index/maintain-index.js";
import { BusyWait } from "./busy-wait.js";
import { ChangeTransaction } from "./change-transaction.js";
import type { ConnectionOptions, LocalConnection, Query, SqliteRow, SqliteValue, StoreChange } from "./connection.js";
import { loadSqliteDriver } from "./driver.js";
import { identityOfSync } from "./file-identity.js";
import { failureOf, SqliteError } from "./sqlite-error.js";

/** The most compiled statements that a connection keeps. */
const maxStatements = 100;

interface Compiled {
  readonly statement: StatementSyncInstance;
  /** For each parameter the index of its value, if they are `$1`, `$2`, ...; the drivers take these for names. */
  readonly order: readonly number[] | undefined;
}

/**
 * Opens a connection whose statements run in the calling thread and block it. It is for reads, which find their pages
 * in memory, and for threads that do nothing else.
 *
 * @throws SqliteError; SqliteDriverError
 */
export async function openLocalConnection(file: string, options: ConnectionOptions = {}): Promise<LocalConnection> {
  const { DatabaseSync } = await loadSqliteDriver();
  const location = options.mustExist ? `${pathToFileURL(file).href}?mode=rw` : file;
  const connection = new OpenConnection(
    asSqliteError(
      () => new DatabaseSync(location, { enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: false }),
    ),
  );
  await connection.setBusyTimeout(options.busyTimeoutMs ?? 0);
  try {
    if (options.identity !== undefined && identityOfSync(file) !== options.identity) throw new SqliteError(moved);
    for (const pragma of options.pragmas ?? []) await connection.all(`PRAGMA ${pragma}`);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}

/** The file at the path is not the one that the connection is meant for. */
const moved = { code: "SQLITE_MOVED", message: "SQLITE_MOVED: another file is at the path" };

class OpenConnection implements LocalConnection {
  readonly #database: DatabaseSyncInstance;
  /** By their SQL, in the order of their last use. */
  readonly #statements = new BoundedMap<Compiled>(maxStatements);
  /** Made with the first change. It keeps its own statements. */
  #transaction: ChangeTransaction | undefined;
  #checkpointPages: number | undefined;
  #busyTimeoutMs = 0;
  readonly #busyWait = new BusyWait();
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
  }

  all<Row = SqliteRow>(sql: string, values: readonly SqliteValue[] = []): Promise<Row[]> {
    return this.#inTurn(() => this.#whileBusy(() => this.#run(sql, values) as Row[]));
  }

  change(batch: readonly StoreChange[], checkpointPages: number): Promise<boolean[]> {
    return this.#inTurn(async () => {
      if (checkpointPages !== this.#checkpointPages)
        asSqliteError(() => this.#database.exec(`PRAGMA wal_autocheckpoint=${checkpointPages}`));
      this.#checkpointPages = checkpointPages;
      this.#transaction ??= asSqliteError(() => new ChangeTransaction(this.#database));
      return this.#changeIn(this.#transaction, batch);
    });
  }

  async #changeIn(transaction: ChangeTransaction, batch: readonly StoreChange[]): Promise<boolean[]> {
    try {
      await this.#whileBusy(() => transaction.begin());
      const made = asSqliteError(() => batch.map((change) => transaction.make(change)));
      await this.#whileBusy(() => transaction.commit());
      return made;
    } catch (error) {
      transaction.rollBack();
      throw error;
    }
  }

  readSnapshot<Result>(read: (query: Query) => Result): Promise<Result> {
    return this.#transact("BEGIN", read);
  }

  writeTogether<Result>(write: (query: Query) => Result): Promise<Result> {
    return this.#transact("BEGIN IMMEDIATE", write);
  }

  async maintainIndex(work: IndexWork): Promise<number> {
    if (!(await this.readSnapshot((query) => isWorkDue(query, work)))) return 0;
    return this.writeTogether((query) => maintainIndex(query, work));
  }

  #transact<Result>(begin: string, work: (query: Query) => Result): Promise<Result> {
    const query: Query = (sql, values = []) => this.#run(sql, values) as never;
    const attempt = (): Result => {
      this.#run(begin, []);
      try {
        const result = work(query);
        this.#run("COMMIT", []);
        return result;
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    };
    return this.#inTurn(() => this.#whileBusy(attempt));
  }

  #rollBack(): void {
    try {
      this.#run("ROLLBACK", []);
    } catch {
      // SQLite has ended the transaction already
    }
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
    this.#last = result.catch(() => undefined); // the caller receives the error; the next call only waits
    return result;
  }

  /** SQLite's own wait would block the thread, and lets some of many writers wait for very long. */
  async #whileBusy<Result>(attempt: () => Result): Promise<Result> {
    const began = performance.now();
    for (let waitedMs = 0; ; waitedMs = performance.now() - began) {
      try {
        const result = asSqliteError(attempt);
        this.#busyWait.ended(waitedMs);
        return result;
      } catch (error) {
        if ((error as SqliteError).code !== "SQLITE_BUSY" || waitedMs >= this.#busyTimeoutMs) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, this.#busyWait.pauseMs(waitedMs)));
    }
  }

  #run(sql: string, values: readonly SqliteValue[]): unknown[] {
    const { statement, order } = this.#compiled(sql);
    const given = values.map(toBound);
    return statement.all(...(order === undefined ? given : order.map((index) => given[index] ?? null)));
  }

  #compiled(sql: string): Compiled {
    const compiled = this.#statements.get(sql) ?? this.#compile(sql);
    this.#statements.set(sql, compiled);
    return compiled;
  }

  #compile(sql: string): Compiled {
    const numbers = [...sql.matchAll(/\$(\d+)/g)].map(([, digits]) => Number(digits));
    const order = numbers.length === 0 ? undefined : numbers.map((number) => number - 1);
    return { statement: this.#database.prepare(sql.replaceAll(/\$\d+/g, "?")), order };
  }
}

/**
 * Whole numbers become bigints, because numbers are bound as REAL. The prebuilt driver would cut a text off at a NUL.
 */
function toBound(value: SqliteValue): SqliteValue | bigint {
  if (typeof value === "string" && value.includes("\0")) throw new Error("a text contains a NUL");
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function asSqliteError<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (cause) {
    throw new SqliteError(failureOf(cause), { cause });
  }
}
