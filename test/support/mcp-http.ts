import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { expect, onTestFinished } from "vitest";
import { createMcpEndpoint, type McpEndpointLimits } from "../../src/mcp/http/streamable-http.js";
import { createMcpServer } from "../../src/mcp/session/mcp-server.js";
import type { Log } from "../../src/store/ports/log.js";
import { createStore } from "../../src/store/store.js";
import { gate } from "./gate.js";
import { answerTo, bearer, type HttpClient, type HttpClientOptions, serveHttp } from "./http-client.js";
import { createMemoryFiles } from "./memory-files.js";
import { silentLog } from "./silent-log.js";
import { createMemoryEngines } from "./stores.js";

/** Starts a server with MCP over HTTP. It stops when the test ends. */
export async function serveMcp(
  limits: Partial<McpEndpointLimits> = {},
  log: Log = silentLog,
  httpLimits: HttpClientOptions["limits"] = {},
) {
  const engines = createMemoryEngines();
  const links: { upload(id: string): string | undefined; download(): undefined } = {
    upload: () => undefined,
    download: () => undefined,
  };
  const store = createStore({ ...engines, files: createMemoryFiles(), log: silentLog, urls: links });
  const shape = { maxChunkBytes: 1024, readOnly: false, allowPaths: [], isLocal: false, hasUrls: true };
  const newServer = () => createMcpServer({ store, log: silentLog, version: "0.0.0-test", ...shape });
  const endpoint = createMcpEndpoint(newServer, log, limits);
  const methods: string[] = [];
  const handle: typeof endpoint.handle = (exchange) => {
    methods.push(exchange.request.method ?? "");
    return endpoint.handle(exchange);
  };
  const http = await serveHttp(engines, { mcp: { ...endpoint, handle }, limits: httpLimits });
  links.upload = (id) => http.signedUrls.upload(id);
  onTestFinished(async () => {
    await endpoint.close();
    await store.close();
  });
  const connect = async (options: ConstructorParameters<typeof Client>[1] = {}) => {
    const client = new Client({ name: "test", version: "0" }, options);
    const requestInit = { headers: bearer };
    const transport = new StreamableHTTPClientTransport(new URL("/mcp", http.origin), { requestInit });
    return { client, transport, open: () => client.connect(transport as Transport) };
  };
  const connected = async () => {
    const { client, open, transport } = await connect();
    await open();
    onTestFinished(() => client.close());
    return { client, transport };
  };
  /** Initializes a session without the SDK, and returns the headers for its requests. */
  const begun = async (version = "2025-11-25") => {
    const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: "raw", version: "0" } };
    const answer = await http.ask("POST", "/mcp", { headers: kinds, body: rpc("initialize", params, 0) });
    expect(answer.status).toBe(200);
    const id = String(answer.headers["mcp-session-id"]);
    return { ...kinds, "mcp-session-id": id, "mcp-protocol-version": version };
  };
  return { ...http, store, endpoint, methods, connect, connected, begun };
}

export const kinds = { "content-type": "application/json", accept: "application/json, text/event-stream" };
export const rpc = (method: string, params: object = {}, id?: unknown) =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params });
export const lengthOf = (body: string) => ({ "content-length": String(Buffer.byteLength(body)) });

export const save = { name: "save_artifact", arguments: { bucket: "b", key: "k.txt", content: "hello" } };

/**
 * Begins request 7, whose work waits until `letGo` is called.
 *
 * @returns the call and its later answer, as soon as the server works on it
 */
export async function beginHeld(
  { begin, store }: Pick<HttpClient, "begin" | "store">,
  session: Readonly<Record<string, string>>,
  { accept = "*/*", before = "" } = {},
) {
  const [looked, goOn] = [gate(), gate()];
  const listBuckets = store.artifacts.listBuckets.bind(store.artifacts);
  store.artifacts.listBuckets = async (...args) => {
    looked.open();
    await goOn.passed;
    return listBuckets(...args);
  };
  const held = rpc("tools/call", { name: "list_buckets", arguments: {} }, 7);
  const body = before === "" ? held : `[${before},${held}]`;
  const call = begin("POST", "/mcp", { ...bearer, ...session, ...lengthOf(body), accept });
  call.end(body);
  const answered = answerTo(call);
  answered.catch(() => undefined); // the code that waits for the answer gets this error
  await looked.passed;
  return { call, answered, letGo: () => goOn.open() };
}
