import {
  type CancelledNotification,
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { CallQueue, type CallQueueLimits } from "./call-queue.js";
import { duplicateId, type ErrorAnswer, errorAnswer, internalError, isRequest, serverErrorCode } from "./json-rpc.js";
import { notificationFault, requestForSdk } from "./sdk-messages.js";

/** Each answer moves the average size toward its own size, by one eighth of the difference. */
const averagedAnswers = 8;

/** `mcp/limits.ts` describes the limits. */
export interface CallFlowLimits extends CallQueueLimits {
  readonly maxUnreadBytes: number;
  /** The expected size of an answer before the first one was sent, in bytes. */
  readonly firstAnswerBytes: number;
}

/** What the flow needs from its transport. */
export interface CallFlowTransport {
  /** Returns the bytes of answers that the client has not read. */
  unreadBytes(): number;
  /** Gives a message to the server. */
  deliver(message: JSONRPCMessage): void;
  /** Answers a request in place of the server. */
  refuse(answer: ErrorAnswer): void;
  /** Called when a request came or ended: other requests may be able to start. */
  onChange(): void;
  /** Called when a request was cancelled. It will not be answered. */
  onCancelled?(id: RequestId): void;
  onError(error: Error): void;
}

type Cancellation = JSONRPCNotification & CancelledNotification;

/**
 * Passes the messages of one client to the server. Requests wait for their turn, so that memory stays limited when a
 * client sends many requests or does not read its answers. `ping`, notifications and responses do not wait.
 */
export class CallFlow {
  readonly #limits: CallFlowLimits;
  readonly #transport: CallFlowTransport;
  readonly #calls: CallQueue;
  /** The average size of the last answers. */
  #answerBytes: number;

  constructor(limits: CallFlowLimits, transport: CallFlowTransport) {
    this.#limits = limits;
    this.#transport = transport;
    this.#calls = new CallQueue(limits, () => transport.onChange());
    this.#answerBytes = limits.firstAnswerBytes;
  }

  /** Whether no request waits or runs. */
  get isEmpty(): boolean {
    return this.#calls.isEmpty;
  }

  /** Whether at least one request waits. */
  get isWaiting(): boolean {
    return this.#calls.waiting > 0;
  }

  /** The number of requests that the server works on. */
  get running(): number {
    return this.#calls.running;
  }

  /** The size of the waiting requests as they were received. */
  get waitingBytes(): number {
    return this.#calls.waitingBytes;
  }

  /** The expected size of the answers to the running requests. */
  get expectedBytes(): number {
    return this.#calls.running * this.#answerBytes;
  }

  /** Whether no request runs and the client has read all answers. */
  get isQuiet(): boolean {
    return this.running === 0 && this.#transport.unreadBytes() === 0;
  }

  /** Tells whether a request with this id waits or runs. */
  has(id: RequestId): boolean {
    return this.#calls.isRunning(id) || this.#calls.isWaiting(id);
  }

  /** @param bytes the size of the message as it was received */
  take(message: JSONRPCMessage, bytes: number): void {
    if (isRequest(message)) this.#takeRequest(message, bytes);
    else if ("method" in message) this.#takeNotification(message);
    else this.#deliver(message);
  }

  /** Starts the next waiting request. @returns false if none waits or none may start now */
  startNext(): boolean {
    if (!this.#hasRoomForAnswer()) return false;
    const request = this.#calls.next();
    if (request === undefined) return false;
    this.#deliver(request);
    return true;
  }

  /** Call this when the request was answered. */
  settle(id: RequestId): void {
    this.#calls.settle(id);
  }

  /** Call this with the size of each answer that was sent. */
  recordAnswer(bytes: number): void {
    this.#answerBytes += (bytes - this.#answerBytes) / averagedAnswers;
  }

  clear(): void {
    this.#calls.clear();
  }

  #takeNotification(notification: JSONRPCNotification): void {
    const fault = notificationFault(notification);
    if (fault !== undefined) this.#transport.onError(new Error(fault));
    else if (isCancellation(notification)) this.#cancel(notification);
    else this.#deliver(notification);
  }

  #takeRequest(given: JSONRPCRequest, bytes: number): void {
    const { id, method } = given;
    const calls = this.#calls;
    if (this.has(id)) {
      // The SDK knows requests by their ids only: of two requests with one id it could cancel the wrong one.
      this.#transport.refuse(errorAnswer(id, ErrorCode.InvalidRequest, duplicateId(id)));
      return;
    }
    const request = requestForSdk(given);
    if ("error" in request) {
      this.#transport.refuse(request);
    } else if (method === "ping") {
      calls.run(id);
      this.#deliver(request);
    } else if (calls.isFull) {
      const message = `${this.#limits.maxWaitingCalls} requests wait already: send this one again when others are answered.`;
      this.#transport.refuse(errorAnswer(id, serverErrorCode, message));
    } else {
      calls.add(request, bytes);
      this.#transport.onChange();
    }
  }

  /** A cancelled request gets no answer. The server hears of a cancellation only if it works on the request. */
  #cancel(notification: Cancellation): void {
    const { requestId: id } = notification.params;
    if (id === undefined) return;
    if (this.#calls.isWaiting(id)) {
      this.#calls.remove(id);
      this.#end(id);
    } else if (this.#calls.isRunning(id)) {
      this.#deliver(notification);
      // The SDK cancels one microtask later. It never cancels a request whose id is 0 or empty, and answers it.
      if (id) queueMicrotask(() => this.#end(id));
    }
  }

  #end(id: RequestId): void {
    this.#calls.settle(id);
    this.#transport.onCancelled?.(id);
    this.#transport.onChange();
  }

  #deliver(message: JSONRPCMessage): void {
    try {
      this.#transport.deliver(message);
    } catch (error) {
      this.#transport.onError(error as Error);
      if (!isRequest(message)) return;
      this.#calls.settle(message.id);
      this.#transport.refuse(internalError(message.id));
    }
  }

  /** The answers to the running requests count with their expected size, because they will wait for the client too. */
  #hasRoomForAnswer(): boolean {
    const unreadBytes = this.#transport.unreadBytes();
    const { maxUnreadBytes } = this.#limits;
    return unreadBytes + this.expectedBytes <= maxUnreadBytes || (this.running === 0 && unreadBytes <= maxUnreadBytes);
  }
}

/** A cancellation without a fault names a request. */
function isCancellation(notification: JSONRPCNotification): notification is Cancellation {
  return notification.method === "notifications/cancelled";
}
