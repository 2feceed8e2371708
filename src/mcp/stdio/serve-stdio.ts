import type { Readable, Writable } from "node:stream";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Log } from "../../store/ports/log.js";
import { withTimeout } from "../../store/with-timeout.js";
import { StdioTransport } from "./stdio-transport.js";

/** How long the server waits at its end for the client to read the last answers. */
const flushMs = 10_000;

export interface StdioSession {
  /** Resolves with the reason when the client has gone: stdin has ended, or stdout has closed. */
  readonly gone: Promise<string>;
  /** Takes no more requests, answers the received ones, and closes. */
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
