import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { serverErrorCode } from "../flow/json-rpc.js";
import { BodyBudget, type Reservation } from "./body-budget.js";
import { type HttpExchange, RefusedRequest } from "./http-exchange.js";

export interface HttpBodiesLimits {
  readonly maxMcpBodyBytes: number;
  readonly maxSmallBodyBytes: number;
  readonly maxSmallBodiesBytes: number;
  readonly maxWaitingBodies: number;
  readonly stalledMs: number;
}

export interface HttpBody {
  readonly bytes: Buffer;
  /** Call this when its requests are answered, so that other bodies may use the memory. */
  release(): void;
}

/** Reads request bodies into memory, within two budgets: one for small bodies and one for the others. */
export class HttpBodies {
  readonly #limits: HttpBodiesLimits;
  readonly #small: BodyBudget;
  readonly #large: BodyBudget;
  readonly #reading = new Set<HttpExchange>();
  #isClosed = false;

  constructor(limits: HttpBodiesLimits) {
    this.#limits = limits;
    this.#small = new BodyBudget(limits.maxSmallBodiesBytes, limits.stalledMs);
    this.#large = new BodyBudget(limits.maxMcpBodyBytes, limits.stalledMs);
  }

  /** @throws RefusedRequest, or the error of a connection that broke */
  async read(exchange: HttpExchange): Promise<HttpBody> {
    const { maxSmallBodyBytes } = this.#limits;
    const { length } = exchange.body;
    if ((length ?? 0) > this.#limits.maxMcpBodyBytes) throw this.#tooLarge();
    const reading = new BodyReading(exchange);
    this.#reading.add(exchange);
    if (this.#isClosed) exchange.body.stop();
    try {
      const isSmall = (length ?? 0) <= maxSmallBodyBytes;
      await this.#reserve(reading, isSmall ? this.#small : this.#large, length ?? maxSmallBodyBytes);
      await this.#fill(reading, length ?? maxSmallBodyBytes);
      return reading.complete();
    } catch (error) {
      reading.release();
      throw error;
    } finally {
      this.#reading.delete(exchange);
    }
  }

  /** Refuses the bodies that have not arrived completely. */
  close(): void {
    this.#isClosed = true;
    for (const { body } of this.#reading) body.stop();
  }

  async #reserve(reading: BodyReading, budget: BodyBudget, bytes: number): Promise<void> {
    if (budget.waiting >= this.#limits.maxWaitingBodies) throw busy();
    await reading.reserve(budget, bytes);
  }

  /** @param bytes how much is reserved already */
  async #fill(reading: BodyReading, bytes: number): Promise<void> {
    const { body } = reading.exchange;
    let reservedBytes = bytes;
    for (;;) {
      const block = await body.next();
      if (reading.isEvicted) throw tooSlow();
      if (block === undefined) break;
      if (reading.bytes + block.length > this.#limits.maxMcpBodyBytes) throw this.#tooLarge();
      if (reading.bytes + block.length > reservedBytes) {
        reservedBytes = this.#limits.maxMcpBodyBytes; // the client did not say how long the body is
        await this.#reserve(reading, this.#large, reservedBytes);
      }
      reading.add(block);
    }
    if (body.isUnread) throw serverEnding();
  }

  #tooLarge(): RefusedRequest {
    const message = `The body of a request may have at most ${this.#limits.maxMcpBodyBytes} bytes: send the content in smaller chunks, or send the file itself to the url of an upload session.`;
    return new RefusedRequest(413, ErrorCode.InvalidRequest, message);
  }
}

/** A body that is being read, with its reservations. */
class BodyReading {
  readonly exchange: HttpExchange;
  /** How much has arrived. */
  bytes = 0;
  /** Whether the client sent nothing while others waited. */
  isEvicted = false;
  readonly #reservations: { readonly budget: BodyBudget; readonly reservation: Reservation }[] = [];
  readonly #blocks: Uint8Array[] = [];

  constructor(exchange: HttpExchange) {
    this.exchange = exchange;
  }

  async reserve(budget: BodyBudget, bytes: number): Promise<void> {
    const reservation = { bytes, progress: () => this.bytes, evict: () => this.#evict() };
    // The client is not slow while it waits for us, so the reservations so far must not be evicted.
    for (const earlier of this.#reservations) earlier.budget.complete(earlier.reservation, this.bytes);
    this.#reservations.push({ budget, reservation });
    const release = (): void => budget.release(reservation);
    this.exchange.response.once("close", release); // a client that has gone does not wait
    await budget.reserve(reservation);
    this.exchange.response.off("close", release);
  }

  add(block: Uint8Array): void {
    this.#blocks.push(block);
    this.bytes += block.length;
  }

  complete(): HttpBody {
    const [last, ...earlier] = [...this.#reservations].reverse();
    last?.budget.complete(last.reservation, this.bytes);
    for (const { budget, reservation } of earlier) budget.release(reservation);
    return { bytes: Buffer.concat(this.#blocks.splice(0)), release: () => this.release() };
  }

  release(): void {
    for (const { budget, reservation } of this.#reservations.splice(0)) budget.release(reservation);
  }

  #evict(): void {
    this.isEvicted = true;
    this.exchange.body.stop();
  }
}

function tooSlow(): RefusedRequest {
  const message = "The body brought no bytes while other requests waited for memory: send it again, in smaller chunks.";
  return new RefusedRequest(408, serverErrorCode, message);
}

function busy(): RefusedRequest {
  const message = "Too many requests wait for memory: send this one again in a second.";
  return new RefusedRequest(503, serverErrorCode, message, { "retry-after": "1" });
}

export function serverEnding(): RefusedRequest {
  const message = "The server is ending: send this request again when it is back.";
  return new RefusedRequest(503, serverErrorCode, message, { "retry-after": "5" });
}
