import type { CallFlow } from "./call-flow.js";

export interface CallTurnsLimits {
  /** How many requests the server works on at once, for all clients together. */
  readonly maxConcurrentCalls: number;
  /** The size of all unread answers of all clients, together with the expected answers to running requests. */
  readonly maxHeldBytes: number;
}

/**
 * Starts the requests of many clients in round-robin order, within limits for all clients together. The event loop runs
 * between two rounds, so that a client with many requests does not keep the others waiting.
 */
export class CallTurns {
  readonly #limits: CallTurnsLimits;
  readonly #unreadBytes: () => number;
  /** The client whose last turn is longest ago comes first. */
  #flows: CallFlow[] = [];
  #isScheduled = false;

  /** @param unreadBytes returns the size of the unread answers of all clients */
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

  /** Whether requests wait while more than half of the limit for unread answers is in use. */
  get isHeldUp(): boolean {
    return this.#flows.some(({ isWaiting }) => isWaiting) && this.#unreadBytes() > this.#limits.maxHeldBytes / 2;
  }

  /** Call this when a request came or ended, and when a client has read something. */
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

  /** A client may run one request at a time until the others leave twice the limit unread. */
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
