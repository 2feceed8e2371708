import {
  type CancelledNotification,
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { CallQueue, type CallQueueLimits } from "./call-queue.js";
import { type ErrorAnswer, errorAnswer } from "./json-rpc.js";
import { notificationFault, requestForSdk } from "./sdk-messages.js";

/** JSON-RPC leaves the codes from -32000 to -32099 to the server. */
const serverBusy = -32_000;
const answersRemembered = 8;

/** What `mcp/limits.ts` says of each. */
export interface CallFlowLimits extends CallQueueLimits {
  readonly maxUnreadBytes: number;
  /** What an answer is taken to be, in bytes, before any was seen. */
  readonly firstAnswerBytes: number;
}

/** What the flow asks of the transport that it belongs to. */
export interface CallFlowSide {
  /** Bytes of answers that the client has not taken. */
  unreadBytes(): number;
  /** Gives a message to the server. */
  deliver(message: JSONRPCMessage): void;
  /** Answers a request in place of the server. */
  refuse(answer: ErrorAnswer): void;
  /** A request came or went: others may be able to start. */
  onChange(): void;
  /** A request was cancelled, and will not be answered. */
  onCancelled?(id: RequestId): void;
  onError(error: Error): void;
}

type Cancellation = JSONRPCNotification & CancelledNotification;

/**
 * The messages of one client on their way to the server. Requests wait their turn, so that neither their number nor
 * answers that nobody reads fill the memory; `ping`, notifications and responses do not wait.
 */
export class CallFlow {
  readonly #limits: CallFlowLimits;
  readonly #side: CallFlowSide;
  readonly #calls: CallQueue;
  /** What an answer takes, told from the last ones. */
  #answerBytes: number;

  constructor(limits: CallFlowLimits, side: CallFlowSide) {
    this.#limits = limits;
    this.#side = side;
    this.#calls = new CallQueue(limits, () => side.onChange());
    this.#answerBytes = limits.firstAnswerBytes;
  }

  get isEmpty(): boolean {
    return this.#calls.isEmpty;
  }

  get isWaiting(): boolean {
    return this.#calls.waiting > 0;
  }

  get running(): number {
    return this.#calls.running;
  }

  /** What the waiting requests took on the wire. */
  get waitingBytes(): number {
    return this.#calls.waitingBytes;
  }

  /** What the answers to the running requests will take, in bytes, if they are like the last ones. */
  get expectedBytes(): number {
    return this.#calls.running * this.#answerBytes;
  }

  /** Whether no request runs, and the client has left nothing unread. */
  get isQuiet(): boolean {
    return this.running === 0 && this.#side.unreadBytes() === 0;
  }

  /** Whether a request has this id and is not answered yet. */
  has(id: RequestId): boolean {
    return this.#calls.isRunning(id) || this.#calls.isWaiting(id);
  }

  /** @param bytes what the message took on the wire */
  take(message: JSONRPCMessage, bytes: number): void {
    if (isRequest(message)) this.#takeRequest(message, bytes);
    else if ("method" in message) this.#takeNotification(message);
    else this.#deliver(message);
  }

  /** Starts the next waiting request. @returns false where there is none, or none may start now */
  startNext(): boolean {
    if (!this.#hasRoomForAnswer()) return false;
    const request = this.#calls.next();
    if (request === undefined) return false;
    this.#deliver(request);
    return true;
  }

  /** The request was answered. */
  settle(id: RequestId): void {
    this.#calls.settle(id);
  }

  /** An answer took so many bytes. */
  learn(bytes: number): void {
    this.#answerBytes += (bytes - this.#answerBytes) / answersRemembered;
  }

  clear(): void {
    this.#calls.clear();
  }

  #takeNotification(notification: JSONRPCNotification): void {
    const fault = notificationFault(notification);
    if (fault !== undefined) this.#side.onError(new Error(fault));
    else if (isCancellation(notification)) this.#cancel(notification);
    else this.#deliver(notification);
  }

  #takeRequest(given: JSONRPCRequest, bytes: number): void {
    const { id, method } = given;
    const calls = this.#calls;
    if (this.has(id)) {
      // The SDK tells requests apart by their ids alone: of two with one id, a cancellation would stop the wrong one.
      this.#side.refuse(errorAnswer(id, ErrorCode.InvalidRequest, duplicateId(id)));
      return;
    }
    const request = requestForSdk(given);
    if ("error" in request) {
      this.#side.refuse(request);
    } else if (method === "ping") {
      calls.run(id);
      this.#deliver(request);
    } else if (calls.isFull) {
      const message = `${this.#limits.maxWaitingCalls} requests wait already: send this one again once others are answered.`;
      this.#side.refuse(errorAnswer(id, serverBusy, message));
    } else {
      calls.add(request, bytes);
      this.#side.onChange();
    }
  }

  /** A cancelled request gets no answer. One that the server does not have is none of its business. */
  #cancel(notification: Cancellation): void {
    const { requestId: id } = notification.params;
    if (id === undefined) return;
    if (this.#calls.isWaiting(id)) {
      this.#calls.withdraw(id);
      this.#end(id);
    } else if (this.#calls.isRunning(id)) {
      this.#deliver(notification);
      // The SDK cancels one microtask later, and never a request whose id is 0 or empty: that one is answered.
      if (id) queueMicrotask(() => this.#end(id));
    }
  }

  #end(id: RequestId): void {
    this.#calls.settle(id);
    this.#side.onCancelled?.(id);
    this.#side.onChange();
  }

  #deliver(message: JSONRPCMessage): void {
    try {
      this.#side.deliver(message);
    } catch (error) {
      this.#side.onError(error as Error);
      if (!isRequest(message)) return;
      this.#calls.settle(message.id);
      this.#side.refuse(internalError(message.id));
    }
  }

  /** Requests that are with the server count as what answers have been like: they too will wait for the client. */
  #hasRoomForAnswer(): boolean {
    const unreadBytes = this.#side.unreadBytes();
    const { maxUnreadBytes } = this.#limits;
    return unreadBytes + this.expectedBytes <= maxUnreadBytes || (this.running === 0 && unreadBytes <= maxUnreadBytes);
  }
}

export function duplicateId(id: RequestId): string {
  return `A request with the id ${JSON.stringify(id)} is not answered yet: give each request an id of its own.`;
}

export function internalError(id: RequestId): ErrorAnswer {
  return errorAnswer(id, ErrorCode.InternalError, "The server failed on this request: try again.");
}

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}

/** One that has no fault names a request. */
function isCancellation(notification: JSONRPCNotification): notification is Cancellation {
  return notification.method === "notifications/cancelled";
}
