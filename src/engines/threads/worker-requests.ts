import type { Worker } from "node:worker_threads";

/** A request as it is posted to a worker. */
export interface PostedRequest<Request> {
  readonly id: number;
  readonly request: Request;
}

/** The worker's answer to the request with this id: its result, or its failure. */
export interface PostedAnswer<Failure = never> {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: Failure;
}

export interface WorkerRequestsOptions<Failure> {
  /** Makes the error of a request from the failure that the worker has posted. */
  readonly toError: (failure: Failure) => Error;
  /**
   * Called once, when the worker has ended. Returns the error that every unanswered and every later request fails with.
   */
  readonly onEnd: (cause: Error) => Error;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * The requests to one worker. The worker keeps the process alive only while a request waits for its answer. When the
 * worker ends, all waiting requests fail.
 */
export class WorkerRequests<Request, Failure = never> {
  readonly #worker: Worker;
  readonly #options: WorkerRequestsOptions<Failure>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  /** Set when the worker has ended. */
  #endError: Error | undefined;

  constructor(worker: Worker, options: WorkerRequestsOptions<Failure>) {
    this.#worker = worker;
    this.#options = options;
    worker.on("message", (answer: PostedAnswer<Failure>) => this.#settle(answer));
    worker.on("error", (error: Error) => this.#end(error));
    worker.on("exit", (code) => this.#end(new Error(`the thread has ended with exit code ${code}`)));
    worker.unref(); // must come after `on("message")`, which refs the worker
  }

  /**
   * Posts a request. The worker receives requests in the order of the calls.
   *
   * @param transfer memory that is moved to the worker instead of being copied
   * @throws the error of `toError` or of `onEnd`
   */
  async ask(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#endError !== undefined) throw this.#endError;
    this.#lastId += 1;
    const id = this.#lastId;
    this.#worker.postMessage({ id, request } satisfies PostedRequest<Request>, transfer);
    this.#worker.ref();
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle({ id, result, failure }: PostedAnswer<Failure>): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (failure === undefined) waiting?.resolve(result);
    else waiting?.reject(this.#options.toError(failure));
  }

  #end(cause: Error): void {
    if (this.#endError !== undefined) return; // `exit` follows `error`
    const error = this.#options.onEnd(cause);
    this.#endError = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
