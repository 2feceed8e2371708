import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { BodyRoom, type Guest } from "./body-room.js";
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
  /** Its requests are answered: others may use its room. */
  leave(): void;
}

/** JSON-RPC leaves the codes from -32000 to -32099 to the server. */
const serverBusy = -32_000;

/** Reads the bodies of requests into memory, no more of them at a time than what two rooms hold: small ones and others. */
export class HttpBodies {
  readonly #limits: HttpBodiesLimits;
  readonly #small: BodyRoom;
  readonly #large: BodyRoom;
  readonly #reading = new Set<HttpExchange>();
  #isClosed = false;

  constructor(limits: HttpBodiesLimits) {
    this.#limits = limits;
    this.#small = new BodyRoom(limits.maxSmallBodiesBytes, limits.stalledMs);
    this.#large = new BodyRoom(limits.maxMcpBodyBytes, limits.stalledMs);
  }

  /** @throws RefusedRequest; whatever has broken the body */
  async read(exchange: HttpExchange): Promise<HttpBody> {
    const { maxSmallBodyBytes } = this.#limits;
    const { length } = exchange.body;
    if ((length ?? 0) > this.#limits.maxMcpBodyBytes) throw this.#tooLarge();
    const reading = new Reading(exchange);
    this.#reading.add(exchange);
    if (this.#isClosed) exchange.body.stop();
    try {
      const isSmall = (length ?? 0) <= maxSmallBodyBytes;
      await this.#enter(reading, isSmall ? this.#small : this.#large, length ?? maxSmallBodyBytes);
      await this.#fill(reading, length ?? maxSmallBodyBytes);
      return reading.complete();
    } catch (error) {
      reading.leave();
      throw error;
    } finally {
      this.#reading.delete(exchange);
    }
  }

  /** Bodies that are not whole yet are refused. */
  close(): void {
    this.#isClosed = true;
    for (const { body } of this.#reading) body.stop();
  }

  async #enter(reading: Reading, room: BodyRoom, bytes: number): Promise<void> {
    if (room.waiting >= this.#limits.maxWaitingBodies) throw busy();
    await reading.enter(room, bytes);
  }

  /** @param bytes what may come before there has to be more room */
  async #fill(reading: Reading, bytes: number): Promise<void> {
    const { body } = reading.exchange;
    let roomBytes = bytes;
    for (;;) {
      const block = await body.next();
      if (reading.isExpelled) throw tooSlow();
      if (block === undefined) break;
      if (reading.bytes + block.length > this.#limits.maxMcpBodyBytes) throw this.#tooLarge();
      if (reading.bytes + block.length > roomBytes) {
        roomBytes = this.#limits.maxMcpBodyBytes; // its length was not told
        await this.#enter(reading, this.#large, roomBytes);
      }
      reading.hold(block);
    }
    if (body.isUnread) throw ending();
  }

  #tooLarge(): RefusedRequest {
    const message = `A request takes at most ${this.#limits.maxMcpBodyBytes} bytes here: send the content in smaller chunks, or send the file itself to the url of an upload session.`;
    return new RefusedRequest(413, ErrorCode.InvalidRequest, message);
  }
}

/** One body on its way. */
class Reading {
  readonly exchange: HttpExchange;
  /** What has come so far. */
  bytes = 0;
  /** Its client brought nothing while others waited. */
  isExpelled = false;
  readonly #places: { readonly room: BodyRoom; readonly guest: Guest }[] = [];
  readonly #blocks: Uint8Array[] = [];

  constructor(exchange: HttpExchange) {
    this.exchange = exchange;
  }

  async enter(room: BodyRoom, bytes: number): Promise<void> {
    const guest = { bytes, progress: () => this.bytes, expel: () => this.#expel() };
    for (const place of this.#places) place.room.complete(place.guest, this.bytes); // it is us that it waits for
    this.#places.push({ room, guest });
    const leave = (): void => room.leave(guest);
    this.exchange.response.once("close", leave); // who has gone waits no more
    await room.enter(guest);
    this.exchange.response.off("close", leave);
  }

  hold(block: Uint8Array): void {
    this.#blocks.push(block);
    this.bytes += block.length;
  }

  complete(): HttpBody {
    const [first, ...more] = [...this.#places].reverse();
    first?.room.complete(first.guest, this.bytes);
    for (const { room, guest } of more) room.leave(guest);
    return { bytes: Buffer.concat(this.#blocks.splice(0)), leave: () => this.leave() };
  }

  leave(): void {
    for (const { room, guest } of this.#places.splice(0)) room.leave(guest);
  }

  #expel(): void {
    this.isExpelled = true;
    this.exchange.body.stop();
  }
}

function tooSlow(): RefusedRequest {
  const message = "The body brought nothing while others waited for room: send it again, in smaller chunks.";
  return new RefusedRequest(408, serverBusy, message);
}

function busy(): RefusedRequest {
  const message = "Too many requests wait for room: send this one again in a second.";
  return new RefusedRequest(503, serverBusy, message, { "retry-after": "1" });
}

export function ending(): RefusedRequest {
  const message = "The server is ending: send this request again once it is back.";
  return new RefusedRequest(503, serverBusy, message, { "retry-after": "5" });
}
