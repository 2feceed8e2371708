import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Log } from "../../store/ports/log.js";
import { serializeMessage } from "../fast-json/fast-json.js";
import { CallFlow } from "../flow/call-flow.js";
import type { CallQueueLimits } from "../flow/call-queue.js";
import { type ErrorAnswer, errorAnswer, internalError } from "../flow/json-rpc.js";
import { maxConcurrentCalls, maxHeldBytes, maxMessageBytes, maxUnreadBytes, maxWaitingCalls } from "../limits.js";
import { LineReader } from "./line-reader.js";
import { LineWriter } from "./line-writer.js";
import type { OversizeLine } from "./oversize-line.js";
import { type InvalidLine, parseLine } from "./parse-line.js";

/** `mcp/limits.ts` describes the limits. */
export interface StdioLimits extends CallQueueLimits {
  readonly maxMessageBytes: number;
  readonly maxUnreadBytes: number;
  readonly maxHeldBytes: number;
}

const defaultLimits: StdioLimits = {
  maxConcurrentCalls,
  maxWaitingCalls,
  maxMessageBytes,
  maxUnreadBytes,
  maxHeldBytes,
};

/**
 * Carries JSON-RPC messages of one client as lines over a pair of streams. A line that is not a message is answered
 * with an error; the lines after it are read as usual. Requests wait for their turn, so that memory stays limited when
 * the client sends many requests or does not read its answers. `ping`, notifications and responses do not wait.
 */
export class StdioTransport implements Transport {
  onmessage: Transport["onmessage"];
  onerror: Transport["onerror"];
  onclose: Transport["onclose"];
  /** Resolves with the reason when the client has gone: stdin has ended, stdout has closed, or `close` was called. */
  readonly gone: Promise<string>;
  readonly #stdin: Readable;
  readonly #output: LineWriter;
  readonly #log: Log;
  readonly #limits: StdioLimits;
  readonly #calls: CallFlow;
  readonly #lines: LineReader;
  readonly #drained: Promise<void>;
  #onGone: (reason: string) => void = () => undefined;
  #onDrained: () => void = () => undefined;
  /** Whether new requests are not read any more. */
  #isDraining = false;
  #isClosed = false;
  #isAdvancing = false;

  constructor(stdin: Readable, stdout: Writable, log: Log, limits: Partial<StdioLimits> = {}) {
    this.#stdin = stdin;
    this.#log = log;
    this.#limits = { ...defaultLimits, ...limits };
    this.#output = new LineWriter(stdout, {
      onChange: () => this.#advance(),
      onClosed: (reason) => {
        this.#calls.clear();
        this.#onGone(reason);
      },
    });
    // With this first estimate, as many requests may start as the limit allows.
    const firstAnswerBytes = this.#limits.maxUnreadBytes / this.#limits.maxConcurrentCalls;
    this.#calls = new CallFlow(
      { ...this.#limits, firstAnswerBytes },
      {
        unreadBytes: () => this.#output.unreadBytes,
        deliver: (message) => this.onmessage?.(message),
        refuse: (answer) => void this.#write(answer),
        onChange: () => this.#advance(),
        onError: (error) => this.onerror?.(error),
      },
    );
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
    // This listener stays: a late error without a listener would end the process.
    this.#stdin.on("error", (error) => this.onerror?.(error));
    this.#output.start();
    this.#stdin.once("close", () => this.#onGone("stdin closed"));
    this.#stdin.once("end", this.#takeEnd);
    this.#stdin.on("data", this.#takeChunk);
  }

  /**
   * Writes one line. Resolves when stdout has room for more. Also resolves if stdout has closed: then the client has
   * gone, and `gone` resolves.
   */
  async send(message: JSONRPCMessage): Promise<void> {
    const answered = "method" in message ? undefined : message.id;
    if (answered !== undefined) this.#calls.settle(answered);
    try {
      await this.#write(message);
    } catch (error) {
      if (answered !== undefined) void this.#write(internalError(answered)); // the result cannot be written as JSON
      throw error;
    }
  }

  /**
   * Takes no more requests. Resolves when every received request was answered, waiting ones too, and every answer was
   * written or stdout has closed.
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
    const parsed = parseLine(line);
    if (parsed === undefined) return;
    if ("message" in parsed) {
      this.#calls.take(parsed.message, line.length);
    } else {
      // Half a message at the end of stdin is not answered.
      const isCutOff = !isEnded && parsed.answer?.error.code === ErrorCode.ParseError;
      this.#refuse(isCutOff ? { ...parsed, answer: undefined } : parsed, line);
    }
  }

  #takeOversizeLine({ id, isResponse, start }: OversizeLine): void {
    const { maxMessageBytes } = this.#limits;
    const message = `The message is longer than ${maxMessageBytes} bytes and was skipped: send the content in smaller chunks.`;
    const answer = isResponse ? undefined : errorAnswer(id, ErrorCode.InvalidRequest, message);
    this.#refuse({ reason: `longer than ${maxMessageBytes} bytes`, answer }, start);
  }

  #refuse({ reason, answer }: InvalidLine, line: Buffer): void {
    this.#log("warn", "invalid_message", { reason, start: line.toString("utf8", 0, 100) });
    if (answer !== undefined) void this.#write(answer);
  }

  #write(message: JSONRPCMessage | ErrorAnswer): Promise<void> {
    if (this.#output.outputClosed) return Promise.resolve();
    const line = serializeMessage(message);
    if ("result" in message) this.#calls.recordAnswer(line.bytes);
    return this.#output.write(line);
  }

  /** Starts requests, and reads or pauses. Called whenever a request or a line was added or has ended. */
  #advance(): void {
    if (this.#isAdvancing) return; // a request was answered while it was started: the loop below goes on
    this.#isAdvancing = true;
    while (this.#calls.startNext()); // a request that is answered at once makes room for the next
    this.#isAdvancing = false;
    if (!this.#isDraining) this.#readOrPause();
    else if (this.#calls.isEmpty && this.#output.isEmpty) this.#onDrained();
  }

  #readOrPause(): void {
    const heldBytes = this.#calls.waitingBytes + this.#output.unreadBytes;
    const isOverfull = heldBytes > this.#limits.maxHeldBytes;
    if (isOverfull) this.#stdin.pause();
    else if (this.#stdin.isPaused()) this.#stdin.resume();
  }
}
