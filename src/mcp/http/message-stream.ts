import type { ServerResponse } from "node:http";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { type Line, lineOf } from "../fast-json/large-literals.js";
import { type ErrorAnswer, errorAnswer } from "../flow/json-rpc.js";
import type { AnswerForm } from "./answer-form.js";
import type { Event, EventLog, EventStream, Frame } from "./event-log.js";

/** What is written before the client has to have taken it, in bytes. */
const sliceBytes = 256 * 1024;
/** A shorter message is kept in one piece. */
const leastPieces = 16 * 1024;

const nothing = Buffer.alloc(0);
const newline = Buffer.from("\n");
const mark = { open: Buffer.from("["), between: Buffer.from(","), close: Buffer.from("]\n") } as const;

export interface MessageStreamOptions {
  readonly form: AnswerForm;
  /** The answers go into an array. */
  readonly isBatch: boolean;
  /** The requests that it answers; with the last answer it ends. None where it is open until the client leaves. */
  readonly requests: readonly RequestId[] | undefined;
  readonly log: EventLog<MessageStream>;
  /** Whose it is. */
  readonly owner: object;
  /** Between two signs of life on a connection without messages. */
  readonly keepAliveMs: number;
  /** Something was read, or the connection is lost. */
  onRead(): void;
  /** All its requests are answered, or will not be. */
  onComplete(): void;
}

/** Why there is no answer to a request. Its status is for a client that waits for JSON. */
const endings = {
  session: {
    ...{ status: 404, code: -32_001, headers: {} },
    message: "The session has ended before this request was answered: initialize again, and look at what was done.",
  },
  server: {
    ...{ status: 503, code: -32_000, headers: { "retry-after": "5" } },
    message:
      "The server is ending, and this request took too long to wait for: look at what was done once it is back, and send it again if need be.",
  },
} as const;

/** What has ended a client's session. */
export type SessionEnd = keyof typeof endings;

/**
 * The messages that answer one request of HTTP, or that come without one. Events outlive their connection: the client
 * may connect again, and hear what it has missed.
 */
export class MessageStream implements EventStream {
  readonly #options: MessageStreamOptions;
  /** Requests that are not answered yet. */
  readonly #open: Set<RequestId>;
  #response: ServerResponse | undefined;
  #headers: Readonly<Record<string, string>> = {};
  /** What waits to be written. */
  #queue: Event<MessageStream>[] = [];
  /** What is left of the first one. */
  #pieces: Buffer[] = [];
  #unreadBytes = 0;
  #answers = 0;
  #isWriting = false;
  #isCut = false;
  /** When something was last taken, or began to wait. */
  #movedMs = 0;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(options: MessageStreamOptions) {
    this.#options = options;
    this.#open = new Set(options.requests);
  }

  get owner(): object {
    return this.#options.owner;
  }

  get isConnected(): boolean {
    return this.#response !== undefined;
  }

  /** Whether all its requests are answered, or cancelled. */
  get isComplete(): boolean {
    return this.#options.requests !== undefined && this.#open.size === 0;
  }

  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  get stalledMs(): number {
    return this.#queue.length === 0 ? 0 : performance.now() - this.#movedMs;
  }

  /** From here on messages go to this response, first those behind `last`, which the client has heard. */
  attach(response: ServerResponse, headers: Readonly<Record<string, string>>, last?: Event<MessageStream>): void {
    this.#response?.destroy(); // the client has given that one up
    this.detach();
    this.#response = response;
    this.#headers = headers;
    response.once("close", () => {
      if (this.#response === response) this.detach();
    });
    if (this.#options.form === "events") {
      const kind = { "content-type": "text/event-stream", "cache-control": "no-cache, no-transform" };
      response.writeHead(200, { ...headers, ...kind, "x-accel-buffering": "no" });
      response.flushHeaders();
    }
    this.#keepAlive = setInterval(() => this.#showLife(), this.#options.keepAliveMs).unref();
    const missed = last === undefined ? [] : this.#options.log.takeAfter(last);
    for (const event of missed) this.#enqueue(event);
    if (response.destroyed) this.detach();
    else this.#pump();
  }

  /** An event without a message: its id is where a client goes on that has lost the connection before any other. */
  prime(): void {
    const line = { pieces: [], release: () => undefined };
    this.#add((id) => frameOf([Buffer.from(`id: ${id}\ndata: \n\n`)], line, []));
  }

  /** @returns the bytes of the message, 0 where nobody can hear it */
  send(message: JSONRPCMessage | ErrorAnswer): number {
    const { form } = this.#options;
    const isNotice = "method" in message;
    if (this.#isCut || (form === "json" && (isNotice || !this.isConnected))) return 0;
    const line = lineOf(message);
    const [before, after] = form === "events" ? [] : [this.#before(), []];
    const event = this.#add((id) => frameOf(before ?? headOf(id), line, after ?? [newline]));
    return event.frame.bytes;
  }

  /** A request was answered, or will not be. */
  settle(id: RequestId): void {
    if (this.#open.delete(id) && this.#open.size === 0) this.#options.onComplete();
    this.#pump();
  }

  /** The client's session ends: requests that are not answered yet are told so, unless others are half answered. */
  end(why: SessionEnd): void {
    const response = this.#response;
    const isWhole = this.#isWhole;
    const open = [...this.#open];
    this.detach();
    this.#open.clear();
    if (open.length > 0) this.#options.onComplete();
    if (response === undefined) return;
    if (!isWhole) {
      response.destroy(); // the client sees that it is not whole
      return;
    }
    const { status, code, message, headers } = endings[why];
    if (!response.headersSent) {
      response.writeHead(status, { ...headers, "content-type": "application/json" });
    }
    const errors = open.map((id) => JSON.stringify(errorAnswer(id, code, message)));
    response.end(Buffer.concat([...errors.flatMap((error) => this.#whole(error)), this.#tail]));
  }

  cut(): void {
    const response = this.#response;
    this.#isCut = true; // a client that comes back would miss something
    this.detach();
    response?.destroy();
  }

  /** The connection is lost. Events are kept for the next one; an answer in JSON can reach nobody. */
  detach(): void {
    this.#response = undefined;
    clearInterval(this.#keepAlive);
    const isKept = this.#options.form === "events";
    for (const event of this.#queue) this.#options.log.settle(event, isKept);
    this.#queue = [];
    this.#pieces = [];
    this.#isWriting = false;
    this.#unreadBytes = 0;
    this.#options.onRead();
  }

  /** Whether all that was to be said is said, or on its way. */
  get #isWhole(): boolean {
    const isLastOnItsWay = this.#isWriting && this.#pieces.length === 0;
    return this.#queue.length === (isLastOnItsWay ? 1 : 0);
  }

  /** What stands behind the last answer. */
  get #tail(): Buffer {
    const { form, isBatch } = this.#options;
    return form === "json" && isBatch && this.#answers > 0 ? mark.close : nothing;
  }

  /** A message that is not kept, as it goes over the wire. */
  #whole(json: string): Buffer[] {
    const message = Buffer.from(json);
    if (this.#options.form === "json") return [...this.#before(), message];
    return [Buffer.from("event: message\ndata: "), message, Buffer.from("\n\n")];
  }

  #before(): Buffer[] {
    this.#answers += 1;
    if (!this.#options.isBatch) return [];
    return [this.#answers === 1 ? mark.open : mark.between];
  }

  #add(frameOf: (id: string) => Frame): Event<MessageStream> {
    const { log } = this.#options;
    const event = log.add(this, frameOf);
    if (this.isConnected) {
      this.#enqueue(event);
      this.#pump();
    } else {
      log.settle(event);
    }
    return event;
  }

  #enqueue(event: Event<MessageStream>): void {
    if (this.#queue.length === 0) this.#movedMs = performance.now();
    this.#queue.push(event);
    this.#unreadBytes += event.frame.bytes;
  }

  /** Writes as much as the client takes: the next piece once it has taken the last one. */
  #pump(): void {
    const response = this.#response;
    const [event] = this.#queue;
    if (response === undefined || this.#isWriting) return;
    if (event === undefined) {
      if (this.isComplete) this.#finish(response);
      return;
    }
    if (!response.headersSent) this.#writeJsonHead(response, event.frame);
    if (this.#pieces.length === 0) this.#pieces = [...event.frame.pieces];
    const piece = this.#pieces.shift() ?? nothing;
    if (piece.length > sliceBytes) this.#pieces.unshift(piece.subarray(sliceBytes));
    const slice = piece.subarray(0, sliceBytes);
    this.#isWriting = true;
    response.write(slice, (error) => {
      if (error || this.#response !== response) return; // the response closes, or has
      this.#isWriting = false;
      this.#take(event, slice.length);
      this.#pump();
    });
  }

  #take(event: Event<MessageStream>, bytes: number): void {
    this.#movedMs = performance.now();
    this.#unreadBytes -= bytes;
    if (this.#pieces.length > 0) return;
    this.#queue.shift();
    this.#options.log.settle(event, this.#options.form === "events");
    this.#options.onRead();
  }

  /** @param only the one message that there will be, as far as is known */
  #writeJsonHead(response: ServerResponse, only?: Frame): void {
    const isOnly = only !== undefined && !this.#options.isBatch;
    const length = isOnly ? { "content-length": String(only.bytes) } : {};
    response.writeHead(200, { ...this.#headers, "content-type": "application/json", ...length });
  }

  #finish(response: ServerResponse): void {
    this.#response = undefined;
    clearInterval(this.#keepAlive);
    if (!response.headersSent) response.writeHead(202, this.#headers); // all were cancelled
    response.end(this.#tail);
    this.#options.onRead();
  }

  /** Connections that are silent for long are closed. A comment is no event, and white space before JSON no part of it. */
  #showLife(): void {
    const response = this.#response;
    if (response === undefined || this.#queue.length > 0) return;
    if (!response.headersSent) this.#writeJsonHead(response);
    response.write(this.#options.form === "events" ? ": keepalive\n\n" : " ");
  }
}

function headOf(id: string): Buffer[] {
  return [Buffer.from(`event: message\nid: ${id}\ndata: `)];
}

/** Short pieces are put together, so that each write is worth it, in memory of their own: parts of Node's pool hold all of it. */
function frameOf(before: readonly Buffer[], line: Line, after: readonly Buffer[]): Frame {
  const pieces: Buffer[] = [];
  let short: Buffer[] = [];
  const join = (): void => {
    if (short.length > 0) pieces.push(joined(short));
    short = [];
  };
  for (const piece of [...before, ...line.pieces, ...after]) {
    if (piece.length < leastPieces) {
      short.push(piece);
    } else {
      join();
      pieces.push(piece);
    }
  }
  join();
  return { pieces, bytes: bytesOf(pieces), release: line.release };
}

function joined(pieces: readonly Buffer[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(bytesOf(pieces));
  let at = 0;
  for (const piece of pieces) at += piece.copy(bytes, at);
  return bytes;
}

function bytesOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
