import { setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Log } from "../store/ports/log.js";
import type { Store } from "../store/store.js";
import { withTimeout } from "../store/with-timeout.js";
import { createDispatch } from "./dispatch.js";
import type { Metrics } from "./metrics/metrics.js";
import type { Mount } from "./mount.js";
import { AnalysisPlaces } from "./security/analysis-places.js";
import { BearerAuth } from "./security/bearer-auth.js";
import { Connections } from "./security/connections.js";
import { MalformedRequests } from "./security/malformed-requests.js";
import { OriginCheck } from "./security/origin-check.js";
import type { SignedUrls } from "./security/signed-urls.js";

export interface HttpServerOptions {
  readonly store: Store;
  /** Its `origin` is set when the server listens. */
  readonly signedUrls: SignedUrls;
  /** Closed when the server has stopped. */
  readonly metrics: Metrics;
  readonly log: Log;
  readonly version: string;
  readonly readOnly: boolean;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
  /** Name or address of this machine to listen on. */
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  readonly token: string;
  /** Origins of the web pages that may use the server. */
  readonly origins: readonly string[];
  /**
   * URL at which clients reach the server, if it differs from the address on which it listens. All URLs begin with it.
   */
  readonly publicUrl?: string | undefined;
  /** Handler of the Model Context Protocol at `/mcp`. */
  readonly mcp?: Mount | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
}

export interface HttpServer {
  /** Where the server listens, like `http://127.0.0.1:8080`. */
  readonly origin: string;
  /** Accepts no new connections and no writes, lets uploads store the bytes that they have received, and ends. */
  stop(): Promise<void>;
}

/** The server cannot listen on its address. The message is one line that also says what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** Limits that keep one client from harming the others. Times are in ms. */
export interface HttpLimits {
  /** How long the head of a request may take. */
  readonly headMs: number;
  /** A connection without traffic for this long is closed. */
  readonly idleMs: number;
  /** How often connections are checked for `headMs`. */
  readonly lookMs: number;
  /** How long a connection stays open after an answer. */
  readonly keepAliveMs: number;
  readonly maxConnections: number;
  /** How long `stop` waits for the answers that are being made. */
  readonly stopMs: number;
  /**
   * A client that reads nothing of such an answer for this long is disconnected. If it stops in the middle of a block,
   * up to twice as long.
   */
  readonly stalledMs: number;
  /** How long `stop` then waits for the errors with which the unfinished requests are answered. */
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

/** Bytes of a connection that are buffered, so that an upload goes on while bytes of it are being stored. */
const bufferBytes = 1024 * 1024;

/** Starts to listen. @throws ListenError */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { store, signedUrls, metrics, log, host, port, token, publicUrl, mcp } = options;
  const limits = { ...usualLimits, ...options.limits };
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // each request whose body is being read adds one
  const context = {
    ...options,
    auth: new BearerAuth(token),
    analysisPlaces: new AnalysisPlaces(),
    stopping: stopping.signal,
  };
  const dispatch = createDispatch(context, new OriginCheck(options), mcp);
  const server = createServer({
    headersTimeout: limits.headMs,
    requestTimeout: 0, // an upload may take any time, as long as bytes arrive
    connectionsCheckingInterval: limits.lookMs,
    keepAliveTimeout: limits.keepAliveMs,
    highWaterMark: bufferBytes,
    requireHostHeader: false, // checked in framing.ts: Node would refuse without an explanation
  });
  server.maxHeadersCount = 0; // the size of the head is limited; with a count, Node would silently drop fields
  server.setTimeout(limits.idleMs);
  // A client that has ended its own side still gets its answer. Node's types do not have this option.
  Object.assign(server, { httpAllowHalfOpen: true });
  const connections = new Connections({ maxConnections: limits.maxConnections, log });
  const malformed = new MalformedRequests(log);
  const onRequest: Parameters<typeof createServer>[1] = (request, response) => {
    malformed.watch(request, response);
    connections.answerInTurn(request, response, async () => {
      await dispatch.handle(request, response).catch((error) => {
        log("error", "request_lost", { error: String(error) });
        response.destroy();
      });
    });
  };
  server.on("connection", (socket: Socket) => {
    metrics.connected(socket);
    connections.add(socket);
  });
  server.on("request", onRequest);
  server.on("checkContinue", onRequest); // a client that is refused learns it before it sends the body
  server.on("checkExpectation", onRequest);
  server.on("connect", (_request, socket) => malformed.refuseTunnel(socket));
  server.on("clientError", (error, socket) => malformed.refuse(error, socket));

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new ListenError(listenProblem(host, port, error), { cause: error })));
    server.listen(port, host, resolve);
  });
  server.on("error", (error) => log("error", "http_failed", { error: String(error) }));
  const origin = originOf(host, (server.address() as AddressInfo).port);
  signedUrls.origin = publicUrl ?? origin;
  metrics.watchStore(store, log);
  return {
    origin,
    async stop() {
      stopping.abort();
      const finished = mcp?.finish();
      const closed = new Promise((resolve) => server.close(resolve));
      server.on("timeout", cutStalled);
      server.setTimeout(limits.stalledMs);
      connections.setTimeouts(limits.stalledMs);
      await store.uploads.stopStreams();
      server.closeIdleConnections();
      await withTimeout(limits.stopMs, Promise.all([connections.finish(), finished]));
      await mcp?.close();
      await withTimeout(limits.lastMs, connections.finish());
      server.closeAllConnections();
      await closed;
      metrics.close();
    },
  };
}

/** Disconnects a client that does not read its answer. An answer that is still being made has nothing to read yet. */
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
      return `${where} is in use by another program: give another address with --http, or port 0 for a free port.`;
    case "EACCES":
      return `This account may not listen on ${where}: give a port from 1024 with --http.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine: give one with --http, like 127.0.0.1:8080.`;
    default:
      return `The server cannot listen on ${where} (${error.message}): give another address with --http.`;
  }
}
