import type { JSONRPCRequest, RequestId } from "@modelcontextprotocol/sdk/types.js";

export interface CallQueueLimits {
  /** Requests that are with the server at once. */
  readonly maxConcurrentCalls: number;
  readonly maxWaitingCalls: number;
}

interface WaitingCall {
  readonly request: JSONRPCRequest;
  readonly bytes: number;
}

/** The requests that are not answered yet, each id once: those with the server, and those that wait for it. */
export class CallQueue {
  readonly #limits: CallQueueLimits;
  /** In the order of their arrival. */
  readonly #waiting = new Map<RequestId, WaitingCall>();
  readonly #running = new Set<RequestId>();
  #waitingBytes = 0;

  constructor(limits: CallQueueLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0;
  }

  get isFull(): boolean {
    return this.#waiting.size >= this.#limits.maxWaitingCalls;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running.size;
  }

  /** What the waiting requests took on the wire. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  isWaiting(id: RequestId): boolean {
    return this.#waiting.has(id);
  }

  isRunning(id: RequestId): boolean {
    return this.#running.has(id);
  }

  /** Puts a request at the end. */
  add(request: JSONRPCRequest, bytes: number): void {
    this.#waiting.set(request.id, { request, bytes });
    this.#waitingBytes += bytes;
  }

  /** The next request for the server, which counts as running from here; undefined where none may start now. */
  next(): JSONRPCRequest | undefined {
    if (this.#running.size >= this.#limits.maxConcurrentCalls) return undefined;
    const [first] = this.#waiting.values();
    if (first === undefined) return undefined;
    this.withdraw(first.request.id);
    this.run(first.request.id);
    return first.request;
  }

  /** Counts a request as running that did not wait. */
  run(id: RequestId): void {
    this.#running.add(id);
  }

  /** The request will not be answered any more, or has been. */
  settle(id: RequestId): void {
    this.#running.delete(id);
  }

  /** Takes a waiting request out. */
  withdraw(id: RequestId): void {
    this.#waitingBytes -= this.#waiting.get(id)?.bytes ?? 0;
    this.#waiting.delete(id);
  }

  clear(): void {
    this.#waiting.clear();
    this.#running.clear();
    this.#waitingBytes = 0;
  }
}
