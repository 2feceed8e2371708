import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { bearer, type HttpClient } from "../../support/http-client.js";
import { beginHeld, kinds, lengthOf, rpc, save, serveMcp } from "../../support/mcp-http.js";

const accepted = ["*/*", kinds.accept];

/** A new connection without a request. */
async function dial({ origin }: HttpClient) {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The messages of an answer, in either form. */
function messagesIn(text: string): object[] {
  const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
  return events.length > 0 ? events : [JSON.parse(text)].flat();
}

const unanswered = { id: 7, error: { code: -32_000, message: expect.stringContaining("look at what was done") } };

describe("a server that is asked to stop", () => {
  it.each(accepted)("answers the running calls, as %s", async (accept) => {
    const server = await serveMcp();
    const { answered, letGo } = await beginHeld(server, await server.begun(), { accept });
    const stopped = server.stop();
    letGo();
    const { status, text } = await answered;
    expect(status).toBe(200);
    expect(messagesIn(text)).toMatchObject([{ id: 7, result: { structuredContent: { data: [] } } }]);
    await stopped;
  });

  it("finishes a call whose client has gone", async () => {
    const server = await serveMcp();
    const { call, letGo } = await beginHeld(server, await server.begun());
    call.destroy();
    let isStopped = false;
    const stopped = server.stop().then(() => {
      isStopped = true;
    });
    for (let round = 0; round < 100; round += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(isStopped).toBe(false);
    letGo();
    await stopped;
  });

  it("refuses new calls with 503, not with the error for an unknown session", async () => {
    const server = await serveMcp();
    const session = await server.begun();
    const { answered, letGo } = await beginHeld(server, session);
    const late = await dial(server);
    await server.ask("GET", "/healthz"); // after this answer the server has accepted the earlier connection
    const stopped = server.stop();
    const body = rpc("tools/call", save, 8);
    const fields = Object.entries({ ...bearer, ...session, ...lengthOf(body), host: "localhost" });
    late.write(`POST /mcp HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
    const [heard] = (await once(late, "data")) as [Buffer];
    expect(String(heard)).toMatch(/^HTTP\/1\.1 503 .*retry-after: 5\r\n.*connection: close\r\n.*-32000.*ending/is);
    letGo();
    expect(await answered).toMatchObject({ status: 200, headers: { connection: "close" } });
    await stopped;
    expect(await server.store.artifacts.listBuckets({ limit: 1 })).toEqual({ data: [] });
  });

  it.each([
    ["*/*", 503],
    [kinds.accept, 200],
  ])("answers a call that takes too long with an error, as %s", async (accept, status) => {
    const server = await serveMcp({}, undefined, { stopMs: 50 });
    const { answered } = await beginHeld(server, await server.begun(), { accept });
    await server.stop();
    const answer = await answered;
    expect(answer).toMatchObject({ status, ...(status === 503 ? { headers: { "retry-after": "5" } } : {}) });
    expect(messagesIn(answer.text)).toMatchObject([unanswered]);
  });

  it.each(accepted)("sends this error after the answers to other calls of the batch, as %s", async (accept) => {
    const server = await serveMcp({}, undefined, { stopMs: 50 });
    const session = await server.begun();
    const { answered } = await beginHeld(server, session, { accept, before: rpc("ping", {}, 6) });
    await server.stop();
    expect(messagesIn((await answered).text)).toMatchObject([{ id: 6, result: {} }, unanswered]);
  });
});

it.each(accepted)("a session that ends answers each running call with an error, as %s", async (accept) => {
  const server = await serveMcp();
  const session = await server.begun();
  const { answered, letGo } = await beginHeld(server, session, { accept, before: rpc("ping", {}, 6) });
  expect((await server.ask("DELETE", "/mcp", { headers: session })).status).toBe(200);
  const { text } = await answered;
  expect(messagesIn(text)).toMatchObject([
    { id: 6, result: {} },
    { id: 7, error: { code: -32_001, message: expect.stringContaining("initialize again") } },
  ]);
  letGo();
});

describe("two requests with one id", () => {
  it.each(accepted)("in one session: the second is refused, the first gets its answer, as %s", async (accept) => {
    const server = await serveMcp();
    const session = await server.begun();
    const { answered, letGo } = await beginHeld(server, session, { accept });
    const headers = { ...session, accept };
    const [one, other] = [rpc("tools/call", save, 7), rpc("tools/call", save, 8)];
    for (const body of [one, `[${other},${one}]`]) {
      expect(await server.ask("POST", "/mcp", { headers, body })).toMatchObject({
        status: 400,
        json: { error: { code: -32_600, message: expect.stringContaining("id 7 is not answered yet: give each") } },
      });
    }
    letGo();
    const list = { id: 7, result: { structuredContent: { data: [] } } }; // so the refused calls have saved nothing
    expect(messagesIn((await answered).text)).toMatchObject([list]);
    const again = await server.ask("POST", "/mcp", { headers, body: one });
    expect(messagesIn(again.text)).toMatchObject([{ id: 7, result: { structuredContent: { key: "k.txt" } } }]);
  });

  it("sent at the same time get one answer each, and never each other's", async () => {
    const server = await serveMcp();
    const session = await server.begun();
    const ask = async (key: string) => {
      const body = rpc("tools/call", { ...save, arguments: { ...save.arguments, key } }, 7);
      return { key, ...(await server.ask("POST", "/mcp", { headers: session, body })) };
    };
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(`k${at}`)));
    for (const { key, status, text } of answers) {
      expect(messagesIn(text)).toMatchObject([
        status === 200 ? { id: 7, result: { structuredContent: { key } } } : { error: { code: -32_600 } },
      ]);
    }
    expect(answers.some(({ status }) => status === 200)).toBe(true);
  });

  it("in two sessions are two requests", async () => {
    const server = await serveMcp();
    const { answered, letGo } = await beginHeld(server, await server.begun());
    const body = rpc("tools/call", save, 7);
    const other = await server.ask("POST", "/mcp", { headers: await server.begun(), body });
    expect(messagesIn(other.text)).toMatchObject([{ id: 7, result: { structuredContent: { key: "k.txt" } } }]);
    letGo();
    expect(messagesIn((await answered).text)).toMatchObject([{ id: 7, result: { structuredContent: {} } }]);
  });
});
