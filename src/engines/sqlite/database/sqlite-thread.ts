import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { ConnectionOptions, SqliteConnection, SqliteRow, SqliteValue, StoreChange } from "./connection.js";
import { openLocalConnection } from "./local-connection.js";
import { SqliteError, type SqliteFailure, SqliteThreadError } from "./sqlite-error.js";

/** What the thread's program is asked, about a connection by its number. */
export type ThreadRequest = { readonly connection: number } & (
  | { readonly kind: "open"; readonly file: string; readonly options: ConnectionOptions }
  | { readonly kind: "all"; readonly sql: string; readonly values: readonly SqliteValue[] }
  | { readonly kind: "change"; readonly batch: readonly StoreChange[]; readonly logPages: number }
  | { readonly kind: "timeout"; readonly ms: number }
  | { readonly kind: "close" }
);

export interface ThreadAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: SqliteFailure;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** A process that writes little and ends, as one that serves a single call, has no use for a thread. */
const startDelayMs = 50;
/** After a thread has ended by itself. */
const restartDelayMs = 5_000;

export interface SqliteThreadOptions {
  /** Path of the bundled `thread-program.ts`. */
  readonly program?: string;
  /** From the first statement to the start of a thread, in milliseconds. */
  readonly delayMs?: number;
}

/**
 * A thread that runs the statements of any number of connections, so that no sync and no wait for a lock holds up the
 * caller's thread. It is started soon after the first statement, and keeps the process alive only while somebody waits
 * for it. While there is none, because it is being started, has ended or cannot be started, statements run in the
 * caller's thread.
 */
export class SqliteThread {
  readonly #program: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(error: Error) => void>();
  #delayMs: number;
  #starting: NodeJS.Timeout | undefined;
  #worker: Worker | undefined;
  #isOnline = false;
  #requests = 0;
  #connections = 0;

  constructor({
    program = join(WORKERS_FOLDER, "sqlite-thread.cjs"),
    delayMs = startDelayMs,
  }: SqliteThreadOptions = {}) {
    this.#program = program;
    this.#delayMs = delayMs;
  }

  /** A connection that opens the file with its first statement. */
  connect(file: string, options: ConnectionOptions = {}): SqliteConnection {
    this.#connections += 1;
    return new ThreadConnection(this, this.#connections, file, options);
  }

  /** Calls `listener` each time the thread ends or cannot be started, with the reason. @returns ends the calls */
  onEnd(listener: (error: Error) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The thread, if it is up; otherwise one is started. */
  running(): Worker | undefined {
    if (this.#isOnline) return this.#worker;
    if (this.#worker === undefined) this.#starting ??= setTimeout(() => this.#start(), this.#delayMs).unref();
    return undefined;
  }

  isRunning(worker: Worker): boolean {
    return worker === this.#worker;
  }

  /** @throws SqliteError; SqliteThreadError if the thread ended before it answered */
  ask(worker: Worker, request: ThreadRequest, handedOver: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (!this.isRunning(worker)) return Promise.reject(endedBefore(new Error("it has ended before")));
    this.#requests += 1;
    const id = this.#requests;
    worker.ref();
    worker.postMessage({ id, request }, handedOver);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #start(): void {
    this.#starting = undefined;
    this.#delayMs = restartDelayMs;
    try {
      this.#worker = this.#begin();
    } catch (error) {
      this.#tell(error as Error); // the system has no thread for us now
    }
  }

  #begin(): Worker {
    const worker = new Worker(this.#program, { name: "sqlite" });
    worker.on("online", () => {
      this.#isOnline = true;
    });
    worker.on("message", ({ id, result, failure }: ThreadAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      if (failure === undefined) waiting?.resolve(result);
      else waiting?.reject(new SqliteError(failure));
    });
    worker.on("error", (error: Error) => this.#ended(worker, error));
    worker.on("exit", (code) => this.#ended(worker, new Error(`the thread ended with exit code ${code}`)));
    worker.unref(); // behind `on("message")`, which refs it
    return worker;
  }

  #ended(worker: Worker, cause: Error): void {
    if (worker !== this.#worker) return; // `exit` follows `error`
    this.#worker = undefined;
    this.#isOnline = false;
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of all) reject(endedBefore(cause));
    this.#tell(cause);
  }

  #tell(cause: Error): void {
    for (const listener of this.#listeners) listener(cause);
  }
}

/** Every connection of this process that writes runs here. */
export const sharedSqliteThread = new SqliteThread();

const endedBefore = (cause: Error): SqliteThreadError =>
  new SqliteThreadError(`the SQLite thread ended: ${cause.message}`, { cause });

/** One database file, open in the thread or, while there is none, in the caller's. */
interface Opened {
  /** Undefined for the caller's thread. */
  readonly worker: Worker | undefined;
  readonly connection: Promise<SqliteConnection>;
}

class ThreadConnection implements SqliteConnection {
  readonly #thread: SqliteThread;
  readonly #id: number;
  readonly #file: string;
  #options: ConnectionOptions;
  /** Requests go out in the order in which they wait for its connection. */
  #opened: Opened | undefined;
  /** The end of the statement that was asked for last, and so of all before it. */
  #last: Promise<unknown> = Promise.resolve();
  /** It does not move before this time of `performance.now()`. */
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

  change(batch: readonly StoreChange[], logPages: number): Promise<boolean[]> {
    return this.#ask((connection) => connection.change(batch, logPages));
  }

  #ask<Result>(request: (connection: SqliteConnection) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) {
      return Promise.reject(new SqliteError({ code: "SQLITE_MISUSE", message: "SQLITE_MISUSE: connection is closed" }));
    }
    const result = this.#connected().then(request);
    // The caller has the error too.
    this.#last = result.catch((error) => error.code === "SQLITE_READONLY" && this.#leave());
    return result;
  }

  /** A file that could only be opened for reading stays so until it is opened again: the next call does. */
  #leave(): void {
    const left = this.#opened;
    this.#opened = undefined;
    void left?.connection.then((connection) => connection.close()).catch(() => undefined); // it holds nothing
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

  /** The connection, in the thread if that is up: what was opened here before moves there between two statements. */
  #connected(): Promise<SqliteConnection> {
    const worker = this.#thread.running();
    const before = this.#opened;
    if (before !== undefined && (before.worker === worker || performance.now() < this.#staysUntilMs)) {
      return before.connection;
    }
    const isMove = before !== undefined && before.worker === undefined && worker !== undefined;
    const connection = isMove ? this.#move(before.connection, worker) : this.#openAnew(worker);
    const opened = { worker, connection };
    this.#opened = opened;
    connection.catch(() => {
      if (this.#opened === opened) this.#opened = undefined; // the next call tries again
    });
    return connection;
  }

  #openAnew(worker: Worker | undefined): Promise<SqliteConnection> {
    return worker === undefined ? this.#openHere() : this.#openIn(worker);
  }

  /** Where the file cannot be opened again for writing, as on a disk that is read-only by now, it stays where it is. */
  async #move(before: Promise<SqliteConnection>, worker: Worker): Promise<SqliteConnection> {
    await this.#last;
    const here = await before.catch(() => undefined);
    if (here === undefined) return this.#openIn(worker);
    const there = await this.#openIn(worker).catch(() => undefined);
    try {
      if (there === undefined) throw new Error("it cannot be opened there");
      await access(this.#file, constants.W_OK); // SQLite opens what it can only read without a word
      await here.close();
      return there;
    } catch {
      await there?.close().catch(() => undefined);
      this.#staysUntilMs = performance.now() + restartDelayMs;
      this.#opened = { worker: undefined, connection: before };
      return here;
    }
  }

  async #openHere(): Promise<SqliteConnection> {
    const local = await openLocalConnection(this.#file, this.#options);
    return {
      ...{ setBusyTimeout: (ms) => local.setBusyTimeout(ms), close: () => local.close() },
      async all<Row>(sql: string, values?: readonly SqliteValue[]) {
        const rows = await local.all<Row>(sql, values);
        await setImmediate(); // each holds up this thread for a sync: one after the other would leave nobody a turn
        return rows;
      },
      async change(batch, logPages) {
        const done = await local.change(batch, logPages);
        await setImmediate();
        return done;
      },
    };
  }

  async #openIn(worker: Worker): Promise<SqliteConnection> {
    const { id: connection, thread } = { id: this.#id, thread: this.#thread };
    await thread.ask(worker, { kind: "open", connection, file: this.#file, options: this.#options });
    return {
      all: <Row>(sql: string, values: readonly SqliteValue[] = []) =>
        thread.ask(worker, { kind: "all", connection, sql, values }) as Promise<Row[]>,
      change(batch, logPages) {
        const sent = batch.map(toSent);
        const memory = sent.flatMap(({ put }) => put.map(({ bytes }) => bytes.buffer));
        return thread.ask(worker, { kind: "change", connection, batch: sent, logPages }, memory) as Promise<boolean[]>;
      },
      async setBusyTimeout(ms) {
        await thread.ask(worker, { kind: "timeout", connection, ms });
      },
      async close() {
        // A thread that ends closes what is open in it.
        await thread.ask(worker, { kind: "close", connection }).catch((error) => {
          if (thread.isRunning(worker)) throw error;
        });
      },
    };
  }
}

/** With bytes of its own, whose memory is handed over: a message would copy it, and all that lies around them. */
const toSent = (change: StoreChange) => ({
  ...change,
  put: change.put.map(({ name, bytes }) => ({ name, bytes: new Uint8Array(bytes) })),
});
