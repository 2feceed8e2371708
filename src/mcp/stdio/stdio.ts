import type { Readable, Writable } from "node:stream";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Log } from "../../store/ports/log.js";
import { withTimeout } from "../../store/with-timeout.js";
import { StdioTransport } from "./stdio-transport.js";

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
  const transport = new StdioTransport(stdin, stdout, log);
  await server.connect(transport);
  return {
    gone: transport.gone,
    async finish() {
      const drained = transport.drain().then(() => true);
      if (!(await withTimeout(flushMs, drained))) log("warn", "answers_not_taken");
      await server.close();
    },
  };
}
