import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { gate } from "../../support/gate.js";
import { bearer, type HttpClient, type HttpClientOptions, serveHttp } from "../../support/http-client.js";
import { createMemoryEngines, saveText, textOf } from "../../support/stores.js";

/** A connection, and all that the server sends on it before it closes the connection. */
async function dial({ origin }: HttpClient) {
  const { hostname, port } = new URL(origin);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let heard = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  const ended = once(socket, "end").then(() => heard);
  await once(socket, "connect");
  return { socket, ended, heard: () => heard };
}

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

/** Returns the problem in the only response, after a check of the response's length. */
function problemIn(heard: string): Problem {
  const [head = "", body = "", ...rest] = heard.split("\r\n\r\n");
  expect(rest).toEqual([]);
  const problem = JSON.parse(body);
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${problem.status} [A-Z]`));
  expect(head).toContain("\r\ncontent-type: application/problem+json\r\n");
  expect(head).toContain(`\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`);
  expect(head).toMatch(/\r\nconnection: close(\r\n|$)/i);
  return problem;
}

const auth = `authorization: ${bearer.authorization}\r\n`;
const rest = " HTTP/1.1\r\nhost: localhost\r\n\r\n";
const encode = /percent-encode.*é as %C3%A9/;

describe("a request that cannot be parsed", () => {
  it.each([
    ["plain é in its path", `GET /v1/content/b/caf\u00e9${rest}`, encode],
    ["plain é in its query", `GET /v1/artifacts/b?prefix=\u00e9${rest}`, encode],
    ["plain characters of three bytes", `GET /v1/content/b/\u62a5\u544a.txt${rest}`, encode],
    ["a control character", `GET /v1/content/b/a\u0001b${rest}`, encode],
    ["a space in its path", `GET /v1/content/b/a b${rest}`, /space as %20/],
    ["no method", "hello\r\n\r\n", /cannot be read as a request/],
    [
      "a header field without a colon",
      "GET /healthz HTTP/1.1\r\nhost localhost\r\n\r\n",
      /cannot be read as a request/,
    ],
    ["TLS", "\u0016\u0003\u0001\u0002", /cannot be read as a request/],
  ])("because of %s is answered with a next step, and the connection closes", async (_what, request, why) => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    socket.write(request);
    const problem = problemIn(await ended);
    expect(problem).toMatchObject({ type: "about:blank", title: "Bad Request", status: 400, code: "invalid_argument" });
    expect(problem.detail).toMatch(why);
    expect((await client.ask("GET", "/healthz")).status).toBe(200);
  });

  it.each([
    ["an invalid length", "content-length: +5\r\n", "hello"],
    ["two lengths", "content-length: 5\r\ncontent-length: 5\r\n", "hello"],
    ["a length and a coding", "content-length: 5\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"],
    ["an invalid chunk size", "transfer-encoding: chunked\r\n", "zz\r\n"],
  ])("because of %s gets an error about that, not about its URL", async (_what, fields, body) => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    socket.write(`PUT /v1/content/b/k HTTP/1.1\r\nhost: localhost\r\n${auth}${fields}\r\n${body}`);
    const { status, detail } = problemIn(await ended);
    expect(status).toBe(400);
    expect(detail).toMatch(/cannot be read as a request.*length|chunk size|transfer-encoding/i);
    expect(detail).not.toMatch(/percent/);
  });

  it.each([
    ["HTTP/1.1 without Host", "GET /v1/artifacts", "", 400, /Host: send it/],
    ["an unknown expectation", "GET /v1/artifacts", "host: localhost\r\nexpect: x\r\n", 417, /100-continue/],
    ["CONNECT", "CONNECT localhost:80", "host: localhost\r\n", 405, /no proxy/],
    ["a bad URL, with a body", "PUT /v1/content/b/%zz", "host: localhost\r\ncontent-length: 9999\r\n", 400, /%25/],
  ])(
    "because of %s is answered with a next step, after the request before it",
    async (_what, line, fields, status, why) => {
      const client = await serveHttp();
      const { socket, ended } = await dial(client);
      const before = `PUT /v1/content/b/k HTTP/1.1\r\nhost: localhost\r\n${auth}content-length: 1\r\n\r\nx`;
      socket.write(`${before}${line} HTTP/1.1\r\n${auth}${fields}connection: close\r\n\r\n`);
      const heard = await ended;
      expect(heard).toMatch(/^HTTP\/1\.1 201 /);
      const problem = problemIn(heard.slice(heard.indexOf("HTTP/1.1 4")));
      expect(problem.status).toBe(status);
      expect(problem.detail).toMatch(why);
    },
  );

  it("is answered after its client has ended its own side of the connection", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    socket.end(`GET /v1/content/b/\u00e9${rest}`);
    expect(problemIn(await ended)).toMatchObject({ status: 400 });
  });

  it("does no harm if its client disconnects before the answer", async () => {
    const failures: unknown[] = [];
    const log: HttpClientOptions["log"] = (level, event) => void (level === "error" && failures.push(event));
    const client = await serveHttp(undefined, { log });
    for (let n = 0; n < 20; n += 1) {
      const { socket } = await dial(client);
      socket.write(`GET /\u00e9${rest}`);
      if (n % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    expect((await client.ask("GET", "/readyz")).status).toBe(200);
    expect(failures).toEqual([]);
  });

  it("does not keep the server from stopping, although its client never closes the connection", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    socket.write(`GET /\u00e9${rest}`);
    await ended;
    await client.stop();
  });

  it.each([
    ["with too long header fields", { status: 431, code: "header_too_large" }],
    ["with a head that takes too long", { status: 408, code: "request_timeout" }],
  ])("%s is answered with a problem", async (_what, expected) => {
    const limits = expected.status === 408 ? { headMs: 100, lookMs: 50 } : {};
    const client = await serveHttp(undefined, { limits });
    const { socket, ended } = await dial(client);
    socket.write(
      `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-large: ${"x".repeat(expected.status === 431 ? 20_000 : 1)}`,
    );
    expect(problemIn(await ended)).toMatchObject(expected);
  });
});

it("a body that is shorter than its length is answered with how to continue", async () => {
  const client = await serveHttp();
  const { socket, ended } = await dial(client);
  const { id, url } = await client.store.uploads.create({ bucket: "b", key: "k", size: 5 });
  socket.end(`PUT ${new URL(url).pathname} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhel`);
  const problem = problemIn(await ended);
  expect(problem).toMatchObject({ status: 400, code: "invalid_argument" });
  expect(problem.detail).toMatch(/ended before the request was whole.*ask that URL for the offset/);
  await expect.poll(async () => (await client.store.uploads.get(id)).offset).toBe(3);
});

describe("bytes that cannot be parsed after a request", () => {
  const garbage = `GET /\u00e9${rest}`;

  it("do not change the answer to that request, which is sent first", async () => {
    const engines = createMemoryEngines();
    const [looked, goOn] = [gate(), gate()];
    const get = async (key: string) => {
      if (key.startsWith("artifact\t")) {
        looked.open();
        await goOn.passed;
      }
      return engines.metadata.get(key);
    };
    const client = await serveHttp({ ...engines, metadata: { ...engines.metadata, get } });
    const { socket, ended } = await dial(client);
    socket.write(
      `GET /v1/artifacts/b/k HTTP/1.1\r\nhost: localhost\r\nauthorization: ${bearer.authorization}\r\n\r\n${garbage}`,
    );
    await looked.passed;
    goOn.open();
    const heard = await ended;
    const statuses = [...heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
    expect(statuses).toEqual(["404", "400"]);
  });

  it("do not damage content that is being sent: the refusal follows it", async () => {
    const client = await serveHttp();
    const content = "y".repeat(3_000_000);
    await saveText(client.store, "b", "k", content);
    const { socket, ended } = await dial(client);
    socket.write(
      `GET /v1/content/b/k HTTP/1.1\r\nhost: localhost\r\nauthorization: ${bearer.authorization}\r\n\r\n${garbage}`,
    );
    const heard = await ended;
    const body = heard.slice(heard.indexOf("\r\n\r\n") + 4);
    expect(body.slice(0, content.length) === content).toBe(true);
    expect(problemIn(body.slice(content.length))).toMatchObject({ status: 400 });
  });

  it("in its own body are refused, and nothing of the body is saved", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    const head = `PUT /v1/content/b/k HTTP/1.1\r\nhost: localhost\r\nauthorization: ${bearer.authorization}\r\n`;
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n`);
    expect(problemIn(await ended)).toMatchObject({ status: 400 });
    await expect(textOf(client.store, "b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
  });
});

it("a percent-encoded key works as the error for a plain one says", async () => {
  const client = await serveHttp();
  const path = "/v1/content/b/caf%C3%A9%20%E6%8A%A5%E5%91%8A.txt";
  expect(await client.ask("PUT", path, { body: "x" })).toMatchObject({ status: 201, json: { key: "café 报告.txt" } });
  const answer = await client.ask("GET", path);
  expect(answer).toMatchObject({ status: 200, text: "x" });
  expect(answer.headers["content-disposition"]).toContain("filename*=UTF-8''caf%C3%A9%20%E6%8A%A5%E5%91%8A.txt");
});
