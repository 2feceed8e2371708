import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Log } from "../../store/ports/log.js";
import { BufferPool } from "../fast-json/buffer-pool.js";
import { contentDecoder } from "../fast-json/content.js";
import { lineOf } from "../fast-json/large-literals.js";
import { CallFlow, internalError } from "../flow/call-flow.js";
import type { CallQueueLimits } from "../flow/call-queue.js";
import { type ErrorAnswer, errorAnswer, type InvalidLine, parseLine } from "../flow/json-rpc.js";
import { maxConcurrentCalls, maxHeldBytes, maxMessageBytes, maxUnreadBytes, maxWaitingCalls } from "../limits.js";
import { LineReader } from "./line-reader.js";
import type { OversizeLine } from "./oversize-line.js";

/** What `mcp/limits.ts` says of each. */
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
  readonly #calls: CallFlow;
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

  constructor(stdin: Readable, stdout: Writable, log: Log, limits: Partial<StdioLimits> = {}) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#log = log;
    this.#limits = { ...defaultLimits, ...limits };
    // At first so much that all may start.
    const firstAnswerBytes = this.#limits.maxUnreadBytes / this.#limits.maxConcurrentCalls;
    this.#calls = new CallFlow(
      { ...this.#limits, firstAnswerBytes },
      {
        unreadBytes: () => this.#stdout.writableLength,
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
      this.#calls.take(parsed.message, line.length);
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

  #write(message: JSONRPCMessage | ErrorAnswer): Promise<void> {
    if (this.#isDeaf) return Promise.resolve();
    // As bytes, so that `writableLength` counts bytes; no part of them is copied on the way.
    const { pieces, release } = lineOf(message);
    if ("result" in message) this.#calls.learn(bytesOf(pieces));
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
    while (this.#calls.startNext()); // one that is answered at once makes room for the next
    this.#isAdvancing = false;
    if (!this.#isDraining) this.#readOrPause();
    else if (this.#calls.isEmpty && this.#writing.size === 0) this.#onDrained();
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
