import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  type CancelledNotification,
  CancelledNotificationSchema,
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import {
  maxConcurrentCalls,
  maxHeldBytes,
  maxMessageBytes,
  maxUnreadBytes,
  maxWaitingCalls,
} from "../store/model/limits.js";
import type { Log } from "../store/ports/log.js";
import { BufferPool } from "./buffer-pool.js";
import { CallQueue, type CallQueueLimits } from "./call-queue.js";
import { contentDecoder } from "./content.js";
import { type ErrorAnswer, errorAnswer, type InvalidLine, parseLine } from "./json-rpc.js";
import { lineOf } from "./large-literals.js";
import { LineReader } from "./line-reader.js";
import type { OversizeLine } from "./oversize-line.js";

/** JSON-RPC leaves the codes from -32000 to -32099 to the server. */
const serverBusy = -32_000;

/** What `store/limits.ts` says of each. */
export interface StdioLimits extends CallQueueLimits {
  readonly maxMessageBytes: number;
  readonly maxUnreadBytes: number;
  readonly maxHeldBytes: number;
}

const answersRemembered = 8;

type Cancellation = JSONRPCNotification & CancelledNotification;

const defaultLimits: StdioLimits = {
  maxConcurrentCalls,
  maxWaitingCalls,
  maxMessageBytes,
  maxUnreadBytes,
  maxHeldBytes,
};

/**
 * JSON-RPC messages as lines over a pair of streams, for one client. A line that is no message is answered and harms
 * nothing behind it. Requests wait their turn, so that neither their number nor answers that nobody reads fill the
 * memory; `ping`, notifications and responses do not wait.
 */
export class StdioTransport implements Transport {
  onmessage: Transport["onmessage"];
  onerror: Transport["onerror"];
  onclose: Transport["onclose"];
  /** Resolves with the reason once the client has gone: its input ended, or it reads no answers any more. */
  readonly gone: Promise<string>;
  readonly #stdin: Readable;
  readonly #stdout: Writable;
  readonly #log: Log;
  readonly #limits: StdioLimits;
  readonly #calls: CallQueue;
  readonly #lines: LineReader;
  readonly #decodeContent = contentDecoder(new BufferPool());
  /** One for each line that is not written yet: it settles the `send` of that line. */
  readonly #writing = new Set<() => void>();
  readonly #drained: Promise<void>;
  #onGone: (reason: string) => void = () => undefined;
  #onDrained: () => void = () => undefined;
  /** Takes no more requests. */
  #isDraining = false;
  /** Nothing that is written arrives any more. */
  #isDeaf = false;
  #isClosed = false;
  #isAdvancing = false;
  /** What an answer takes, told from the last ones; at first so much that all may start. */
  #answerBytes: number;

  constructor(stdin: Readable, stdout: Writable, log: Log, limits: Partial<StdioLimits> = {}) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#log = log;
    this.#limits = { ...defaultLimits, ...limits };
    this.#calls = new CallQueue(this.#limits, () => this.#advance());
    this.#answerBytes = this.#limits.maxUnreadBytes / this.#limits.maxConcurrentCalls;
    this.#lines = new LineReader(this.#limits.maxMessageBytes, {
      onLine: (line) => this.#takeLine(line),
      onOversize: (line) => this.#takeOversizeLine(line),
    });
    this.gone = new Promise((resolve) => {
      this.#onGone = resolve;
    });
    this.#drained = new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  async start(): Promise<void> {
    // These stay to the end: a stream's late error without a listener would end the process.
    this.#stdin.on("error", (error) => this.onerror?.(error));
    this.#stdout.on("error", (error) => this.#goDeaf(`stdout failed: ${error.message}`));
    this.#stdout.once("close", () => this.#goDeaf("stdout closed"));
    this.#stdin.once("close", () => this.#onGone("stdin closed"));
    this.#stdin.once("end", this.#takeEnd);
    this.#stdin.on("data", this.#takeChunk);
  }

  /**
   * Writes one line. Resolves once the stream has room for more, or takes nothing any more: `gone` tells of that, and
   * whoever asked for the answer has gone.
   */
  async send(message: JSONRPCMessage): Promise<void> {
    const answered = "method" in message ? undefined : message.id;
    if (answered !== undefined) this.#calls.settle(answered);
    try {
      await this.#write(message);
    } catch (error) {
      if (answered !== undefined) void this.#write(internalError(answered)); // there was no JSON of it
      throw error;
    }
  }

  /**
   * Takes no more requests, and resolves once each that has arrived, the waiting ones too, is answered and its answer
   * has left this process, or cannot.
   */
  drain(): Promise<void> {
    this.#isDraining = true;
    this.#stdin.off("data", this.#takeChunk).off("end", this.#takeEnd).pause();
    this.#advance();
    return this.#drained;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#calls.clear();
    this.#onGone("the transport closed");
    void this.drain();
    this.onclose?.();
  }

  readonly #takeChunk = (chunk: Buffer): void => this.#lines.push(chunk);

  readonly #takeEnd = (): void => {
    this.#takeLine(this.#lines.end(), false);
    this.#onGone("stdin ended");
  };

  #takeLine(line: Buffer, isEnded = true): void {
    const parsed = parseLine(line, this.#decodeContent);
    if (parsed === undefined) return;
    if ("message" in parsed) {
      this.#takeMessage(parsed.message, line.length);
    } else {
      // Half a message at the end of stdin is no request.
      const isCutOff = !isEnded && parsed.answer?.error.code === ErrorCode.ParseError;
      this.#refuse(isCutOff ? { ...parsed, answer: undefined } : parsed, line);
    }
  }

  #takeOversizeLine({ id, isResponse, start }: OversizeLine): void {
    const { maxMessageBytes } = this.#limits;
    const message = `The message is longer than ${maxMessageBytes} bytes and was skipped: send its content in smaller chunks.`;
    const answer = isResponse ? undefined : errorAnswer(id, ErrorCode.InvalidRequest, message);
    this.#refuse({ reason: `longer than ${maxMessageBytes} bytes`, answer }, start);
  }

  #refuse({ reason, answer }: InvalidLine, line: Buffer): void {
    this.#log("warn", "invalid_message", { reason, start: line.toString("utf8", 0, 100) });
    if (answer !== undefined) void this.#write(answer);
  }

  #takeMessage(message: JSONRPCMessage, bytes: number): void {
    if (isRequest(message)) this.#takeRequest(message, bytes);
    else if (isCancellation(message)) this.#cancel(message);
    else this.#deliver(message);
  }

  #takeRequest(request: JSONRPCRequest, bytes: number): void {
    const { id, method } = request;
    const calls = this.#calls;
    if (calls.isRunning(id) || calls.isWaiting(id)) {
      // The SDK tells requests apart by their ids alone: of two with one id, a cancellation would stop the wrong one.
      const message = `A request with the id ${JSON.stringify(id)} is not answered yet: give each request an id of its own.`;
      void this.#write(errorAnswer(id, ErrorCode.InvalidRequest, message));
    } else if (method === "ping") {
      calls.run(id);
      this.#deliver(request);
    } else if (calls.isFull) {
      const message = `${this.#limits.maxWaitingCalls} requests wait already: send this one again once others are answered.`;
      void this.#write(errorAnswer(id, serverBusy, message));
    } else {
      calls.add(request, bytes);
      this.#advance();
    }
  }

  /** A cancelled request gets no answer. One that the server does not have is none of its business. */
  #cancel(notification: Cancellation): void {
    const { requestId: id } = notification.params;
    if (id === undefined) return;
    if (this.#calls.isWaiting(id)) {
      this.#calls.withdraw(id);
      this.#advance();
    } else if (this.#calls.isRunning(id)) {
      this.#deliver(notification);
      // The SDK cancels one microtask later, and never a request whose id is 0 or empty: that one is answered.
      if (id) queueMicrotask(() => this.#settle(id));
    }
  }

  #deliver(message: JSONRPCMessage): void {
    try {
      this.onmessage?.(message);
    } catch (error) {
      this.onerror?.(error as Error);
      if (!isRequest(message)) return;
      this.#calls.settle(message.id);
      void this.#write(internalError(message.id));
    }
  }

  #settle(id: RequestId): void {
    this.#calls.settle(id);
    this.#advance();
  }

  #write(message: JSONRPCMessage | ErrorAnswer): Promise<void> {
    if (this.#isDeaf) return Promise.resolve();
    // As bytes, so that `writableLength` counts bytes; no part of them is copied on the way.
    const { pieces, release } = lineOf(message);
    if ("result" in message) this.#answerBytes += (bytesOf(pieces) - this.#answerBytes) / answersRemembered;
    return new Promise((resolve) => {
      const onWritten = (): void => {
        this.#writing.delete(onWritten);
        resolve();
        this.#advance();
      };
      this.#writing.add(onWritten);
      this.#stdout.cork();
      for (const piece of pieces.slice(0, -1)) this.#stdout.write(piece);
      const hasRoom = this.#stdout.write(pieces.at(-1), () => {
        release();
        onWritten();
      });
      if (hasRoom) resolve();
      this.#stdout.uncork();
      this.#advance();
    });
  }

  #goDeaf(reason: string): void {
    this.#isDeaf = true;
    this.#calls.clear();
    for (const onWritten of this.#writing) onWritten();
    this.#onGone(reason);
    this.#advance();
  }

  /** Does what has become possible: to be called whenever a request or a line has come or gone. */
  #advance(): void {
    if (this.#isAdvancing) return; // a request that is answered at once: the loop below goes on
    this.#isAdvancing = true;
    this.#startCalls();
    this.#isAdvancing = false;
    if (!this.#isDraining) this.#readOrPause();
    else if (this.#calls.isEmpty && this.#writing.size === 0) this.#onDrained();
  }

  #startCalls(): void {
    while (this.#hasRoomForAnswer()) {
      const request = this.#calls.next();
      if (request === undefined) return;
      this.#deliver(request);
    }
  }

  /** Requests that are with the server count as what answers have been like: they too will wait for the client. */
  #hasRoomForAnswer(): boolean {
    const unreadBytes = this.#stdout.writableLength;
    const expectedBytes = this.#calls.running * this.#answerBytes;
    const { maxUnreadBytes } = this.#limits;
    return (
      unreadBytes + expectedBytes <= maxUnreadBytes || (this.#calls.running === 0 && unreadBytes <= maxUnreadBytes)
    );
  }

  #readOrPause(): void {
    const heldBytes = this.#calls.waitingBytes + this.#stdout.writableLength;
    const isOverfull = heldBytes > this.#limits.maxHeldBytes;
    if (isOverfull) this.#stdin.pause();
    else if (this.#stdin.isPaused()) this.#stdin.resume();
  }
}

function bytesOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function internalError(id: RequestId): ErrorAnswer {
  return errorAnswer(id, ErrorCode.InternalError, "The server failed on this request: try again.");
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}

function isCancellation(message: JSONRPCMessage): message is Cancellation {
  if (!("method" in message) || message.method !== "notifications/cancelled") return false;
  return CancelledNotificationSchema.safeParse(message).success;
}
