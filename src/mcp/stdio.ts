import type { Readable, Writable } from "node:stream";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { isJSONRPCRequest, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { maxMessageBytes } from "../store/limits.js";
import type { Log } from "../store/log.js";
import { withinMs } from "../store/within-ms.js";

/** How long an answer may take to be taken by a client that reads no more. */
const flushMs = 10_000;

export interface StdioSession {
  /** Resolves with the reason once the client has gone: its input ended, or it reads no answers any more. */
  readonly gone: Promise<string>;
  /** Takes no more requests, answers those that have arrived, and closes. */
  finish(): Promise<void>;
}

/** Serves one client over a pair of streams. */
export async function serveStdio(server: Server, stdin: Readable, stdout: Writable, log: Log): Promise<StdioSession> {
  const inner = new StdioServerTransport(stdin, stdout, { maxBufferSize: maxMessageBytes });
  const transport = createDrainableTransport(inner);
  let isDeaf = false;
  const gone = new Promise<string>((resolve) => {
    stdin.once("end", () => resolve("stdin ended"));
    stdin.once("close", () => resolve("stdin closed"));
    stdout.on("error", (error) => {
      isDeaf = true;
      resolve(`stdout failed: ${error.message}`);
    });
    transport.onGone = () => resolve("the transport closed");
  });
  await server.connect(transport);
  return {
    gone,
    async finish() {
      stdin.pause();
      if (!isDeaf) {
        const answered = transport.idle().then(() => flushed(stdout));
        const isInTime = await withinMs(
          flushMs,
          answered.then(() => true),
        );
        if (!isInTime) log("warn", "answers_not_taken");
      }
      await server.close();
    },
  };
}

interface DrainableTransport extends Transport {
  onGone?: () => void;
  /** Resolves once every request that has arrived is answered and its answer handed over. */
  idle(): Promise<void>;
}

function createDrainableTransport(inner: StdioServerTransport): DrainableTransport {
  const pending = new Set<string | number>();
  let onIdle: (() => void) | undefined;
  const settle = (id: unknown): void => {
    if (typeof id === "string" || typeof id === "number") pending.delete(id);
    if (pending.size === 0) onIdle?.();
  };
  const outer: DrainableTransport = {
    start() {
      inner.onmessage = (message) => {
        if (isJSONRPCRequest(message)) pending.add(message.id);
        outer.onmessage?.(message);
        // A cancelled request gets no answer.
        if ("method" in message && message.method === "notifications/cancelled") settle(message.params?.["requestId"]);
      };
      inner.onerror = (error) => outer.onerror?.(error);
      inner.onclose = () => {
        outer.onclose?.();
        outer.onGone?.();
      };
      return inner.start();
    },
    async send(message: JSONRPCMessage) {
      try {
        await inner.send(message);
      } finally {
        if (!("method" in message)) settle(message.id);
      }
    },
    close: () => inner.close(),
    async idle() {
      if (pending.size === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
  };
  return outer;
}

/** Resolves once everything written has left this process: where pipes are asynchronous, an exit would cut it off. */
function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}
