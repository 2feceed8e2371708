import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { WorkerRequests } from "../../threads/worker-requests.js";
import type { ConnectionOptions, SqliteConnection } from "./connection.js";
import { SqliteError, type SqliteFailure, SqliteThreadError } from "./sqlite-error.js";
import type { SqliteRequest } from "./sqlite-thread-program.js";
import { ThreadConnection } from "./thread-connection.js";

/** A process that writes little and then ends, for example after one call, needs no thread. */
const startDelayMs = 50;
/** The delay after a thread has ended by itself or could not be started. */
const restartDelayMs = 5_000;

export interface SqliteThreadOptions {
  /** Path of the bundled `sqlite-thread-program.ts`. */
  readonly program?: string;
  /** Milliseconds from the first statement to the start of the thread; 50 by default. */
  readonly delayMs?: number;
}

/**
 * A thread that runs the statements of any number of connections, so that no sync and no wait for a lock blocks the
 * calling thread. It is started soon after the first statement. It keeps the process alive only while a caller waits
 * for it. While no thread is running, statements run in the calling thread: before it has started, after it has ended,
 * and if it cannot be started.
 */
export class SqliteThread {
  readonly #program: string;
  readonly #listeners = new Set<(error: Error) => void>();
  #delayMs: number;
  #starting: NodeJS.Timeout | undefined;
  #worker: Worker | undefined;
  #requests: WorkerRequests<SqliteRequest, SqliteFailure> | undefined;
  #isOnline = false;
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

  /** Calls `listener` with the reason each time the thread ends or cannot be started. @returns removes the listener */
  onEnd(listener: (error: Error) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The thread if it is running. If there is none, one is started later, and the result is undefined. */
  running(): Worker | undefined {
    if (this.#isOnline) return this.#worker;
    if (this.#worker === undefined) this.#starting ??= setTimeout(() => this.#start(), this.#delayMs).unref();
    return undefined;
  }

  isRunning(worker: Worker): boolean {
    return worker === this.#worker;
  }

  /** @throws SqliteError; SqliteThreadError if the thread ended before it answered */
  async ask(worker: Worker, request: SqliteRequest, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (!this.isRunning(worker) || this.#requests === undefined) throw threadEnded(new Error("it has ended before"));
    return this.#requests.ask(request, transfer);
  }

  #start(): void {
    this.#starting = undefined;
    this.#delayMs = restartDelayMs;
    try {
      this.#worker = this.#begin();
    } catch (error) {
      this.#notify(error as Error); // the system gives no thread now
    }
  }

  #begin(): Worker {
    const worker = new Worker(this.#program, { name: "sqlite" });
    worker.on("online", () => {
      this.#isOnline = true;
    });
    this.#requests = new WorkerRequests<SqliteRequest, SqliteFailure>(worker, {
      toError: (failure) => new SqliteError(failure),
      onEnd: (cause) => {
        this.#worker = undefined;
        this.#requests = undefined;
        this.#isOnline = false;
        this.#notify(cause);
        return threadEnded(cause);
      },
    });
    return worker;
  }

  #notify(cause: Error): void {
    for (const listener of this.#listeners) listener(cause);
  }
}

/** Every connection of this process that writes runs here. */
export const sharedSqliteThread = new SqliteThread();

function threadEnded(cause: Error): SqliteThreadError {
  return new SqliteThreadError(`the SQLite thread ended: ${cause.message}`, { cause });
}
