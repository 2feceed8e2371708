import { PassThrough, Writable } from "node:stream";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { onTestFinished } from "vitest";
import { type StdioLimits, StdioTransport } from "../../src/mcp/stdio/stdio-transport.js";

/** A JSON-RPC message, with the members that tests look at. */
export interface Message {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A client's end of stdout, which may stop reading. */
export class ClientOutput extends Writable {
  /** The messages that the client has read. */
  readonly lines: Message[] = [];
  #isReading = true;
  #held: (() => void) | undefined;
  /** The beginning of a line whose end has not come yet. */
  #pieces = "";

  constructor(highWaterMark = 1_024) {
    super({ highWaterMark });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = (): void => {
      const text = this.#pieces + chunk.toString();
      this.#pieces = text.includes("\n") ? "" : text;
      if (this.#pieces !== "") {
        done();
        return;
      }
      if (text.indexOf("\n") !== text.length - 1) throw new Error(`not one line: ${text}`);
      const message = JSON.parse(text);
      this.lines.push(message);
      this.emit("line", message);
      done();
    };
    if (this.#isReading) take();
    else this.#held = take;
  }

  stopReading(): void {
    this.#isReading = false;
  }

  goOnReading(): void {
    this.#isReading = true;
    this.#held?.();
    this.#held = undefined;
  }
}

/** Starts a transport. Returns it with both ends of its client, and with the messages that it has received. */
export async function openTransport(limits: Partial<StdioLimits> = {}) {
  const stdin = new PassThrough();
  const stdout = new ClientOutput();
  const logged: { reason?: string; start?: string }[] = [];
  const transport = new StdioTransport(
    stdin,
    stdout,
    (_level, _event, facts) => void logged.push({ ...facts }),
    limits,
  );
  const received: JSONRPCMessage[] = [];
  const errors: Error[] = [];
  transport.onmessage = (message) => void received.push(message);
  transport.onerror = (error) => void errors.push(error);
  await transport.start();
  onTestFinished(() => transport.close());
  return {
    transport,
    stdin,
    stdout,
    received,
    errors,
    logged,
    answers: stdout.lines,
    /** Writes all lines in one write. Resolves when the transport has read them. */
    async write(...lines: (object | string | Buffer)[]) {
      const bytes = lines.map((line) => Buffer.concat([asBytes(line), Buffer.from("\n")]));
      await new Promise((resolve) => stdin.write(Buffer.concat(bytes), resolve));
      await settled();
    },
    ids: () => received.map((message) => ("id" in message ? message.id : undefined)),
    answer: (id: string | number, result: object = {}) => transport.send({ jsonrpc: "2.0", id, result: { ...result } }),
  };
}

function asBytes(line: object | string | Buffer): Buffer {
  if (Buffer.isBuffer(line)) return line;
  return Buffer.from(typeof line === "string" ? line : JSON.stringify({ jsonrpc: "2.0", ...line }));
}

/** Resolves after the work that the streams do at once. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
