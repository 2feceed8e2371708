import type { CallFlow } from "./call-flow.js";

export interface CallTurnsLimits {
  /** Requests of all clients that are with the server at once. */
  readonly maxConcurrentCalls: number;
  /** What all clients together may leave unread, with what is expected of the running requests, in bytes. */
  readonly maxHeldBytes: number;
}

/**
 * Lets the requests of many clients start, one of each client in turn, as far as they have room together. The event
 * loop runs between two rounds, so that a client with many requests does not keep the others waiting.
 */
export class CallTurns {
  readonly #limits: CallTurnsLimits;
  readonly #unreadBytes: () => number;
  /** Who had a turn longest ago comes first. */
  #flows: CallFlow[] = [];
  #isScheduled = false;

  /** @param unreadBytes of all clients together */
  constructor(limits: CallTurnsLimits, unreadBytes: () => number) {
    this.#limits = limits;
    this.#unreadBytes = unreadBytes;
  }

  add(flow: CallFlow): void {
    this.#flows.push(flow);
  }

  remove(flow: CallFlow): void {
    this.#flows = this.#flows.filter((other) => other !== flow);
    this.advance();
  }

  /** Whether requests wait, while a good part of what clients may leave unread is. */
  get isHeldUp(): boolean {
    return this.#flows.some(({ isWaiting }) => isWaiting) && this.#unreadBytes() > this.#limits.maxHeldBytes / 2;
  }

  /** To be called whenever a request has come or gone, or something was read. */
  advance(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#round()) this.advance();
    });
  }

  /** @returns whether a request was started */
  #round(): boolean {
    const started: CallFlow[] = [];
    for (const flow of this.#flows) {
      if (flow.isWaiting && this.#mayStart(flow) && flow.startNext()) started.push(flow);
    }
    this.#flows = [...this.#flows.filter((flow) => !started.includes(flow)), ...started];
    return started.length > 0;
  }

  /** What others leave unread does not soon keep a client from one request at a time. */
  #mayStart(flow: CallFlow): boolean {
    const { maxConcurrentCalls, maxHeldBytes } = this.#limits;
    if (this.#sum(({ running }) => running) >= maxConcurrentCalls) return false;
    const expectedBytes = this.#sum(({ expectedBytes }) => expectedBytes);
    const unreadBytes = this.#unreadBytes();
    if (flow.isQuiet && unreadBytes <= 2 * maxHeldBytes) return true;
    return unreadBytes + expectedBytes <= maxHeldBytes;
  }

  #sum(of: (flow: CallFlow) => number): number {
    return this.#flows.reduce((sum, flow) => sum + of(flow), 0);
  }
}
