import { setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Log } from "../store/ports/log.js";
import type { Store } from "../store/store.js";
import { withTimeout } from "../store/with-timeout.js";
import { createDispatch, type Mount } from "./dispatch.js";
import type { HttpLinks } from "./links.js";
import { Malformed } from "./message/malformed.js";
import { Access } from "./security/access.js";
import { Connections } from "./security/connections.js";
import { Gate } from "./security/gate.js";

export interface HttpServerOptions {
  readonly store: Store;
  readonly links: HttpLinks;
  readonly log: Log;
  readonly version: string;
  readonly readOnly: boolean;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly token: string;
  /** Web pages that may use it. */
  readonly origins: readonly string[];
  /** Where clients reach it, if that is elsewhere: what URLs begin with. */
  readonly publicUrl?: string | undefined;
  /** The Model Context Protocol at `/mcp`. */
  readonly mcp?: Mount | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
}

export interface HttpServer {
  /** `http://127.0.0.1:8080` */
  readonly origin: string;
  /** Takes nothing new, lets uploads store what they have received, and ends. */
  stop(): Promise<void>;
}

/** The address cannot be listened on; the message is one line that says what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** What one client may take from the others. Times in ms. */
export interface HttpLimits {
  /** For the head of a request. */
  readonly headMs: number;
  /** Nothing may pass on a connection so long. */
  readonly idleMs: number;
  /** How often connections are looked at for that. */
  readonly lookMs: number;
  readonly keepAliveMs: number;
  readonly maxConnections: number;
  /** For answers that are on their way when the server ends. */
  readonly stopMs: number;
  /** Who takes nothing of such an answer for so long is cut off; up to twice that long where a block is half taken. */
  readonly stalledMs: number;
  /** For what is said of those that are still not done by then. */
  readonly lastMs: number;
}

const usualLimits: HttpLimits = {
  headMs: 10_000,
  idleMs: 60_000,
  lookMs: 2_000,
  keepAliveMs: 20_000,
  maxConnections: 1_024,
  stopMs: 10_000,
  stalledMs: 2_000,
  lastMs: 500,
};

/** What is read of a connection before somebody takes it, in bytes: more of an upload comes while some is stored. */
const bufferBytes = 1024 * 1024;

/** @throws ListenError */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { store, links, log, host, port, token, publicUrl, mcp } = options;
  const limits = { ...usualLimits, ...options.limits };
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // each body that is gathered is one
  const context = { ...options, access: new Access(token), stopping: stopping.signal };
  const dispatch = createDispatch(context, new Gate(options), mcp);
  const server = createServer({
    headersTimeout: limits.headMs,
    requestTimeout: 0, // an upload may take as long as it goes on
    connectionsCheckingInterval: limits.lookMs,
    keepAliveTimeout: limits.keepAliveMs,
    highWaterMark: bufferBytes,
    requireHostHeader: false, // Node would say no word of it
  });
  server.maxHeadersCount = 0; // the size of the head is limited, and Node would drop fields without a word
  server.setTimeout(limits.idleMs);
  // Node's own switch, which its types do not name: who has ended its own side still hears the answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  const connections = new Connections({ maxConnections: limits.maxConnections, log });
  const malformed = new Malformed(log);
  const onRequest: Parameters<typeof createServer>[1] = (request, response) => {
    malformed.watch(request, response);
    connections.answerInTurn(request, response, async () => {
      await dispatch.handle(request, response).catch((error) => {
        log("error", "request_lost", { error: String(error) });
        response.destroy();
      });
    });
  };
  server.on("connection", (socket: Socket) => connections.add(socket));
  server.on("request", onRequest);
  server.on("checkContinue", onRequest); // who may not send a body hears so before it is sent
  server.on("checkExpectation", onRequest);
  server.on("connect", (_request, socket) => malformed.refuseTunnel(socket));
  server.on("clientError", (error, socket) => malformed.refuse(error, socket));

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new ListenError(listenProblem(host, port, error), { cause: error })));
    server.listen(port, host, resolve);
  });
  server.on("error", (error) => log("error", "http_failed", { error: String(error) }));
  const origin = originOf(host, (server.address() as AddressInfo).port);
  links.origin = publicUrl ?? origin;
  return {
    origin,
    async stop() {
      stopping.abort();
      const finished = mcp?.finish();
      const closed = new Promise((resolve) => server.close(resolve));
      server.on("timeout", cutStalled);
      server.setTimeout(limits.stalledMs);
      connections.hurry(limits.stalledMs);
      await store.uploads.stopStreams();
      server.closeIdleConnections();
      await withTimeout(limits.stopMs, Promise.all([connections.finish(), finished]));
      await mcp?.close();
      await withTimeout(limits.lastMs, connections.finish());
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Nothing has passed for a while: an answer that is still being made may take its time, one that nobody takes may not. */
function cutStalled(socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy();
}

function originOf(host: string, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

function listenProblem(host: string, port: number, error: Error): string {
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  switch ("code" in error ? error.code : undefined) {
    case "EADDRINUSE":
      return `${where} is in use by another program: give another address with --http, or port 0 for any that is free.`;
    case "EACCES":
      return `${where} may not be used by this account: give a port from 1024 with --http.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is no address of this machine: give one with --http, like 127.0.0.1:8080.`;
    default:
      return `${where} cannot be listened on (${error.message}): give another address with --http.`;
  }
}
