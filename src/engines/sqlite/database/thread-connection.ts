import { access, constants } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import type { IndexWork } from "../index/maintain-index.js";
import type { ConnectionOptions, SqliteConnection, SqliteRow, SqliteValue, StoreChange } from "./connection.js";
import { openLocalConnection } from "./local-connection.js";
import { SqliteError } from "./sqlite-error.js";
import type { SqliteThread } from "./sqlite-thread.js";

/** A connection that could not move to the thread tries again after this time. */
const moveDelayMs = 5_000;

/** One database file that is open, in the thread or in the calling thread. */
interface Opened {
  /** Undefined for the calling thread. */
  readonly worker: Worker | undefined;
  readonly connection: Promise<SqliteConnection>;
}

/** A connection that runs its statements in a `SqliteThread` while that is running, otherwise in the calling thread. */
export class ThreadConnection implements SqliteConnection {
  readonly #thread: SqliteThread;
  readonly #id: number;
  readonly #file: string;
  #options: ConnectionOptions;
  /** Requests are sent in the order in which they wait for this connection. */
  #opened: Opened | undefined;
  /** Resolves when the last statement has ended. All statements before it have ended then too. */
  #last: Promise<unknown> = Promise.resolve();
  /** The connection does not move before this time of `performance.now()`. */
  #staysUntilMs = 0;
  #isClosed = false;

  constructor(thread: SqliteThread, id: number, file: string, options: ConnectionOptions) {
    this.#thread = thread;
    this.#id = id;
    this.#file = file;
    this.#options = options;
  }

  all<Row = SqliteRow>(sql: string, values: readonly SqliteValue[] = []): Promise<Row[]> {
    return this.#ask((connection) => connection.all<Row>(sql, values));
  }

  change(batch: readonly StoreChange[], checkpointPages: number): Promise<boolean[]> {
    return this.#ask((connection) => connection.change(batch, checkpointPages));
  }

  maintainIndex(work: IndexWork): Promise<number> {
    return this.#ask((connection) => connection.maintainIndex(work));
  }

  #ask<Result>(request: (connection: SqliteConnection) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) {
      return Promise.reject(new SqliteError({ code: "SQLITE_MISUSE", message: "SQLITE_MISUSE: connection is closed" }));
    }
    const result = this.#connected().then(request);
    // The caller receives the error too.
    this.#last = result.catch((error) => error.code === "SQLITE_READONLY" && this.#reopen());
    return result;
  }

  /** Closes a connection that could be opened only for reading: it stays read-only. The next call opens a new one. */
  #reopen(): void {
    const left = this.#opened;
    this.#opened = undefined;
    // An error of `close` can be ignored: a read-only connection has no changes to lose.
    void left?.connection.then((connection) => connection.close()).catch(() => undefined);
  }

  async setBusyTimeout(ms: number): Promise<void> {
    this.#options = { ...this.#options, busyTimeoutMs: ms };
    await this.#opened?.connection.then((connection) => connection.setBusyTimeout(ms));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#opened?.connection.then((connection) => connection.close());
  }

  /**
   * The open connection, in the thread if that is running. A connection of the calling thread moves to the thread
   * between two statements.
   */
  #connected(): Promise<SqliteConnection> {
    const worker = this.#thread.running();
    const before = this.#opened;
    if (before !== undefined && (before.worker === worker || performance.now() < this.#staysUntilMs)) {
      return before.connection;
    }
    const isMove = before !== undefined && before.worker === undefined && worker !== undefined;
    const connection = isMove ? this.#move(before.connection, worker) : this.#open(worker);
    const opened = { worker, connection };
    this.#opened = opened;
    connection.catch(() => {
      if (this.#opened === opened) this.#opened = undefined; // the next call tries again
    });
    return connection;
  }

  #open(worker: Worker | undefined): Promise<SqliteConnection> {
    return worker === undefined ? this.#openHere() : this.#openIn(worker);
  }

  /** If the thread cannot open the file for writing, for example because the disk is read-only now, nothing moves. */
  async #move(before: Promise<SqliteConnection>, worker: Worker): Promise<SqliteConnection> {
    await this.#last;
    const here = await before.catch(() => undefined);
    if (here === undefined) return this.#openIn(worker);
    const there = await this.#openIn(worker).catch(() => undefined);
    try {
      if (there === undefined) throw new Error("it cannot be opened there");
      await access(this.#file, constants.W_OK); // SQLite opens a file that it can only read without an error
      await here.close();
      return there;
    } catch {
      await there?.close().catch(() => undefined);
      this.#staysUntilMs = performance.now() + moveDelayMs;
      this.#opened = { worker: undefined, connection: before };
      return here;
    }
  }

  async #openHere(): Promise<SqliteConnection> {
    const local = await openLocalConnection(this.#file, this.#options);
    return {
      setBusyTimeout: (ms) => local.setBusyTimeout(ms),
      close: () => local.close(),
      async all<Row>(sql: string, values?: readonly SqliteValue[]) {
        const rows = await local.all<Row>(sql, values);
        await setImmediate(); // each statement blocks this thread for a sync, so other work gets a turn in between
        return rows;
      },
      async change(batch, checkpointPages) {
        const made = await local.change(batch, checkpointPages);
        await setImmediate();
        return made;
      },
      async maintainIndex(work) {
        const result = await local.maintainIndex(work);
        await setImmediate();
        return result;
      },
    };
  }

  async #openIn(worker: Worker): Promise<SqliteConnection> {
    const thread = this.#thread;
    const connection = this.#id;
    await thread.ask(worker, { kind: "open", connection, file: this.#file, options: this.#options });
    return {
      all: <Row>(sql: string, values: readonly SqliteValue[] = []) =>
        thread.ask(worker, { kind: "all", connection, sql, values }) as Promise<Row[]>,
      change(batch, checkpointPages) {
        const copies = batch.map(withOwnMemory);
        const memory = copies.flatMap(({ put }) => put.map(({ bytes }) => bytes.buffer));
        const request = { kind: "change", connection, batch: copies, checkpointPages } as const;
        return thread.ask(worker, request, memory) as Promise<boolean[]>;
      },
      maintainIndex: (work) => thread.ask(worker, { kind: "index", connection, work }) as Promise<number>,
      async setBusyTimeout(ms) {
        await thread.ask(worker, { kind: "timeout", connection, ms });
      },
      async close() {
        await thread.ask(worker, { kind: "close", connection }).catch((error) => {
          if (thread.isRunning(worker)) throw error; // a thread that ends closes its connections
        });
      },
    };
  }
}

/**
 * The change with pieces in memory of their own, which is moved to the thread. Without that, a message would copy the
 * whole buffer around each piece.
 */
const withOwnMemory = (change: StoreChange) => ({
  ...change,
  put: change.put.map(({ name, bytes }) => ({ name, bytes: new Uint8Array(bytes) })),
});
