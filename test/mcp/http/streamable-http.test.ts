import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import {
  type CallToolResult,
  ListRootsRequestSchema,
  ResourceListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { answerTo, bearer } from "../../support/http-client.js";
import { textOf } from "../../support/mcp-client.js";
import { beginHeld, kinds, lengthOf, rpc, save, serveMcp } from "../../support/mcp-http.js";

describe("MCP over Streamable HTTP", () => {
  it("offers the same tools and resources", async () => {
    const { client } = await (await serveMcp()).connected();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["save_artifact", "upload_chunk"]));
    expect(tools.map(({ name }) => name)).not.toContain("import_file");
    await client.callTool(save);
    expect(await client.readResource({ uri: "artifact://b/k.txt" })).toMatchObject({ contents: [{ text: "hello" }] });
  });

  it("serves many clients at once, and notifies each of them", async () => {
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
    await expect.poll(() => told).toBeGreaterThanOrEqual(10);
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
    expect(JSON.parse(textOf(sized))).toEqual({
      id,
      mime_type: "application/octet-stream",
      offset: 0,
      size: 5,
      status: "open",
    });
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
    expect(textOf(half, 1)).toContain(`${command}\nBytes that are already stored are compared`);
    await askAsStranger("PUT", url, { body: "hello" });
    const whole = (await client.callTool({
      name: "get_upload_session",
      arguments: { session_id: id },
    })) as CallToolResult;
    expect(whole.content).toHaveLength(1);
    expect(whole.structuredContent).not.toHaveProperty("command");
  });

  it("keeps instructions and descriptions within the length that hosts show", async () => {
    const { client } = await (await serveMcp()).connected();
    const { tools } = await client.listTools();
    for (const text of [client.getInstructions() ?? "", ...tools.map(({ description = "" }) => description)]) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2_048);
    }
    for (const name of ["create_upload_session", "upload_chunk"]) {
      expect(tools.find((tool) => tool.name === name)?.description).toContain("curl -T FILE URL");
    }
  });

  it("does not use the roots of a client on another machine", async () => {
    const { connect, methods } = await serveMcp();
    const { client, open } = await connect({ capabilities: { roots: { listChanged: true } } });
    let isAsked = false;
    client.setRequestHandler(ListRootsRequestSchema, () => {
      isAsked = true;
      return { roots: [{ uri: "file:///" }] };
    });
    await open();
    onTestFinished(() => client.close());
    await expect.poll(() => methods).toContain("GET"); // the stream on which the server would ask
    await client.sendRootsListChanged();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).not.toContain("export_file");
    expect(isAsked).toBe(false);
  });

  it("sends missed events again after the given event, and only to the same client", async () => {
    const { ask, begin, begun } = await serveMcp();
    const session = await begun();
    const heard = await ask("POST", "/mcp", { headers: session, body: rpc("tools/call", save, 1) });
    const [first = "", last = ""] = [...heard.text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id);
    expect(heard.text).toContain('"id":1');

    const from = { ...bearer, ...session, accept: "text/event-stream", "last-event-id": first };
    const again = begin("GET", "/mcp", from);
    again.end();
    const { text } = await answerTo(again); // nothing more will come, so the stream ends
    expect(text).toContain(`id: ${last}\n`);
    expect(text).toContain('"id":1');
    const refused = { status: 400, json: { error: { message: expect.stringContaining("not known any more") } } };
    expect(await ask("GET", "/mcp", { headers: { ...from, "last-event-id": "999" } })).toMatchObject(refused);
    const other = { ...from, ...(await begun()), accept: "text/event-stream" };
    expect(await ask("GET", "/mcp", { headers: other })).toMatchObject(refused);
  });

  it("lets a client end its session, and answers 404 for an ended session and 400 without one", async () => {
    const { connected, ask } = await serveMcp();
    const { client, transport } = await connected();
    const headers = {
      "mcp-session-id": transport.sessionId ?? "",
      "content-type": "application/json",
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

  it("ends an idle session, but not one with a request or an open stream", async () => {
    const idle = new EventEmitter();
    const { ask, begin, begun } = await serveMcp({ mcpSessionIdleMs: 1_000 }, (_, event) => void idle.emit(event));
    const listening = await begun();
    const stream = begin("GET", "/mcp", { ...bearer, ...listening });
    stream.end();
    await once(stream, "response");
    const quiet = await begun();
    await once(idle, "mcp_session_idle");
    const statusOf = async (headers: Record<string, string>) =>
      (await ask("POST", "/mcp", { headers, body: rpc("ping", {}, 1) })).status;
    expect(await statusOf(quiet)).toBe(404);
    expect(await statusOf(listening)).toBe(200);
    stream.destroy();
    await once(idle, "mcp_session_idle");
    expect(await statusOf(listening)).toBe(404);
  });

  it("refuses an incomplete body when the server ends", async () => {
    const { begin, begun, endpoint } = await serveMcp();
    const request = begin("POST", "/mcp", {
      ...bearer,
      ...(await begun()),
      "content-length": "10",
      expect: "100-continue",
    });
    request.flushHeaders();
    await once(request, "continue");
    request.write("{");
    await endpoint.close();
    expect(await answerTo(request)).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
  });

  it("ends the streams of all clients with the server", async () => {
    const { connected, endpoint, stop } = await serveMcp();
    await connected();
    await endpoint.close();
    await stop();
  });
});

describe("a request to /mcp", () => {
  it.each([undefined, "*/*", "application/json"])("that accepts %s is answered with JSON", async (accept) => {
    const { ask, begun } = await serveMcp();
    const { accept: _, ...session } = await begun();
    const headers = { ...session, ...(accept === undefined ? {} : { accept }) };
    const one = await ask("POST", "/mcp", { headers, body: rpc("tools/call", save, 1) });
    expect(one).toMatchObject({ status: 200, json: { id: 1, result: { structuredContent: { key: "k.txt" } } } });
    expect(one.headers).toMatchObject({ "content-type": "application/json", ...lengthOf(one.text) });
    const batch = `[${rpc("ping", {}, 2)},${rpc("notifications/x")},${rpc("ping", {}, "a")}]`;
    const several = await ask("POST", "/mcp", { headers, body: batch });
    expect([several.status, JSON.parse(several.text)]).toEqual([
      200,
      [2, "a"].map((id) => ({ jsonrpc: "2.0", id, result: {} })),
    ]);
  });

  it("is refused if it accepts neither form or is not JSON, and the answer says what to do", async () => {
    const { ask, begun } = await serveMcp();
    const session = await begun();
    const post = async (headers: object, body: string) =>
      ask("POST", "/mcp", { headers: { ...session, ...headers }, body });
    const ping = rpc("ping", {}, 1);
    const refusals: [object, string, number, RegExp][] = [
      [{ accept: "text/html" }, ping, 406, /Accept/],
      [{ "content-type": "text/plain" }, ping, 415, /application\/json/],
      [{}, "{", 400, /not JSON/],
      [{}, "", 400, /not JSON/],
      [{}, "[]", 400, /no message/],
      [{}, '{"jsonrpc":"2.0","id":1,"method":5}', 400, /method must be a string/],
      [{}, `[${ping},${ping}]`, 400, /an id of its own/],
      [
        {},
        `[${Array.from({ length: 101 }, (_, n) => rpc("ping", {}, n))}]`,
        400,
        /holds 101 .* at most 100 in one array/,
      ],
      [
        {},
        rpc(
          "initialize",
          { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "", version: "" } },
          1,
        ),
        400,
        /initialize alone/,
      ],
      [{ "mcp-protocol-version": "1999-01-01" }, ping, 400, /2025-11-25/],
      [{ "mcp-session-id": "none" }, ping, 404, /initialize again/],
    ];
    for (const [headers, body, status, message] of refusals) {
      const refused = { status, json: { id: null, error: { message: expect.stringMatching(message) } } };
      expect(await post(headers, body), body).toMatchObject(refused);
    }
    const begins = await ask("POST", "/mcp", { headers: kinds, body: rpc("initialize", { protocolVersion: 5 }, 1) });
    expect(begins).toMatchObject({
      status: 400,
      json: { error: { code: -32_602, message: expect.stringContaining("protocolVersion must be a string") } },
    });
    expect((await ask("GET", "/mcp", { headers: { ...session, accept: "application/json" } })).status).toBe(406);
    expect(await post({}, ping)).toMatchObject({ status: 200 });
  });

  it("with Expect: 100-continue gets 100, and Connection: close closes the connection", async () => {
    const { begin, begun } = await serveMcp();
    const body = rpc("ping", {}, 1);
    for (const accept of [kinds.accept, "*/*"]) {
      const headers = { ...bearer, ...(await begun()), ...lengthOf(body), accept };
      const request = begin("POST", "/mcp", { ...headers, expect: "100-continue", connection: "close" });
      request.flushHeaders();
      await once(request, "continue");
      request.end(body);
      const answer = await answerTo(request);
      expect(answer).toMatchObject({ status: 200, headers: { connection: "close" } });
      expect(answer.text).toContain('"id":1');
    }
  });

  it("with a body over the limit is answered 413 before the connection closes", async () => {
    const { ask, begin, begun } = await serveMcp({ maxMcpBodyBytes: 1_000_000 });
    const session = await begun();
    const headers = { ...bearer, ...session };
    const refused = {
      status: 413,
      headers: { connection: "close" },
      json: { error: { code: -32_600, message: expect.stringMatching(/1000000 bytes.*smaller chunks.*url/) } },
    };
    const large = "x".repeat(3_000_000);
    expect(await ask("POST", "/mcp", { headers, body: large })).toMatchObject(refused);
    const chunked = begin("POST", "/mcp", headers);
    chunked.end(large);
    expect(await answerTo(chunked)).toMatchObject(refused);
    const asking = begin("POST", "/mcp", { ...headers, ...lengthOf(large), expect: "100-continue" });
    asking.on("continue", () => expect.unreachable());
    asking.flushHeaders();
    expect(await answerTo(asking)).toMatchObject(refused);
    const padded = rpc("tools/call", { name: "save_artifact", arguments: { x: "x".repeat(900_000) } }, 1);
    const fitting = begin("POST", "/mcp", headers); // of unknown length, and too long for the budget of small bodies
    fitting.end(padded);
    expect(await answerTo(fitting)).toMatchObject({ status: 200 });
  });

  it("with only notifications is answered with 202, and so is one whose call was cancelled", async () => {
    const { ask, begin, begun, store } = await serveMcp();
    const session = await begun();
    const notified = await ask("POST", "/mcp", { headers: session, body: rpc("notifications/initialized") });
    expect([notified.status, notified.text]).toEqual([202, ""]);
    const { answered } = await beginHeld({ begin, store }, session);
    await ask("POST", "/mcp", { headers: session, body: rpc("notifications/cancelled", { requestId: 7 }) });
    expect(await answered).toMatchObject({ status: 202, text: "" });
  });

  it.each(["*/*", kinds.accept])("that takes long sends something before its answer, as %s", async (accept) => {
    const { begin, begun, store } = await serveMcp({ keepAliveMs: 10 });
    const listBuckets = store.artifacts.listBuckets.bind(store.artifacts);
    const gate = new EventEmitter();
    store.artifacts.listBuckets = async (...args) => {
      await once(gate, "open");
      return listBuckets(...args);
    };
    const body = rpc("tools/call", { name: "list_buckets", arguments: {} }, 7);
    const call = begin("POST", "/mcp", { ...bearer, ...(await begun("2025-06-18")), ...lengthOf(body), accept });
    call.end(body);
    const [response] = (await once(call, "response")) as [IncomingMessage];
    const [life] = (await once(response, "data")) as [Buffer];
    const isJson = accept === "*/*";
    expect(String(life)).toMatch(isJson ? /^ +$/ : /^(: keepalive\n\n)+$/);
    gate.emit("open");
    const rest = await text(response);
    const data = isJson ? rest : rest.slice(rest.indexOf("data: ") + 6);
    expect(JSON.parse(data)).toMatchObject({ id: 7, result: { structuredContent: { data: [] } } });
  });

  it("that is running when its session ends gets an error", async () => {
    const { ask, begin, begun, store } = await serveMcp();
    const session = await begun();
    const { answered } = await beginHeld({ begin, store }, session);
    expect((await ask("DELETE", "/mcp", { headers: session })).status).toBe(200);
    expect(await answered).toMatchObject({ status: 404, json: { error: { code: -32_001 } } });
  });
});
