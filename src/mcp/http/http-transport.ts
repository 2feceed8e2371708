import type { ServerResponse } from "node:http";
import type { Transport, TransportSendOptions } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, type JSONRPCMessage, type RequestId } from "@modelcontextprotocol/sdk/types.js";
import { CallFlow, type CallFlowLimits } from "../flow/call-flow.js";
import type { CallTurns } from "../flow/call-turns.js";
import { duplicateId, type ErrorAnswer, internalError, isRequest, serverErrorCode } from "../flow/json-rpc.js";
import type { AnswerForm } from "./answer-form.js";
import type { Event, EventLog } from "./event-log.js";
import { RefusedRequest } from "./http-exchange.js";
import { MessageStream, type MessageStreamOptions, type SessionEnd } from "./message-stream.js";
import type { ParsedBody } from "./parse-body.js";

/** The first protocol version whose clients accept events without a message. */
const firstWithPriming = "2025-11-25";

/** What the transports of all clients share. */
export interface HttpTransportShared {
  readonly log: EventLog<MessageStream>;
  readonly turns: CallTurns;
  readonly limits: CallFlowLimits & { readonly keepAliveMs: number };
}

/** The parsed body of a POST, and how to answer it. */
export interface Post extends ParsedBody {
  /** The size of the body. */
  readonly bytes: number;
  readonly form: AnswerForm;
  readonly protocolVersion: string;
}

/** Carries the messages of one client over HTTP. Each HTTP request is answered by a stream of its own. */
export class HttpTransport implements Transport {
  onmessage: Transport["onmessage"];
  onerror: Transport["onerror"];
  onclose: Transport["onclose"];
  readonly sessionId: string;
  readonly #shared: HttpTransportShared;
  readonly #flow: CallFlow;
  /** The stream of each request that is not answered yet. */
  readonly #streams = new Map<RequestId, MessageStream>();
  /** The streams with a connected client. */
  readonly #connected = new Set<MessageStream>();
  /** The stream of messages that belong to no request. Undefined until the client first opens it. */
  #notices: MessageStream | undefined;
  #isClosed = false;
  #end: SessionEnd = "session";
  #onIdle = doNothing;

  constructor(sessionId: string, shared: HttpTransportShared) {
    this.sessionId = sessionId;
    this.#shared = shared;
    this.#flow = new CallFlow(shared.limits, {
      unreadBytes: () => [...this.#connected].reduce((sum, { unreadBytes }) => sum + unreadBytes, 0),
      deliver: (message) => this.onmessage?.(message),
      refuse: (answer) => this.#answer(answer),
      onChange: () => shared.turns.advance(),
      onCancelled: (id) => this.#settle(id),
      onError: (error) => this.onerror?.(error),
    });
    shared.turns.add(this.#flow);
  }

  async start(): Promise<void> {
    // `post` takes the messages.
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether no request waits or runs. */
  get isIdle(): boolean {
    return this.#flow.isEmpty;
  }

  /**
   * Takes the messages of one HTTP request.
   *
   * @param onAnswered called when every request was answered, or when it is certain that the rest will not be
   * @returns whether `response` receives answers; false if there is nothing to answer
   * @throws RefusedRequest if no message was taken
   */
  post(post: Post, response: ServerResponse, onAnswered: () => void): boolean {
    const { messages, isBatch, bytes, form, protocolVersion } = post;
    const requests = messages.filter(isRequest).map(({ id }) => id);
    const duplicate = requests.find((id, at) => this.#flow.has(id) || requests.indexOf(id) !== at);
    if (duplicate !== undefined) throw new RefusedRequest(400, ErrorCode.InvalidRequest, duplicateId(duplicate));
    if (requests.length > 0) {
      const stream = this.#newStream({ form, isBatch, requests, onComplete: onAnswered });
      for (const id of requests) this.#streams.set(id, stream);
      this.#attach(stream, response);
      if (form === "events" && protocolVersion >= firstWithPriming) stream.prime();
    }
    for (const message of messages) this.#flow.take(message, Math.ceil(bytes / messages.length));
    if (requests.length === 0) onAnswered();
    return requests.length > 0;
  }

  /** @throws RefusedRequest if the client has such a stream already */
  listen(response: ServerResponse): void {
    if (this.#notices?.isConnected === true) {
      throw new RefusedRequest(409, serverErrorCode, "This session has a stream already: close that one first.");
    }
    this.#notices ??= this.#newStream({ form: "events", isBatch: false, requests: undefined, onComplete: doNothing });
    this.#attach(this.#notices, response);
  }

  /** @throws RefusedRequest if the event is not known or belongs to another client */
  resume(lastEventId: string, response: ServerResponse): void {
    const last = this.#shared.log.find(lastEventId);
    if (last === undefined || last.stream.owner !== this) {
      const message = "This event is not known any more: connect without Last-Event-ID, and look at what was done.";
      throw new RefusedRequest(400, serverErrorCode, message);
    }
    this.#attach(last.stream, response, last);
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ("method" in message) {
      const related = options?.relatedRequestId;
      const stream = related === undefined ? this.#notices : this.#streams.get(related);
      stream?.send(message);
      return;
    }
    const { id } = message;
    if (id === undefined || !this.#streams.has(id)) return; // it was cancelled
    this.#flow.settle(id);
    try {
      this.#answer(message);
    } catch (error) {
      this.#answer(internalError(id)); // the result cannot be written as JSON
      throw error;
    } finally {
      this.#shared.turns.advance();
    }
  }

  /** Call this when the server ends and no more requests will come. Resolves when no call waits or runs. */
  async finish(): Promise<void> {
    this.#end = "server";
    this.#notices?.end(this.#end);
    if (this.#isClosed || this.isIdle) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#flow.clear();
    this.#shared.turns.remove(this.#flow);
    for (const stream of new Set([...this.#streams.values(), ...this.#connected])) stream.end(this.#end);
    this.#streams.clear();
    this.#onIdle();
    this.#shared.log.forget(({ owner }) => owner === this);
    this.onclose?.();
  }

  get #headers(): Readonly<Record<string, string>> {
    return { "mcp-session-id": this.sessionId };
  }

  #newStream(options: Pick<MessageStreamOptions, "form" | "isBatch" | "requests" | "onComplete">): MessageStream {
    const onRead = (): void => {
      if (!stream.isConnected) this.#connected.delete(stream);
      this.#shared.turns.advance();
    };
    const { log, limits } = this.#shared;
    const { keepAliveMs } = limits;
    const stream: MessageStream = new MessageStream({ ...options, log, keepAliveMs, owner: this, onRead });
    return stream;
  }

  #attach(stream: MessageStream, response: ServerResponse, last?: Event<MessageStream>): void {
    this.#connected.add(stream);
    stream.attach(response, this.#headers, last);
    if (!stream.isConnected) this.#connected.delete(stream);
  }

  #answer(answer: JSONRPCMessage | ErrorAnswer): void {
    const id = "id" in answer ? answer.id : undefined;
    const stream = this.#streams.get(id ?? "");
    if (id === undefined || id === null || stream === undefined) return;
    const bytes = stream.send(answer);
    if ("result" in answer && bytes > 0) this.#flow.recordAnswer(bytes);
    this.#settle(id);
  }

  #settle(id: RequestId): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.settle(id);
    if (this.isIdle) this.#onIdle();
  }
}

const doNothing = (): void => undefined;
