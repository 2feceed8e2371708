import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Log } from "../../store/ports/log.js";
import { WorkerRequests } from "../threads/worker-requests.js";
import { type SmallFilesRequest, serveSmallFiles } from "./serve-small-files.js";

/** More threads than processors: they also wait for disks. */
const maxThreads = Math.min(4, availableParallelism() + 1);

interface FileThread {
  readonly worker: Worker;
  readonly requests: WorkerRequests<SmallFilesRequest, Error>;
  /** Requests that it has not answered yet. */
  running: number;
}

/**
 * Threads that read, compare and write small files. Each is started when all others are busy. If one ends by itself or
 * cannot be started, its work is done in the calling thread.
 */
export class SmallFileThreads {
  readonly #log: Log;
  readonly #program: string;
  readonly #threads = new Set<FileThread>();
  #isFailed = false;

  /** @param program path of the bundled `small-files-thread-program.ts` */
  constructor(log: Log, program = join(WORKERS_FOLDER, "small-files-thread.cjs")) {
    this.#log = log;
    this.#program = program;
  }

  /** @throws Error if the process lacks something, like open files */
  async ask(request: SmallFilesRequest): Promise<unknown> {
    const thread = this.#idlest();
    if (thread === undefined) return serveSmallFiles(request).result;
    thread.running += 1;
    try {
      return await thread.requests.ask(request);
    } catch (error) {
      if (this.#threads.has(thread)) throw error;
      return serveSmallFiles(request).result;
    } finally {
      thread.running -= 1;
    }
  }

  async close(): Promise<void> {
    const ending = [...this.#threads].map(({ worker }) => worker.terminate());
    this.#threads.clear();
    this.#isFailed = true;
    await Promise.all(ending);
  }

  #idlest(): FileThread | undefined {
    const [idlest] = [...this.#threads].sort((a, b) => a.running - b.running);
    if (idlest?.running === 0 || this.#threads.size >= maxThreads || this.#isFailed) return idlest;
    return this.#start() ?? idlest;
  }

  #start(): FileThread | undefined {
    try {
      const worker = new Worker(this.#program, { name: "small files" });
      const thread: FileThread = {
        worker,
        running: 0,
        requests: new WorkerRequests<SmallFilesRequest, Error>(worker, {
          toError: (failure) => failure,
          onEnd: (cause) => {
            if (this.#threads.delete(thread)) this.#fail(cause);
            return new Error(`the thread for small files ended: ${cause.message}`, { cause });
          },
        }),
      };
      this.#threads.add(thread);
      return thread;
    } catch (cause) {
      this.#fail(cause);
      return undefined;
    }
  }

  #fail(cause: unknown): void {
    this.#isFailed = true;
    this.#log("warn", "small_files_thread_ended", { error: String(cause) });
  }
}
