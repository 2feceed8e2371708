import { readdir, readFile } from "node:fs/promises";
import { expect } from "vitest";
import { type HttpProcess, startService } from "../../support/http-process.js";
import { must } from "./model.js";

/** One of the servers on a data directory. When its process ends, another one takes its place. */
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

  /** The process that is there, or comes next. */
  get running(): Promise<Running> {
    return this.#process;
  }

  /** Ends it in the middle of whatever it does, and starts another. */
  async kill(): Promise<void> {
    const old = await this.#process;
    this.#process = old.kill().then(() => this.#start());
    await this.#process;
  }

  /** Asks it to end, and starts another. */
  async replace(): Promise<void> {
    const old = await this.#process;
    this.#process = old.stop().then(() => this.#start());
    await this.#process;
  }
}

/** A server's process. */
export class Running {
  readonly service: HttpProcess;
  /** Somebody has ended it. */
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
    must(code === 0, `a server that was asked to end ended with ${code}: ${this.service.stderr()}`);
    this.#check();
  }

  /** @throws AttackFault if it has ended by itself, has failed at something, or leaves files for others to close */
  #check(): void {
    must(this.isEnding || !this.isGone, `a server ended by itself: ${this.service.stderr()}`);
    const failures = this.service.stderr().match(/^\S+ error .*$|.*on garbage collection.*/gm) ?? [];
    must(failures.length === 0, `a server logged ${failures.join("\n")}`);
  }

  /** What it holds now; nothing where the system does not tell. */
  async holds(): Promise<Holdings> {
    this.#check();
    if (process.platform !== "linux") return { descriptors: 0, megabytes: 0 };
    const { pid } = this.service.child;
    const [files, status] = await Promise.all([readdir(`/proc/${pid}/fd`), readFile(`/proc/${pid}/status`, "utf8")]);
    return { descriptors: files.length, megabytes: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024) };
  }
}

/** More than at the start: content that is kept open for who goes on with it, and what a database opens by and by. */
const usualDescriptors = 48;
/** More than at the start, in MiB: code, caches, and memory that the allocator keeps. */
const usualMegabytes = 256;

/** Once its clients are gone, a server gives back what it has held for them. */
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
