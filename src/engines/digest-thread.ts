import type { Hash } from "node:crypto";
import { Worker } from "node:worker_threads";
import { type Digest, type Digests, plainDigests } from "../store/ports/digests.js";
import type { Log } from "../store/ports/log.js";

/** Of less, the thread's start takes longer than the digest. */
const worthwhileBytes = 32 * 1024 * 1024;
/** What is handed over at a time. */
const blockBytes = 1024 * 1024;
/** One is filled while another is digested. */
const blocksOfThread = 2;

/**
 * Digests large content on a thread of its own, beside the reading and sending of it, and small content at once. The
 * thread is started for the first that is large, kept, and keeps the process alive only while somebody waits for it.
 */
export class DigestThread implements Digests {
  readonly #log: Log;
  readonly #program: string;
  #thread: Promise<Thread | undefined> | undefined;

  /** @param program what the thread runs in place of its own, for tests */
  constructor(log: Log, program = programText) {
    this.#log = log;
    this.#program = program;
  }

  async begin(bytes: number): Promise<Digest> {
    if (bytes < worthwhileBytes) return plainDigests.begin(bytes);
    this.#thread ??= this.#start().catch((error) => {
      this.#log("warn", "digest_thread_not_started", { error: String(error) });
      this.#thread = undefined; // the next one tries again
      return undefined;
    });
    const thread = await this.#thread;
    return thread === undefined ? plainDigests.begin(bytes) : thread.begin();
  }

  /** Undefined where the system has no thread for us now. */
  async #start(): Promise<Thread | undefined> {
    const thread = new Thread(this.#program);
    void thread.ended.then((error) => {
      this.#log("warn", "digest_thread_ended", { error: String(error) });
      this.#thread = undefined; // the next one tries again
    });
    return thread.started.then(
      () => thread,
      () => undefined,
    );
  }
}

type Request =
  | { readonly kind: "update"; readonly digest: number; readonly block: number; readonly bytes: number }
  | { readonly kind: "end" | "close"; readonly digest: number };

interface Waiting {
  resolve(answer: string): void;
  reject(error: Error): void;
}

/** A running thread. Each request is answered, in order. */
class Thread {
  readonly #worker: Worker;
  readonly #blocks: readonly Uint8Array[];
  /** Indexes of blocks. */
  readonly #free: number[];
  readonly #waiting: Waiting[] = [];
  /** Updates on their way. */
  readonly #updates = new Set<Promise<void>>();
  #digests = 0;
  #failure: Error | undefined;
  readonly started: Promise<unknown>;
  /** With what has ended it. */
  readonly ended: Promise<Error>;

  constructor(program: string) {
    this.#blocks = Array.from({ length: blocksOfThread }, () => new Uint8Array(new SharedArrayBuffer(blockBytes)));
    this.#free = [...this.#blocks.keys()];
    this.#worker = new Worker(program, { eval: true, name: "digests", workerData: this.#blocks });
    this.#worker.on("message", (answer: string) => this.#settle((waiting) => waiting?.resolve(answer)));
    this.ended = new Promise((resolve) => {
      this.#worker.on("error", resolve);
      this.#worker.on("exit", (code) => resolve(new Error(`The thread for digests has ended with ${code}`)));
    });
    this.started = this.#answer(); // its first word
    void this.ended.then((error) => this.#fail(error));
  }

  begin(): Digest {
    this.#digests += 1;
    const digest = this.#digests;
    return {
      update: async (bytes) => {
        for (let at = 0; at < bytes.length; at += blockBytes) {
          await this.#update(digest, bytes.subarray(at, at + blockBytes));
        }
      },
      hex: () => this.#ask({ kind: "end", digest }),
      close: () => void this.#ask({ kind: "close", digest }).catch(() => undefined), // then all of them are gone
    };
  }

  /** Resolves once the bytes are in a block of the thread's; whether it fails there, `hex` tells. */
  async #update(digest: number, bytes: Uint8Array): Promise<void> {
    while (this.#free.length === 0) await Promise.race(this.#updates);
    const block = this.#free.pop() as number;
    this.#blocks[block]?.set(bytes);
    const update = this.#ask({ kind: "update", digest, block, bytes: bytes.length })
      .catch(() => undefined)
      .then(() => {
        this.#updates.delete(update);
        this.#free.push(block);
      });
    this.#updates.add(update);
  }

  async #ask(request: Request): Promise<string> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#worker.postMessage(request);
    return this.#answer();
  }

  #answer(): Promise<string> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  #settle(settle: (waiting: Waiting | undefined) => void): void {
    settle(this.#waiting.shift());
    if (this.#waiting.length === 0) this.#worker.unref();
  }

  #fail(error: Error): void {
    this.#failure = error;
    while (this.#waiting.length > 0) this.#settle((waiting) => waiting?.reject(error));
  }
}

/** The thread's own program. It goes there as text, so it knows nothing outside of itself. */
function serve(threads: typeof import("node:worker_threads"), crypto: typeof import("node:crypto")): void {
  const { parentPort } = threads;
  const blocks: readonly Uint8Array[] = threads.workerData;
  const hashes = new Map<number, Hash>();
  const answer = (request: Request): string => {
    const hash = hashes.get(request.digest) ?? crypto.createHash("sha256");
    if (request.kind === "update") {
      hash.update(blocks[request.block]?.subarray(0, request.bytes) ?? "");
      hashes.set(request.digest, hash);
      return "";
    }
    hashes.delete(request.digest);
    return request.kind === "end" ? hash.digest("hex") : "";
  };
  parentPort?.on("message", (request: Request) => parentPort.postMessage(answer(request)));
  parentPort?.postMessage("started");
}

const programText = `(${serve})(require("node:worker_threads"), require("node:crypto"));`;
