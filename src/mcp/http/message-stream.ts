import type { ServerResponse } from "node:http";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { serializeMessage } from "../fast-json/fast-json.js";
import { type ErrorAnswer, errorAnswer, serverErrorCode } from "../flow/json-rpc.js";
import type { AnswerForm } from "./answer-form.js";
import type { Event, EventLog, EventStream } from "./event-log.js";
import { EventWriter } from "./event-writer.js";
import { sessionNotFoundCode } from "./http-exchange.js";
import { eventFrame, type Frame, jsonFrame, primingFrame } from "./message-frame.js";

export interface MessageStreamOptions {
  readonly form: AnswerForm;
  /** Whether the answers form an array. */
  readonly isBatch: boolean;
  /** The requests to answer: the stream ends after the last answer. If undefined, it stays open until the client leaves. */
  readonly requests: readonly RequestId[] | undefined;
  readonly log: EventLog<MessageStream>;
  /** The client that the stream belongs to. */
  readonly owner: object;
  /** How often something is sent on a connection without messages. */
  readonly keepAliveMs: number;
  /** Called when the client has read something, and when the connection is lost. */
  onRead(): void;
  /** Called when every request was answered, or when it is certain that the rest will not be. */
  onComplete(): void;
}

interface Ending {
  /** For a client that waits for JSON. */
  readonly status: number;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly message: string;
}

/** What has ended a client's session. */
export type SessionEnd = "session" | "server";

/** Why a request has no answer. */
const endings: Readonly<Record<SessionEnd, Ending>> = {
  session: {
    status: 404,
    code: sessionNotFoundCode,
    headers: {},
    message: "The session has ended before this request was answered: initialize again, and look at what was done.",
  },
  server: {
    status: 503,
    code: serverErrorCode,
    headers: { "retry-after": "5" },
    message:
      "The server is ending and could not wait for this request: look at what was done when it is back, and send the request again if necessary.",
  },
};

/**
 * Sends the messages that answer one HTTP request, or those that belong to no request. Events outlive their connection:
 * the client may connect again and receive what it has missed.
 */
export class MessageStream implements EventStream {
  readonly #options: MessageStreamOptions;
  /** The requests that are not answered yet. */
  readonly #open: Set<RequestId>;
  readonly #writer: EventWriter<MessageStream>;
  #headers: Readonly<Record<string, string>> = {};
  /** The number of messages in a JSON body so far. */
  #messages = 0;
  /** Whether the log has dropped messages, so that a client that connects again would miss them. */
  #isBroken = false;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(options: MessageStreamOptions) {
    this.#options = options;
    this.#open = new Set(options.requests);
    this.#writer = new EventWriter<MessageStream>({
      onWritten: (event) => {
        options.log.settle(event, this.#isReplayable);
        options.onRead();
      },
      onIdle: (response) => {
        if (this.isComplete) this.#finish(response);
      },
    });
  }

  get owner(): object {
    return this.#options.owner;
  }

  get isConnected(): boolean {
    return this.#writer.response !== undefined;
  }

  /** Whether every request was answered or cancelled. */
  get isComplete(): boolean {
    return this.#options.requests !== undefined && this.#open.size === 0;
  }

  get unreadBytes(): number {
    return this.#writer.unreadBytes;
  }

  get stalledMs(): number {
    return this.#writer.stalledMs;
  }

  /** Sends messages to this response from now on, first those after `last`, the last one that the client received. */
  attach(response: ServerResponse, headers: Readonly<Record<string, string>>, last?: Event<MessageStream>): void {
    this.#writer.response?.destroy(); // the client has replaced this connection
    this.detach();
    this.#writer.connect(response);
    this.#headers = headers;
    response.once("close", () => {
      if (this.#writer.response === response) this.detach();
    });
    if (this.#options.form === "events") {
      const kind = { "content-type": "text/event-stream", "cache-control": "no-cache, no-transform" };
      response.writeHead(200, { ...headers, ...kind, "x-accel-buffering": "no" });
      response.flushHeaders();
    }
    this.#keepAlive = setInterval(() => this.#sendKeepAlive(), this.#options.keepAliveMs).unref();
    const missed = last === undefined ? [] : this.#options.log.takeAfter(last);
    for (const event of missed) this.#writer.add(event);
    if (response.destroyed) this.detach();
    else this.#writer.advance();
  }

  /** Sends an event without a message. A client that loses the connection before the first message resumes from it. */
  prime(): void {
    this.#add(primingFrame);
  }

  /** @returns the size of the message; 0 if it was dropped because no client can receive it */
  send(message: JSONRPCMessage | ErrorAnswer): number {
    const isNotice = "method" in message;
    const isEvents = this.#options.form === "events";
    if (this.#isBroken || (!isEvents && (isNotice || !this.isConnected))) return 0;
    const serialized = serializeMessage(message);
    const separator = isEvents ? "" : this.#nextSeparator();
    const event = this.#add((id) => (isEvents ? eventFrame(id, serialized) : jsonFrame(separator, serialized)));
    return event.frame.bytes;
  }

  /** Call this when a request was answered, or when it is certain that it will not be. */
  settle(id: RequestId): void {
    if (this.#open.delete(id) && this.#open.size === 0) this.#options.onComplete();
    this.#writer.advance();
  }

  /** Ends the stream with the session. Open requests get an error, unless an earlier message was sent only in part. */
  end(why: SessionEnd): void {
    const { response, isBetweenEvents } = this.#writer;
    const open = [...this.#open];
    this.detach();
    this.#open.clear();
    if (open.length > 0) this.#options.onComplete();
    if (response === undefined) return;
    if (!isBetweenEvents) {
      response.destroy(); // so the client sees that the last message is incomplete
      return;
    }
    const { status, code, message, headers } = endings[why];
    if (!response.headersSent) {
      response.writeHead(status, { ...headers, "content-type": "application/json" });
    }
    const errors = open.map((id) => this.#lastMessage(JSON.stringify(errorAnswer(id, code, message))));
    response.end(errors.join("") + this.#closing);
  }

  disconnect(): void {
    const { response } = this.#writer;
    this.#isBroken = true;
    this.detach();
    response?.destroy();
  }

  /** Stops sending, because the connection is lost. Events are kept for the next connection; JSON is dropped. */
  detach(): void {
    clearInterval(this.#keepAlive);
    for (const event of this.#writer.disconnect()) this.#options.log.settle(event, this.#isReplayable);
    this.#options.onRead();
  }

  get #isReplayable(): boolean {
    return this.#options.form === "events";
  }

  /** What follows the last message of a JSON body. */
  get #closing(): string {
    const { form, isBatch } = this.#options;
    return form === "json" && isBatch && this.#messages > 0 ? "]\n" : "";
  }

  /** A message at the end of the stream. It does not pass through the log. */
  #lastMessage(json: string): string {
    if (this.#options.form === "json") return this.#nextSeparator() + json;
    return `event: message\ndata: ${json}\n\n`;
  }

  /** Counts one more message in the JSON body. @returns what stands before it */
  #nextSeparator(): string {
    this.#messages += 1;
    if (!this.#options.isBatch) return "";
    return this.#messages === 1 ? "[" : ",";
  }

  #add(frameOf: (id: string) => Frame): Event<MessageStream> {
    const { log } = this.#options;
    const event = log.add(this, frameOf);
    const { response } = this.#writer;
    if (response === undefined) {
      log.settle(event);
    } else {
      if (!response.headersSent) this.#writeJsonHead(response, event.frame);
      this.#writer.add(event);
      this.#writer.advance();
    }
    return event;
  }

  /** @param first the first message; unless the answer is a batch, it is the only one */
  #writeJsonHead(response: ServerResponse, first?: Frame): void {
    const hasLength = first !== undefined && !this.#options.isBatch;
    const length = hasLength ? { "content-length": String(first.bytes) } : {};
    response.writeHead(200, { ...this.#headers, "content-type": "application/json", ...length });
  }

  #finish(response: ServerResponse): void {
    this.#writer.disconnect();
    clearInterval(this.#keepAlive);
    if (!response.headersSent) response.writeHead(202, this.#headers); // every request was cancelled
    response.end(this.#closing);
    this.#options.onRead();
  }

  /**
   * Sends something that is not a message, because silent connections get closed: a comment in an event stream, white
   * space before JSON.
   */
  #sendKeepAlive(): void {
    const { response } = this.#writer;
    if (response === undefined || !this.#writer.isEmpty) return;
    if (!response.headersSent) this.#writeJsonHead(response);
    response.write(this.#options.form === "events" ? ": keepalive\n\n" : " ");
  }
}
