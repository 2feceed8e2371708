import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  type CallToolResult,
  ListRootsRequestSchema,
  ResourceListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { EventLog } from "../../src/mcp/event-log.js";
import { createMcpServer } from "../../src/mcp/server.js";
import { createMcpEndpoint } from "../../src/mcp/streamable-http.js";
import { createStore } from "../../src/store/store.js";
import { bearer, serveHttp } from "../support/http-client.js";
import { textOf } from "../support/mcp-client.js";
import { createMemoryFiles } from "../support/memory-files.js";
import { silentLog } from "../support/silent-log.js";
import { createMemoryEngines } from "../support/stores.js";

async function serveMcp() {
  const engines = createMemoryEngines();
  const links: { upload(id: string): string | undefined; download(): undefined } = {
    upload: () => undefined,
    download: () => undefined,
  };
  const store = createStore({ ...engines, files: createMemoryFiles(), log: silentLog, links });
  const shape = { maxChunkBytes: 1024, readOnly: false, allowPaths: [], isLocal: false, hasUrls: true };
  const newServer = () => createMcpServer({ store, log: silentLog, version: "0.0.0-test", ...shape });
  const endpoint = createMcpEndpoint(newServer, silentLog);
  const methods: string[] = [];
  const mcp: typeof endpoint.handle = (request, response) => {
    methods.push(request.method ?? "");
    return endpoint.handle(request, response);
  };
  const http = await serveHttp(engines, { mcp });
  links.upload = (id) => http.links.upload(id);
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
  return { ...http, store, endpoint, methods, connect, connected };
}

const save = { name: "save_artifact", arguments: { bucket: "b", key: "k.txt", content: "hello" } };

describe("MCP over Streamable HTTP", () => {
  it("offers the same tools and resources", async () => {
    const { client } = await (await serveMcp()).connected();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["save_artifact", "upload_chunk"]));
    expect(tools.map(({ name }) => name)).not.toContain("import_file");
    await client.callTool(save);
    expect(await client.readResource({ uri: "artifact://b/k.txt" })).toMatchObject({ contents: [{ text: "hello" }] });
  });

  it("serves many clients at once, each with what it subscribed to", async () => {
    const { connected } = await serveMcp();
    const clients = await Promise.all(Array.from({ length: 10 }, connected));
    let told = 0;
    for (const { client } of clients) {
      client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
        told += 1;
      });
    }
    expect(new Set(clients.map(({ transport }) => transport.sessionId)).size).toBe(10);
    await Promise.all(
      clients.map(({ client }, at) => client.callTool({ ...save, arguments: { ...save.arguments, key: `k${at}` } })),
    );
    await expect.poll(() => told, { timeout: 5_000 }).toBeGreaterThanOrEqual(10);
  });

  it("tells a model to send files with curl", async () => {
    const { connected, askAsStranger } = await serveMcp();
    const { client } = await connected();
    expect(client.getInstructions()).toContain("curl -T FILE URL");
    const create = (args: object) =>
      client.callTool({
        name: "create_upload_session",
        arguments: { bucket: "b", key: "k", ...args },
      }) as Promise<CallToolResult>;
    const sized = await create({ size: 5 });
    const { url, id } = sized.structuredContent as { url: string; id: string };
    expect(textOf(sized)).toBe(JSON.stringify(sized.structuredContent));
    const command = `curl --fail-with-body -T FILE "${url}"`;
    expect(sized.structuredContent).toMatchObject({ command });
    expect(textOf(sized, 1)).toMatch(/ in place of FILE: curl [^\n]+$/);
    expect(textOf(sized, 1)).toContain(command);
    const unsized = await create({});
    const { command: other } = unsized.structuredContent as { command: string };
    expect(textOf(unsized, 1)).toContain(other);
    await askAsStranger("POST", url, { body: "hel" });
    expect((await askAsStranger("GET", url)).json).toMatchObject({ offset: 3, command });
    const half = (await client.callTool({
      name: "get_upload_session",
      arguments: { session_id: id },
    })) as CallToolResult;
    expect(half.structuredContent).toMatchObject({ offset: 3, command });
    expect(textOf(half, 1)).toContain(`${command}\nWhat is stored already is compared`);
    await askAsStranger("POST", url, { body: "lo" });
    const whole = (await client.callTool({
      name: "get_upload_session",
      arguments: { session_id: id },
    })) as CallToolResult;
    expect(whole.content).toHaveLength(1);
    expect(whole.structuredContent).not.toHaveProperty("command");
  });

  it("says all that within what hosts show", async () => {
    const { client } = await (await serveMcp()).connected();
    const { tools } = await client.listTools();
    for (const text of [client.getInstructions() ?? "", ...tools.map(({ description = "" }) => description)]) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2_048);
    }
    for (const name of ["create_upload_session", "upload_chunk"]) {
      expect(tools.find((tool) => tool.name === name)?.description).toContain("curl -T FILE URL");
    }
  });

  it("does not take the folders of another machine for its own", async () => {
    const { connect, methods } = await serveMcp();
    const { client, open } = await connect({ capabilities: { roots: { listChanged: true } } });
    let isAsked = false;
    client.setRequestHandler(ListRootsRequestSchema, () => {
      isAsked = true;
      return { roots: [{ uri: "file:///" }] };
    });
    await open();
    onTestFinished(() => client.close());
    await expect.poll(() => methods).toContain("GET"); // the way on which it would be asked
    await client.sendRootsListChanged();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).not.toContain("export_file");
    expect(isAsked).toBe(false);
  });

  it("tells again what a client has missed, from the event that it heard last", async () => {
    const { ask, begin } = await serveMcp();
    const version = "2025-11-25";
    const kinds = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    const clientInfo = { name: "raw", version: "0" };
    const params = { protocolVersion: version, capabilities: {}, clientInfo };
    const initialize = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params });
    const begun = await ask("POST", "/mcp", { headers: kinds, body: initialize });
    const session = { "mcp-session-id": String(begun.headers["mcp-session-id"]), "mcp-protocol-version": version };
    const call = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: save });
    const heard = await ask("POST", "/mcp", { headers: { ...kinds, ...session }, body: call });
    const [first = "", last = ""] = [...heard.text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id);
    expect(heard.text).toContain('"id":1');

    const from = { ...bearer, ...session, accept: "text/event-stream", "last-event-id": first };
    const again = begin("GET", "/mcp", from);
    again.end();
    const [response] = (await once(again, "response")) as [IncomingMessage];
    const [data] = (await once(response, "data")) as [Buffer];
    expect(String(data)).toContain(`id: ${last}\n`);
    expect(String(data)).toContain('"id":1');
    expect((await ask("GET", "/mcp", { headers: { ...from, "last-event-id": "999" } })).status).toBe(400);
  });

  it("lets a client end its session, and answers 404 to who has none", async () => {
    const { connected, ask } = await serveMcp();
    const { client, transport } = await connected();
    const headers = {
      ...{ "mcp-session-id": transport.sessionId ?? "", "content-type": "application/json" },
      accept: "application/json, text/event-stream",
    };
    const ping = { headers, body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' };
    expect((await ask("POST", "/mcp", ping)).status).toBe(200);
    await transport.terminateSession();
    expect(await ask("POST", "/mcp", ping)).toMatchObject({ status: 404, json: { error: { code: -32_001 } } });
    const { "mcp-session-id": _, ...none } = headers;
    expect((await ask("POST", "/mcp", { ...ping, headers: none })).status).toBe(400);
    await client.close();
  });

  it("ends the streams of all clients with the server", async () => {
    const { connected, endpoint, stop } = await serveMcp();
    await connected();
    await endpoint.close();
    await stop();
  });
});

describe("what was sent last", () => {
  const message = (text: string) => ({ jsonrpc: "2.0" as const, method: "m", params: { text } });
  const replay = async (log: EventLog, id: string) => {
    const heard: unknown[] = [];
    const stream = await log.replayEventsAfter(id, { send: async (_, sent) => void heard.push(sent) });
    return { stream, heard };
  };

  it("is told again from where a client lost it, of its own stream alone", async () => {
    const log = new EventLog(1_000);
    const first = await log.storeEvent("a", message("1"));
    await log.storeEvent("b", message("2"));
    await log.storeEvent("a", message("3"));
    expect(await log.getStreamIdForEventId(first)).toBe("a");
    expect(await replay(log, first)).toEqual({ stream: "a", heard: [message("3")] });
  });

  it("is forgotten past its limit, and then no stream is known", async () => {
    const log = new EventLog(100);
    const first = await log.storeEvent("a", message("x".repeat(80)));
    const second = await log.storeEvent("a", message("2"));
    expect(await log.getStreamIdForEventId(first)).toBeUndefined();
    await expect(replay(log, first)).rejects.toThrow();
    expect(await replay(log, second)).toEqual({ stream: "a", heard: [] });
  });
});
