import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { gate } from "../../support/gate.js";
import { bearer, type HttpClient, serveHttp, token } from "../../support/http-client.js";
import { createMemoryEngines, saveText } from "../../support/stores.js";

const auth = `authorization: ${bearer.authorization}\r\n`;
const head = (method: string, path: string, more = ""): string =>
  `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${auth}${more}\r\n`;

/** A connection, and all that the server sends on it before it closes the connection. */
async function dial({ origin }: HttpClient) {
  const { hostname, port } = new URL(origin);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  let heard = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    heard += text;
  });
  const ended = once(socket, "end").then(() => heard);
  ended.catch(() => undefined);
  await once(socket, "connect");
  return { socket, ended };
}

const statusesIn = (heard: string): number[] =>
  [...heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

describe("requests on one connection", () => {
  it("are answered in the order of their arrival, one after the other", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    const path = "/v1/content/b/k";
    const info = "/v1/artifacts/b/k";
    socket.end(
      [
        `${head("PUT", path, "content-length: 5\r\n")}first`,
        head("GET", path),
        `${head("PUT", path, "content-length: 6\r\n")}second`,
        head("GET", path),
        head("DELETE", info),
        head("GET", path),
      ].join(""),
    );
    const heard = await ended;
    expect(statusesIn(heard)).toEqual([201, 200, 200, 200, 200, 404]);
    expect(heard.indexOf("\r\n\r\nfirst")).toBeLessThan(heard.indexOf("\r\n\r\nsecond"));
    expect((await client.ask("GET", path)).status).toBe(404);
  });

  it("do not begin before the previous one has been answered", async () => {
    const engines = createMemoryEngines();
    const [looked, goOn] = [gate(), gate()];
    const get = async (key: string) => {
      if (key === "artifact\tb\tslow") {
        looked.open();
        await goOn.passed;
      }
      return engines.metadata.get(key);
    };
    const client = await serveHttp({ ...engines, metadata: { ...engines.metadata, get } });
    const { socket, ended } = await dial(client);
    socket.write(`${head("GET", "/v1/artifacts/b/slow")}${head("PUT", "/v1/content/b/k", "content-length: 1\r\n")}x`);
    await looked.passed;
    expect((await client.ask("GET", "/v1/content/b/k")).status).toBe(404);
    goOn.open();
    socket.end();
    expect(statusesIn(await ended)).toEqual([404, 201]);
  });

  it("are answered up to a limit; then the connection closes after the last accepted one", async () => {
    const client = await serveHttp();
    const few = await dial(client);
    few.socket.end(head("GET", "/healthz").repeat(200));
    expect(statusesIn(await few.ended)).toEqual(Array.from({ length: 200 }, () => 200));

    const many = await dial(client);
    many.socket.write(head("GET", "/healthz").repeat(2_000));
    const heard = await many.ended;
    expect(statusesIn(heard).length).toBeGreaterThan(200);
    expect(statusesIn(heard).length).toBeLessThan(2_000);
    expect(heard.match(/connection: close/gi)).toHaveLength(1);
  });

  it("do not keep the server from stopping", async () => {
    const client = await serveHttp();
    await saveText(client.store, "b", "k", "y".repeat(8_000_000));
    const { socket } = await dial(client);
    socket.pause();
    socket.write(head("GET", "/v1/content/b/k").repeat(100));
    await client.ask("GET", "/healthz");
    socket.destroy();
    await client.stop();
  });
});

describe("a client that has ended its own side of the connection", () => {
  it("gets the answer to a complete request", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    socket.end(`${head("PUT", "/v1/content/b/k", "content-length: 5\r\n")}hello`);
    expect(statusesIn(await ended)).toEqual([201]);
    const large = "z".repeat(3_000_000);
    await saveText(client.store, "b", "large", large);
    const reading = await dial(client);
    reading.socket.end(head("GET", "/v1/content/b/large"));
    expect((await reading.ended).endsWith(large)).toBe(true);
  });

  it("without a request is disconnected", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    socket.end();
    expect(await ended).toBe("");
  });
});

describe("a head that two servers could understand differently", () => {
  const fields = (count: number): string => Array.from({ length: count }, (_, n) => `x-${n}: 1\r\n`).join("");

  it("loses no field, however many there are", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    socket.end(`GET /v1/artifacts HTTP/1.1\r\nhost: localhost\r\n${fields(1_200)}${auth}\r\n`);
    expect(statusesIn(await ended)).toEqual([200]);
  });

  it.each([
    ["two hosts", "host: evil.example\r\n", 400, "has the header field host twice: send it once"],
    ["two tokens", `authorization: Bearer ${token}\r\n`, 400, "has the header field authorization twice: send it once"],
    [
      "two types",
      "content-type: a/b\r\ncontent-type: text/html\r\n",
      400,
      "has the header field content-type twice: send it once",
    ],
    ["an unsupported transfer coding", "transfer-encoding: gzip, chunked\r\n", 501, "chunked"],
  ])("with %s is refused, and nothing is saved", async (_what, more, status, why) => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    const length = more.startsWith("transfer") ? "" : "content-length: 10\r\n";
    socket.write(`${head("PUT", "/v1/content/b/k", `${more}${length}`)}5\r\nhello\r\n`);
    if (length === "") socket.write("0\r\n\r\n");
    socket.end();
    const heard = await ended;
    expect(statusesIn(heard)).toEqual([status]);
    expect(heard).toContain(why);
    expect((await client.ask("GET", "/v1/content/b/k")).status).toBe(404);
  });
});

describe("a client of HTTP/1.0", () => {
  it("gets no interim response", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    const more =
      "upload-complete: ?1\r\nupload-draft-interop-version: 8\r\nexpect: 100-continue\r\ncontent-length: 5\r\n";
    socket.write(`PUT /v1/content/b/k HTTP/1.0\r\n${auth}${more}\r\nhello`);
    expect(await ended).toMatch(/^HTTP\/1\.1 200 /);
    expect((await client.ask("GET", "/v1/content/b/k")).text).toBe("hello");
  });

  it("may leave out Host, but is refused if it names a foreign host (DNS rebinding)", async () => {
    const client = await serveHttp();
    const { socket, ended } = await dial(client);
    socket.write("GET /healthz HTTP/1.0\r\n\r\n");
    expect(await ended).toMatch(/^HTTP\/1\.1 200 /);
    const other = await dial(client);
    other.socket.write("GET /healthz HTTP/1.0\r\nhost: evil.example\r\n\r\n");
    expect(await other.ended).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe("at the limit of connections", () => {
  it("a new one replaces the one that has been idle longest, but none with a request", async () => {
    const events: string[] = [];
    const client = await serveHttp(undefined, {
      limits: { maxConnections: 4 },
      log: (_level, event) => void events.push(event),
    });
    const upload = client.begin("PUT", "/v1/content/b/k", { ...bearer, "content-length": "5" });
    upload.write("hel");
    await expect.poll(async () => (await client.ask("GET", "/healthz")).status).toBe(200);
    const silent: Promise<string>[] = [];
    for (let n = 0; n < 20; n += 1) silent.push((await dial(client)).ended);
    await Promise.all(silent.slice(0, 17));
    for (let n = 0; n < 5; n += 1) expect((await client.ask("GET", "/healthz")).status).toBe(200);
    upload.end("lo");
    const [response] = await once(upload, "response");
    expect(response.statusCode).toBe(201);
    expect(events.filter((event) => event === "connections_full").length).toBeGreaterThan(0);
  });
});
