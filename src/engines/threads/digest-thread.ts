import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type Digest, type Digests, plainDigests } from "../../store/ports/digests.js";
import type { Log } from "../../store/ports/log.js";
import type { DigestRequest } from "./digest-thread-program.js";
import { WorkerRequests } from "./worker-requests.js";

/** For less content than this, starting the thread takes longer than the digest. */
const minThreadBytes = 32 * 1024 * 1024;
/** Bytes that are handed to the thread at a time. */
const blockBytes = 1024 * 1024;
/** One block is filled while the other one is digested. */
const blockCount = 2;

/**
 * Digests large content in a thread, in parallel with reading and sending it. Small content is digested in the calling
 * thread. The thread is started for the first large content and then kept. It keeps the process alive only while a
 * caller waits for it. If it cannot be started, large content is digested in the calling thread too.
 */
export class DigestThread implements Digests {
  readonly #log: Log;
  readonly #program: string;
  #worker: Promise<DigestWorker | undefined> | undefined;

  /** @param program path of the bundled `digest-thread-program.ts`; tests give another one */
  constructor(log: Log, program = join(WORKERS_FOLDER, "digest-thread.cjs")) {
    this.#log = log;
    this.#program = program;
  }

  async begin(bytes: number): Promise<Digest> {
    if (bytes < minThreadBytes) return plainDigests.begin(bytes);
    this.#worker ??= this.#start().catch((error) => {
      this.#log("warn", "digest_thread_not_started", { error: String(error) });
      this.#worker = undefined; // the next large content tries again
      return undefined;
    });
    const worker = await this.#worker;
    return worker === undefined ? plainDigests.begin(bytes) : worker.begin();
  }

  /** Resolves with undefined if the thread ends before it answers. @throws Error if the system gives no thread */
  async #start(): Promise<DigestWorker | undefined> {
    const worker = new DigestWorker(this.#program, (cause) => {
      this.#log("warn", "digest_thread_ended", { error: String(cause) });
      this.#worker = undefined; // the next large content starts another thread
    });
    return worker.started.then(
      () => worker,
      () => undefined,
    );
  }
}

/** A running thread. */
class DigestWorker {
  readonly #requests: WorkerRequests<DigestRequest>;
  readonly #blocks: readonly Uint8Array[];
  /** Indexes of the blocks that can be filled. */
  readonly #free: number[];
  /** Updates that the thread has not answered yet. */
  readonly #updates = new Set<Promise<void>>();
  #lastDigest = 0;
  readonly started: Promise<unknown>;

  constructor(program: string, onEnd: (cause: Error) => void) {
    this.#blocks = Array.from({ length: blockCount }, () => new Uint8Array(new SharedArrayBuffer(blockBytes)));
    this.#free = [...this.#blocks.keys()];
    this.#requests = new WorkerRequests(new Worker(program, { name: "digests", workerData: this.#blocks }), {
      toError: (failure) => failure, // the program posts no failures
      onEnd(cause) {
        onEnd(cause);
        return new Error(`the digest thread ended: ${cause.message}`, { cause });
      },
    });
    this.started = this.#requests.ask({ kind: "start" });
  }

  begin(): Digest {
    this.#lastDigest += 1;
    const digest = this.#lastDigest;
    return {
      update: async (bytes) => {
        for (let at = 0; at < bytes.length; at += blockBytes) {
          await this.#update(digest, bytes.subarray(at, at + blockBytes));
        }
      },
      hex: () => this.#requests.ask({ kind: "end", digest }) as Promise<string>,
      // If the thread has ended, its digests are gone already.
      close: () => void this.#requests.ask({ kind: "close", digest }).catch(() => undefined),
    };
  }

  /** Resolves as soon as the bytes are copied to a block. If the thread fails to digest them, `hex` rejects. */
  async #update(digest: number, bytes: Uint8Array): Promise<void> {
    while (this.#free.length === 0) await Promise.race(this.#updates);
    const block = this.#free.pop() as number;
    this.#blocks[block]?.set(bytes);
    const update = this.#requests
      .ask({ kind: "update", digest, block, bytes: bytes.length })
      .catch(() => undefined)
      .then(() => {
        this.#updates.delete(update);
        this.#free.push(block);
      });
    this.#updates.add(update);
  }
}
