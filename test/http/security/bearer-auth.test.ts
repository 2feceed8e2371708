import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { hostOf } from "../../../src/http/security/bearer-auth.js";
import { answerTo, bearer, mountOf, serveHttp, token } from "../../support/http-client.js";
import { downloadUrl, uploadUrl } from "../../support/signed-urls.js";
import { createMemoryEngines, saveText } from "../../support/stores.js";

/** Stops the clock: everything happens within one second, and no timeout comes. */
function holdClock(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
}

describe("the token", () => {
  const requests = [
    "GET /v1/artifacts",
    "POST /v1/artifacts",
    "GET /v1/artifacts/b",
    "GET /v1/artifacts/b/k",
    "DELETE /v1/artifacts/b/k",
    "GET /v1/files",
    "GET /v1/content/b/k",
    "HEAD /v1/content/b/k",
    "PUT /v1/content/b/k",
    "POST /v1/content/b/k",
    "POST /v1/tus",
    "GET /v1/openapi.json",
    "GET /mcp",
    "POST /mcp",
    "DELETE /mcp",
    "GET /v1/artifacts/session:x",
    "PUT /v1/artifacts/session:x.y",
  ];
  it.each(requests)("is required by %s", async (request) => {
    const mcp = mountOf(async () => expect.unreachable());
    const client = await serveHttp(createMemoryEngines(), { mcp });
    await saveText(client.store, "b", "k", "hello");
    const [method = "", path = ""] = request.split(" ");
    const strangers = ["", "Bearer", "Bearer x", `Bearer ${token}x`, `Basic ${token}`, `Bearer ${token.slice(0, -1)}`];
    for (const authorization of strangers) {
      const answer = await client.askAsStranger(method, path, {
        headers: authorization === "" ? {} : { authorization },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
    }
    expect(await client.store.artifacts.get("b", "k")).toMatchObject({ version: 1 });
  });

  it("is not required by /healthz and /readyz", async () => {
    const { askAsStranger } = await serveHttp();
    for (const path of ["/healthz", "/readyz"]) {
      expect(await askAsStranger("GET", path)).toMatchObject({ status: 200, json: { status: "ok" } });
      expect((await askAsStranger("HEAD", path)).status).toBe(200);
    }
  });

  it("guessed more than ten times a second is answered with 429, while right tokens and URLs still work", async () => {
    const client = await serveHttp();
    const [upload, download] = [await uploadUrl(client), await downloadUrl(client, "saved")];
    holdClock();
    const wrong = ["/v1/artifacts", `${upload}x`, `${download}x`, `${download}&x=1`.replace("version=1", "version=2")];
    const ask = (at: number) => client.askAsStranger("GET", wrong[at % wrong.length] ?? "");
    for (let at = 0; at < 10; at += 1) expect((await ask(at)).status).toBe(401);
    for (let at = 0; at < 10; at += 1) {
      expect(await ask(at)).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    }
    expect((await client.ask("GET", "/v1/artifacts")).status).toBe(200);
    expect((await client.askAsStranger("GET", download)).text).toBe("hello");
    expect((await client.askAsStranger("PUT", upload, { body: "hello" })).status).toBe(200);
  });

  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::1", "0:0:0:0"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:DB8:1:2::6", "2001:db8:1:2"],
    ["2001:0db8:0001:0002:0000:0000:0000:0006", "2001:db8:1:2"],
    ["2001:db8::6", "2001:db8:0:0"],
    ["2001:db8::5:6:7:8:9", "2001:db8:0:5"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["64:ff9b::10.0.0.1", "64:ff9b:0:0"],
  ])("guessed from %s counts for the host %s", (address, host) => {
    expect(hostOf(address)).toBe(host);
  });

  it("guessed too often with a body is answered without reading the body", async () => {
    const client = await serveHttp();
    holdClock(); // if the server waited for the body, the test would time out
    for (let at = 0; at < 10; at += 1) await client.askAsStranger("GET", "/v1/artifacts");
    const { hostname, port } = new URL(client.origin);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.write("PUT /v1/content/b/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 429 .*"code":"too_many_requests"/s);
  });

  it("or signature, if wrong, costs no read of the store", async () => {
    const engines = createMemoryEngines();
    const calls: string[] = [];
    const counted = <Port extends object>(port: Port): Port =>
      new Proxy(port, {
        get(target, name) {
          const found: unknown = Reflect.get(target, name);
          if (typeof found !== "function") return found;
          return (...given: unknown[]) => {
            calls.push(String(name));
            return Reflect.apply(found, target, given);
          };
        },
      });
    const client = await serveHttp(
      { metadata: counted(engines.metadata), content: counted(engines.content) },
      { mcp: mountOf(async () => expect.unreachable()) },
    );
    const [upload, download] = [await uploadUrl(client), await downloadUrl(client, "saved")];
    holdClock();
    calls.length = 0;
    for (let at = 0; at < 5; at += 1) {
      const wrong = { authorization: `Bearer ${token}${at}` };
      for (const path of ["/v1/artifacts", "/v1/artifacts/b/k", "/v1/content/b/saved", "/v1/content/b/..%2F"]) {
        expect((await client.ask("GET", path, { headers: wrong })).status).toBeOneOf([401, 429]);
      }
      for (const method of ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]) {
        expect((await client.ask(method, `${upload}x`, { headers: wrong })).status).toBeOneOf([401, 429]);
        expect((await client.ask(method, "/v1/content/b/saved", { headers: wrong })).status).toBeOneOf([401, 405, 429]);
      }
      expect((await client.askAsStranger("GET", `${download}x`)).status).toBeOneOf([401, 429]);
      expect((await client.askAsStranger("GET", `${download}&more=1`)).status).toBe(400);
      expect((await client.ask("POST", "/mcp", { headers: wrong })).status).toBeOneOf([401, 429]);
    }
    expect(calls).toEqual([]);
    expect((await client.ask("GET", "/v1/content/b/saved")).text).toBe("hello");
    expect(calls).not.toEqual([]);
  });
});

it("the log has no token and no signature", async () => {
  const lines: string[] = [];
  const client = await serveHttp(undefined, { log: (...line) => lines.push(JSON.stringify(line)) });
  const [upload, download] = [await uploadUrl(client), await downloadUrl(client)];
  await client.ask("GET", "/v1/artifacts");
  await client.askAsStranger("PUT", upload, { body: "hello" });
  await client.askAsStranger("PUT", upload, { body: "jello" });
  await client.askAsStranger("GET", download);
  await client.askAsStranger("GET", `${download}x`);
  expect(lines.length).toBeGreaterThan(3);
  const secrets = [token, upload.split(".").at(-1), download.split("signature=").at(-1)];
  for (const secret of secrets) expect(lines.join("\n")).not.toContain(secret);
});

it("a client that may not save gets its error before it sends a large body", async () => {
  const client = await serveHttp();
  const request = client.begin("PUT", "/v1/content/b/k", {
    expect: "100-continue",
    "content-length": String(10 ** 10),
  });
  request.flushHeaders();
  let isContinued = false;
  request.on("continue", () => {
    isContinued = true;
  });
  expect((await answerTo(request)).status).toBe(401);
  expect(isContinued).toBe(false);
});

it("a client that may save gets 100 Continue, and one that sends a body anyway still gets its error", async () => {
  const client = await serveHttp();
  const headers = { ...bearer, expect: "100-continue", "content-length": "5" };
  const asked = client.begin("PUT", "/v1/content/b/k", headers);
  asked.flushHeaders();
  await once(asked, "continue");
  asked.end("hello");
  expect((await answerTo(asked)).status).toBe(201);

  const { hostname, port } = new URL(client.origin);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  const body = Buffer.alloc(3_000_000);
  socket.write(`PUT /v1/content/b/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n`);
  const [heard] = (await once(socket, "data")) as [Buffer];
  expect(String(heard)).toMatch(/^HTTP\/1\.1 401 /);
  socket.write(body); // the client sends on, as if it had not read the answer yet
  await once(socket, "end"); // the connection is not reset, because the client would lose the answer
});
