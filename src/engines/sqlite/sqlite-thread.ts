import { join } from "node:path";
import { Worker, type WorkerOptions } from "node:worker_threads";
import type { ConnectionOptions, SqliteConnection, SqliteRow, SqliteValue } from "./connection.js";
import { SqliteError, type SqliteFailure, SqliteThreadError } from "./sqlite-error.js";

/** What the thread's program is asked, about a connection by its number. */
export type ThreadRequest = { readonly connection: number } & (
  | { readonly kind: "open"; readonly file: string; readonly options: ConnectionOptions }
  | { readonly kind: "all"; readonly sql: string; readonly values: readonly SqliteValue[] }
  | { readonly kind: "timeout"; readonly ms: number }
  | { readonly kind: "close" }
);

export interface ThreadAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: SqliteFailure;
}

interface Waiting {
  readonly request: ThreadRequest;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * A thread that runs the statements of any number of connections, so that no sync and no wait for a lock holds up
 * the caller's thread. It is started by the first statement, keeps the process alive only while somebody waits for
 * it, and is replaced after it has ended: connections are then opened again by their next statement.
 */
export class SqliteThread {
  readonly #program: string;
  readonly #options: WorkerOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(error: Error) => void>();
  #worker: Worker | undefined;
  #requests = 0;
  #connections = 0;

  /** @param program path of the bundled `thread-program.ts` */
  constructor(program = join(WORKERS_FOLDER, "sqlite-thread.cjs"), options: WorkerOptions = {}) {
    this.#program = program;
    this.#options = options;
  }

  /** A connection that opens the file with its first statement. */
  connect(file: string, options: ConnectionOptions = {}): SqliteConnection {
    this.#connections += 1;
    return new ThreadConnection(this, this.#connections, file, options);
  }

  /** Calls `listener` each time the thread ends without being asked to, with the reason. @returns ends the calls */
  onEnd(listener: (error: Error) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The running thread, started if there is none. A connection belongs to the thread that opened it. */
  current(): Worker {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  isRunning(worker: Worker): boolean {
    return worker === this.#worker;
  }

  /** @throws SqliteError; SqliteThreadError if the thread ended before it answered */
  ask(worker: Worker, request: ThreadRequest): Promise<unknown> {
    if (!this.isRunning(worker)) return Promise.reject(endedBefore(request, new Error("the thread has ended")));
    this.#requests += 1;
    const id = this.#requests;
    worker.ref();
    worker.postMessage({ id, request });
    return new Promise((resolve, reject) => this.#waiting.set(id, { request, resolve, reject }));
  }

  #start(): Worker {
    const worker = new Worker(this.#program, { name: "sqlite", ...this.#options });
    worker.on("message", ({ id, result, failure }: ThreadAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      if (failure === undefined) waiting?.resolve(result);
      else waiting?.reject(new SqliteError(failure));
    });
    worker.on("error", (error: Error) => this.#ended(worker, error));
    worker.on("exit", (code) => this.#ended(worker, new Error(`the thread ended with exit code ${code}`)));
    return worker;
  }

  #ended(worker: Worker, cause: Error): void {
    if (worker !== this.#worker) return; // `exit` follows `error`
    this.#worker = undefined;
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { request, reject } of all) reject(endedBefore(request, cause));
    for (const listener of this.#listeners) listener(cause);
  }
}

/** Every connection of this process that writes runs here. */
export const sharedSqliteThread = new SqliteThread();

function endedBefore({ kind }: ThreadRequest, cause: Error): Error {
  if (kind === "all") return new SqliteThreadError(`the SQLite thread ended: ${cause.message}`, { cause });
  const message = `SQLITE_CANTOPEN: the SQLite thread did not run: ${cause.message}`;
  return new SqliteError({ code: "SQLITE_CANTOPEN", message }, { cause });
}

class ThreadConnection implements SqliteConnection {
  readonly #thread: SqliteThread;
  readonly #id: number;
  readonly #file: string;
  #options: ConnectionOptions;
  /** Requests go out in the order in which they wait for `opened`. */
  #opening: { readonly worker: Worker; readonly opened: Promise<unknown> } | undefined;
  #isClosed = false;

  constructor(thread: SqliteThread, id: number, file: string, options: ConnectionOptions) {
    this.#thread = thread;
    this.#id = id;
    this.#file = file;
    this.#options = options;
  }

  all<Row = SqliteRow>(sql: string, values: readonly SqliteValue[] = []): Promise<Row[]> {
    if (this.#isClosed) {
      return Promise.reject(new SqliteError({ code: "SQLITE_MISUSE", message: "SQLITE_MISUSE: connection is closed" }));
    }
    const { worker, opened } = this.#connect();
    const request = { kind: "all", connection: this.#id, sql, values } as const;
    return opened.then(() => this.#thread.ask(worker, request)) as Promise<Row[]>;
  }

  async setBusyTimeout(ms: number): Promise<void> {
    this.#options = { ...this.#options, busyTimeoutMs: ms };
    if (this.#opening === undefined) return;
    const { worker, opened } = this.#connect();
    await opened.then(() => this.#thread.ask(worker, { kind: "timeout", connection: this.#id, ms }));
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    if (this.#isClosed) return;
    this.#isClosed = true;
    // A thread that has ended has closed what was open in it.
    if (opening === undefined || !this.#thread.isRunning(opening.worker)) return;
    await opening.opened.then(() => this.#thread.ask(opening.worker, { kind: "close", connection: this.#id }));
  }

  #connect() {
    const worker = this.#thread.current();
    if (this.#opening?.worker !== worker) {
      const request = { kind: "open", connection: this.#id, file: this.#file, options: this.#options } as const;
      const opening = { worker, opened: this.#thread.ask(worker, request) };
      this.#opening = opening;
      opening.opened.catch(() => {
        if (this.#opening === opening) this.#opening = undefined; // the next call tries again
      });
    }
    return this.#opening;
  }
}
