import { readdir, readFile } from "node:fs/promises";
import { expect } from "vitest";
import { type HttpProcess, startService } from "../../support/http-process.js";
import { must } from "./model.js";

/** One of the servers on a data directory. When its process ends, a new process replaces it. */
export class Seat {
  readonly #root: string;
  readonly #args: readonly string[];
  #process: Promise<Running>;

  constructor(root: string, args: readonly string[] = []) {
    this.#root = root;
    this.#args = args;
    this.#process = this.#start();
  }

  async #start(): Promise<Running> {
    const running = new Running(await startService(this.#root, 0, ...this.#args));
    running.atStart = await running.holds();
    return running;
  }

  /** The current process, or the next one while it starts. */
  get running(): Promise<Running> {
    return this.#process;
  }

  /** Kills the process in the middle of its work, and starts another. */
  async kill(): Promise<void> {
    const old = await this.#process;
    this.#process = old.kill().then(() => this.#start());
    await this.#process;
  }

  /** Stops the process with SIGTERM, and starts another. */
  async replace(): Promise<void> {
    const old = await this.#process;
    this.#process = old.stop().then(() => this.#start());
    await this.#process;
  }
}

/** A server's process. */
export class Running {
  readonly service: HttpProcess;
  /** The test has killed or stopped it. */
  isEnding = false;
  isGone = false;
  atStart: Holdings = { descriptors: 0, megabytes: 0 };

  constructor(service: HttpProcess) {
    this.service = service;
    void service.exited.then(() => {
      this.isGone = true;
    });
  }

  get port(): number {
    return this.service.port;
  }

  async kill(): Promise<void> {
    this.#check();
    this.isEnding = true;
    await this.service.kill();
  }

  async stop(): Promise<void> {
    this.#check();
    this.isEnding = true;
    this.service.child.kill("SIGTERM");
    const code = await this.service.exited;
    must(code === 0, `a stopped server ended with ${code}: ${this.service.stderr()}`);
    this.#check();
  }

  /**
   * @throws AttackFault if the process ended by itself, logged an error, or left a file handle to the garbage collector
   */
  #check(): void {
    must(this.isEnding || !this.isGone, `a server ended by itself: ${this.service.stderr()}`);
    const failures = this.service.stderr().match(/^\S+ error .*$|.*on garbage collection.*/gm) ?? [];
    must(failures.length === 0, `a server logged ${failures.join("\n")}`);
  }

  /** Returns the resources that the process holds now; zeros on systems other than Linux. */
  async holds(): Promise<Holdings> {
    this.#check();
    if (process.platform !== "linux") return { descriptors: 0, megabytes: 0 };
    const { pid } = this.service.child;
    const [files, status] = await Promise.all([readdir(`/proc/${pid}/fd`), readFile(`/proc/${pid}/status`, "utf8")]);
    return { descriptors: files.length, megabytes: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024) };
  }
}

/**
 * Additional descriptors after the start: pieces kept open for the next append, and files that the database opens
 * later.
 */
const usualDescriptors = 48;
/** Additional memory after the start, in MiB: code, caches, and memory that the allocator keeps. */
const usualMegabytes = 256;

/** Waits until a server has released the resources that it held for clients that have disconnected. */
export async function expectIdle(server: Running): Promise<void> {
  const most = {
    descriptors: server.atStart.descriptors + usualDescriptors,
    megabytes: server.atStart.megabytes + usualMegabytes,
  };
  const isIdle = async (): Promise<boolean> => {
    const { descriptors, megabytes } = await server.holds();
    return descriptors <= most.descriptors && megabytes <= most.megabytes;
  };
  await expect.poll(isIdle, { interval: 500 }).toBe(true);
}

export interface Holdings {
  readonly descriptors: number;
  /** Resident memory, in MiB. */
  readonly megabytes: number;
}
