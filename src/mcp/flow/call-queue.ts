import type { JSONRPCRequest, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { addClaims, addWaitingClaims, areFree, type Claims, claimsOf, isUncertain } from "./call-claims.js";
import { type Work, workOn } from "./call-work.js";
import { SessionKeys } from "./session-keys.js";

export interface CallQueueLimits {
  /** How many requests the server works on at once. */
  readonly maxConcurrentCalls: number;
  readonly maxWaitingCalls: number;
}

interface Call {
  readonly request: JSONRPCRequest;
  /** The size of the request as it was received. */
  readonly bytes: number;
  claims: Claims;
}

/**
 * Holds the requests of one client that wait or run. Each id occurs once. Requests that use the same things run in the
 * order of their arrival; other requests run concurrently. A request waits only for earlier ones, so none waits
 * forever.
 */
export class CallQueue {
  readonly #limits: CallQueueLimits;
  readonly #onFreed: () => void;
  readonly #sessions = new SessionKeys();
  /** In the order of their arrival. */
  readonly #waiting = new Map<RequestId, Call>();
  /** The value is undefined for a request that uses nothing. */
  readonly #running = new Map<RequestId, Call | undefined>();
  /** Calls that were cancelled while their work goes on. Requests that use the same things wait for its end. */
  readonly #lingering = new Set<Call>();
  #waitingBytes = 0;
  /**
   * What the running calls use, and the waiting calls that were checked already. Undefined if it has to be computed
   * again, because a call has ended.
   */
  #used: Map<string, string> | undefined;
  /** The waiting calls that were not checked since `#used` was computed. */
  #unchecked = new Set<Call>();

  /** @param onFreed called when the work on a cancelled request has ended, so that others may start */
  constructor(limits: CallQueueLimits, onFreed: () => void = () => undefined) {
    this.#limits = limits;
    this.#onFreed = onFreed;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0;
  }

  get isFull(): boolean {
    return this.#waiting.size >= this.#limits.maxWaitingCalls;
  }

  /** The number of waiting requests. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The number of running requests. */
  get running(): number {
    return this.#running.size;
  }

  /** The size of the waiting requests as they were received. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  isWaiting(id: RequestId): boolean {
    return this.#waiting.has(id);
  }

  isRunning(id: RequestId): boolean {
    return this.#running.has(id);
  }

  /** Appends a request to the queue. */
  add(request: JSONRPCRequest, bytes: number): void {
    const call = { request, bytes, claims: claimsOf(request, this.#sessions) };
    this.#waiting.set(request.id, call);
    this.#unchecked.add(call);
    this.#waitingBytes += bytes;
  }

  /**
   * Starts the oldest request that does not have to wait for an earlier one: it counts as running from now on. Returns
   * undefined if none may start now.
   */
  next(): JSONRPCRequest | undefined {
    if (this.#waiting.size === 0 || this.#running.size >= this.#limits.maxConcurrentCalls) return undefined;
    const used = this.#used ?? this.#recompute();
    for (const call of this.#unchecked) {
      this.#unchecked.delete(call);
      if (areFree(used, call.claims)) return this.#start(call, used);
      addWaitingClaims(used, call.claims);
    }
    return undefined;
  }

  /** Computes `#used` from the running calls. The waiting calls have to be checked again. */
  #recompute(): Map<string, string> {
    const used = new Map<string, string>();
    for (const call of this.#running.values()) if (call !== undefined) addClaims(used, call.claims);
    for (const { claims } of this.#lingering) addClaims(used, claims);
    this.#unchecked = new Set(this.#waiting.values());
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

  /** Counts a request as running without any waiting. */
  run(id: RequestId): void {
    this.#running.set(id, undefined);
  }

  /** Call this when a request was answered, or when it is certain that it will not be. */
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
      if (this.#lingering.delete(call)) this.#onFreed();
    });
  }

  /** When the key of a session becomes known, calls on this session claim less. */
  #learn({ result }: Work): void {
    if (!this.#sessions.learn(result?.["structuredContent"])) return;
    for (const call of [...this.#running.values(), ...this.#waiting.values(), ...this.#lingering]) {
      if (call !== undefined && isUncertain(call.claims)) call.claims = claimsOf(call.request, this.#sessions);
    }
  }

  /** Removes a waiting request. */
  remove(id: RequestId): void {
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
