import type { ServerResponse } from "node:http";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";
import type { AnswerForm } from "./answer-form.js";
import type { Event, EventLog, EventStream } from "./event-log.js";
import type { ErrorAnswer } from "./json-rpc.js";
import { lineOf } from "./large-literals.js";

/** What is written before the client has to have taken it, in bytes. */
const sliceBytes = 256 * 1024;
/** Between two signs of life on a stream without messages: connections that are silent for longer are closed. */
const keepAliveMs = 15_000;

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
  /** Something was read, or the connection is lost. */
  onRead(): void;
  /** All its requests are answered, or will not be. */
  onComplete(): void;
}

const ended = {
  jsonrpc: "2.0",
  error: { code: -32_001, message: "The session has ended: initialize again." },
  id: null,
};

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
  /** What waits to be written; of the first one `#writtenBytes` have been. */
  #queue: Event<MessageStream>[] = [];
  #writtenBytes = 0;
  #unreadBytes = 0;
  #answers = 0;
  #isWriting = false;
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
      this.#keepAlive = setInterval(() => this.#showLife(), keepAliveMs).unref();
    }
    const missed = last === undefined ? [] : this.#options.log.takeAfter(last);
    for (const event of missed) this.#enqueue(event);
    if (response.destroyed) this.detach();
    else this.#pump();
  }

  /** An event without a message: its id is where a client goes on that has lost the connection before any other. */
  prime(): void {
    this.#add((id) => Buffer.from(`id: ${id}\ndata: \n\n`));
  }

  /** @returns the bytes of the message, 0 where nobody can hear it */
  send(message: JSONRPCMessage | ErrorAnswer): number {
    const { form } = this.#options;
    const isNotice = "method" in message;
    if (form === "json" && (isNotice || !this.isConnected)) return 0;
    const { pieces, release } = lineOf(message);
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    this.#add((id) => (form === "events" ? eventOf(id, pieces) : joined([...this.#before(), ...pieces])));
    release();
    return bytes;
  }

  /** A request was answered, or will not be. */
  settle(id: RequestId): void {
    if (this.#open.delete(id) && this.#open.size === 0) this.#options.onComplete();
    this.#pump();
  }

  /** The client's session ends. */
  end(): void {
    const response = this.#response;
    this.detach();
    if (this.#open.size > 0) this.#options.onComplete();
    this.#open.clear();
    if (response === undefined) return;
    if (this.#options.form === "events") response.end();
    else if (response.headersSent)
      response.destroy(); // the client sees that it is not whole
    else response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify(ended));
  }

  cut(): void {
    const response = this.#response;
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
    this.#writtenBytes = 0;
    this.#isWriting = false;
    this.#unreadBytes = 0;
    this.#options.onRead();
  }

  #before(): Buffer[] {
    this.#answers += 1;
    if (!this.#options.isBatch) return [];
    return [this.#answers === 1 ? mark.open : mark.between];
  }

  #add(frame: (id: string) => Buffer): void {
    const { log } = this.#options;
    const event = log.add(this, frame);
    if (this.isConnected) {
      this.#enqueue(event);
      this.#pump();
    } else {
      log.settle(event);
    }
  }

  #enqueue(event: Event<MessageStream>): void {
    if (this.#queue.length === 0) this.#movedMs = performance.now();
    this.#queue.push(event);
    this.#unreadBytes += event.bytes.length;
  }

  /** Writes as much as the client takes: the next slice once it has taken the last one. */
  #pump(): void {
    const response = this.#response;
    const [event] = this.#queue;
    if (response === undefined || this.#isWriting) return;
    if (event === undefined) {
      if (this.isComplete) this.#finish(response);
      return;
    }
    if (!response.headersSent) this.#writeJsonHead(response, event);
    const slice = event.bytes.subarray(this.#writtenBytes, this.#writtenBytes + sliceBytes);
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
    this.#writtenBytes += bytes;
    if (this.#writtenBytes < event.bytes.length) return;
    this.#queue.shift();
    this.#writtenBytes = 0;
    this.#options.log.settle(event, this.#options.form === "events");
    this.#options.onRead();
  }

  #writeJsonHead(response: ServerResponse, { bytes }: Event): void {
    const length = this.#options.isBatch ? {} : { "content-length": String(bytes.length) };
    response.writeHead(200, { ...this.#headers, "content-type": "application/json", ...length });
  }

  #finish(response: ServerResponse): void {
    const { form, isBatch } = this.#options;
    this.#response = undefined;
    clearInterval(this.#keepAlive);
    if (form === "json" && this.#answers === 0) response.writeHead(202, this.#headers); // all were cancelled
    response.end(form === "json" && isBatch && this.#answers > 0 ? mark.close : undefined);
    this.#options.onRead();
  }

  #showLife(): void {
    if (this.#queue.length === 0) this.#response?.write(": keepalive\n\n");
  }
}

function eventOf(id: string, pieces: readonly Buffer[]): Buffer {
  return joined([Buffer.from(`event: message\nid: ${id}\ndata: `), ...pieces, Buffer.from("\n")]);
}

/** In memory of its own: a part of Node's pool would hold all of it as long as the event is kept. */
function joined(pieces: readonly Buffer[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) at += piece.copy(bytes, at);
  return bytes;
}
