import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { createMetrics, type Metrics } from "../../src/http/metrics/metrics.js";
import type { Mount } from "../../src/http/mount.js";
import { SignedUrls } from "../../src/http/security/signed-urls.js";
import { type HttpServerOptions, startHttpServer } from "../../src/http/server.js";
import { defaultMaxChunkBytes } from "../../src/store/model/limits.js";
import { createStore, type Store, type StoreOptions } from "../../src/store/store.js";
import type { Engines } from "./mcp-client.js";
import { createMemoryFiles } from "./memory-files.js";
import { createPlainAnalyses } from "./plain-analyses.js";
import { silentLog } from "./silent-log.js";
import { createMemoryEngines } from "./stores.js";

export const token = "the-token-of-the-tests";
export const bearer = { authorization: `Bearer ${token}` };

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body, parsed as JSON. An empty object if the body is not JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface HttpClient {
  readonly origin: string;
  readonly store: Store;
  readonly signedUrls: SignedUrls;
  readonly metrics: Metrics;
  stop(): Promise<void>;
  /** Sends a request with the token, unless `headers` has another one. @param url absolute, or a path */
  ask(method: string, url: string, asked?: Asked): Promise<Answered>;
  /** Sends a request without the token. */
  askAsStranger(method: string, url: string, asked?: Asked): Promise<Answered>;
  /** Begins a request. The caller writes and ends its body. */
  begin(method: string, url: string, headers?: Readonly<Record<string, string>>): ClientRequest;
}

export type HttpClientOptions = Partial<StoreOptions> &
  Partial<Pick<HttpServerOptions, "readOnly" | "origins" | "publicUrl" | "mcp" | "host" | "limits">> & {
    readonly signingKey?: Uint8Array;
    readonly nowSeconds?: () => number;
  };

/** A handler to mount beside the HTTP routes. It has no work in progress when the server ends. */
export function mountOf(handle: Mount["handle"]): Mount {
  return { handle, finish: async () => undefined, close: async () => undefined };
}

/** Starts a new server on `engines`, like another process. It stops when the test ends. */
export async function serveHttp(
  engines: Engines = createMemoryEngines(),
  options: HttpClientOptions = {},
): Promise<HttpClient> {
  const { log = silentLog, readOnly = false, origins = [] } = options;
  const { maxArtifactBytes = Number.MAX_SAFE_INTEGER, maxChunkBytes = defaultMaxChunkBytes } = options;
  const { signingKey = Buffer.alloc(32, 7), nowSeconds, bucketPrefix } = options;
  const signedUrls = new SignedUrls(signingKey, nowSeconds, bucketPrefix);
  const store = createStore({
    files: createMemoryFiles(),
    analyses: createPlainAnalyses(),
    ...engines,
    log,
    urls: signedUrls,
    ...options,
  });
  const metrics = createMetrics("0.0.0-test");
  const shared = { ...options, metrics, store, signedUrls, log, readOnly, origins, maxArtifactBytes, maxChunkBytes };
  const address = { host: options.host ?? "127.0.0.1", port: 0 };
  const server = await startHttpServer({ ...shared, ...address, version: "0.0.0-test", token });
  const origin = server.origin;
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await server.stop();
    await store.close();
  };
  onTestFinished(stop);

  function begin(method: string, url: string, headers: Readonly<Record<string, string>> = {}): ClientRequest {
    const request = httpRequest(new URL(url, origin), { method, headers, agent: false });
    request.on("error", () => undefined); // the code that waits for the answer gets this error
    onTestFinished(() => void request.destroy());
    return request;
  }
  async function askAsStranger(method: string, url: string, { headers = {}, body }: Asked = {}): Promise<Answered> {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const request = begin(method, url, { ...length, ...headers });
    request.end(body);
    return answerTo(request);
  }
  const ask: HttpClient["ask"] = (method, url, { headers, ...asked } = {}) =>
    askAsStranger(method, url, { ...asked, headers: { ...bearer, ...headers } });
  return { origin, store, signedUrls, metrics, stop, ask, askAsStranger, begin };
}

/** The final answer to a request, without interim ones. */
export async function answerTo(request: ClientRequest): Promise<Answered> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const bytes = await buffer(response);
  const text = bytes.toString();
  const json = /json/.test(response.headers["content-type"] ?? "") && text !== "" ? JSON.parse(text) : {};
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text, json };
}
