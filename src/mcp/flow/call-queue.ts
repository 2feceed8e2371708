import type { JSONRPCRequest, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { addClaims, addWaitingClaims, areFree, type Claims, claimsOf, isUncertain } from "./call-claims.js";
import { type Work, workOn } from "./call-work.js";
import { SessionKeys } from "./session-keys.js";

export interface CallQueueLimits {
  /** Requests that are with the server at once. */
  readonly maxConcurrentCalls: number;
  readonly maxWaitingCalls: number;
}

interface Call {
  readonly request: JSONRPCRequest;
  /** What it took on the wire. */
  readonly bytes: number;
  claims: Claims;
}

/**
 * The requests of one client that are not answered yet, each id once: those with the server, and those that wait for
 * it. Requests that use the same things run in the order of their arrival, the others side by side: a request waits for
 * earlier ones alone, so each has its turn.
 */
export class CallQueue {
  readonly #limits: CallQueueLimits;
  readonly #onFree: () => void;
  readonly #sessions = new SessionKeys();
  /** In the order of their arrival. */
  readonly #waiting = new Map<RequestId, Call>();
  /** Undefined for those that use nothing. */
  readonly #running = new Map<RequestId, Call | undefined>();
  /** Cancelled, and still worked on: the next one has to wait for the end of it. */
  readonly #lingering = new Set<Call>();
  #waitingBytes = 0;
  /** What the calls use that were looked at since one of them last let go of something; undefined if none was. */
  #used: Map<string, string> | undefined;
  /** Waiting calls that were not looked at since. */
  #unseen = new Set<Call>();

  /** @param onFree a request that was cancelled is worked on no more, and those behind it may start */
  constructor(limits: CallQueueLimits, onFree: () => void = () => undefined) {
    this.#limits = limits;
    this.#onFree = onFree;
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
    const call = { request, bytes, claims: claimsOf(request, this.#sessions) };
    this.#waiting.set(request.id, call);
    this.#unseen.add(call);
    this.#waitingBytes += bytes;
  }

  /**
   * The request for the server that arrived first of those that nothing earlier stands in the way of, which counts as
   * running from here; undefined where none may start now.
   */
  next(): JSONRPCRequest | undefined {
    if (this.#waiting.size === 0 || this.#running.size >= this.#limits.maxConcurrentCalls) return undefined;
    const used = this.#used ?? this.#lookAgain();
    for (const call of this.#unseen) {
      this.#unseen.delete(call);
      if (areFree(used, call.claims)) return this.#start(call, used);
      addWaitingClaims(used, call.claims);
    }
    return undefined;
  }

  /** Looks at all calls again: those that wait are unseen. */
  #lookAgain(): Map<string, string> {
    const used = new Map<string, string>();
    for (const call of this.#running.values()) if (call !== undefined) addClaims(used, call.claims);
    for (const { claims } of this.#lingering) addClaims(used, claims);
    this.#unseen = new Set(this.#waiting.values());
    this.#used = used;
    return used;
  }

  #start(call: Call, used: Map<string, string>): JSONRPCRequest {
    const { request, bytes, claims } = call;
    this.#waiting.delete(request.id);
    this.#waitingBytes -= bytes;
    this.#running.set(request.id, call);
    addClaims(used, claims);
    return request;
  }

  /** Counts a request as running that did not wait. */
  run(id: RequestId): void {
    this.#running.set(id, undefined);
  }

  /** The request will not be answered any more, or has been. */
  settle(id: RequestId): void {
    const call = this.#running.get(id);
    this.#running.delete(id);
    if (call === undefined) return;
    this.#used = undefined;
    const work = workOn(call.request);
    if (work === undefined) return;
    if (work.hasEnded) this.#learn(work);
    else this.#linger(call, work);
  }

  #linger(call: Call, work: Work): void {
    this.#lingering.add(call);
    void work.ended.then(() => {
      this.#used = undefined;
      this.#learn(work);
      if (this.#lingering.delete(call)) this.#onFree();
    });
  }

  /** Calls on a session whose key was not known stand in the way of fewer others once it is. */
  #learn({ result }: Work): void {
    if (!this.#sessions.learn(result?.["structuredContent"])) return;
    for (const call of [...this.#running.values(), ...this.#waiting.values(), ...this.#lingering]) {
      if (call !== undefined && isUncertain(call.claims)) call.claims = claimsOf(call.request, this.#sessions);
    }
  }

  /** Takes a waiting request out. */
  withdraw(id: RequestId): void {
    this.#waitingBytes -= this.#waiting.get(id)?.bytes ?? 0;
    this.#waiting.delete(id);
    this.#used = undefined;
  }

  clear(): void {
    this.#waiting.clear();
    this.#running.clear();
    this.#lingering.clear();
    this.#used = undefined;
    this.#waitingBytes = 0;
  }
}
