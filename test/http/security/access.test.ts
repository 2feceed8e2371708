import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { registerClient } from "@modelcontextprotocol/sdk/client/auth.js";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { hostOf } from "../../../src/http/security/access.js";
import { answerTo, bearer, type HttpClient, mountOf, serveHttp, token } from "../../support/http-client.js";
import { createMemoryEngines, saveText } from "../../support/stores.js";

const unauthorized = { status: 401, json: { code: "unauthorized" } };
const forbidden = { status: 403, json: { code: "forbidden" } };

async function uploadUrl({ store }: HttpClient, key = "k"): Promise<string> {
  return (await store.uploads.create({ bucket: "b", key, size: 5 })).url;
}
async function downloadUrl({ store }: HttpClient, key = "k", text = "hello"): Promise<string> {
  const { url = "" } = await saveText(store, "b", key, text);
  return url;
}

/** The clock stands: all that happens is within one second, and no time-out comes. */
function holdClock(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
}

describe("the token", () => {
  const requests = [
    ...["GET /v1/artifacts", "POST /v1/artifacts", "GET /v1/artifacts/b", "GET /v1/artifacts/b/k"],
    ...["DELETE /v1/artifacts/b/k", "GET /v1/files", "GET /v1/content/b/k", "HEAD /v1/content/b/k"],
    ...["PUT /v1/content/b/k", "POST /v1/content/b/k", "POST /v1/tus", "GET /v1/openapi.json"],
    ...["GET /mcp", "POST /mcp", "DELETE /mcp", "GET /v1/artifacts/session:x", "PUT /v1/artifacts/session:x.y"],
  ];
  it.each(requests)("is asked for by %s", async (request) => {
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

  it("is not asked for by what says that the server is well", async () => {
    const { askAsStranger } = await serveHttp();
    for (const path of ["/healthz", "/readyz"]) {
      expect(await askAsStranger("GET", path)).toMatchObject({ status: 200, json: { status: "ok" } });
      expect((await askAsStranger("HEAD", path)).status).toBe(200);
    }
  });

  it("guessed more than ten times a second, is not asked for any more; who has it goes on", async () => {
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
  ])("guessed from %s, counts for %s", (address, host) => {
    expect(hostOf(address)).toBe(host);
  });

  it("guessed too often with a body, is answered without waiting for the body", async () => {
    const client = await serveHttp();
    holdClock(); // of a body that is waited for the wait would never end
    for (let at = 0; at < 10; at += 1) await client.askAsStranger("GET", "/v1/artifacts");
    const { hostname, port } = new URL(client.origin);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.write("PUT /v1/content/b/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 429 .*"code":"too_many_requests"/s);
  });

  it("or a code that is wrong costs no read of the store", async () => {
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

describe("an upload URL", () => {
  it("is for its session alone", async () => {
    const client = await serveHttp();
    const [mine, other] = [await uploadUrl(client, "mine"), await uploadUrl(client, "other")];
    const swapped = mine.replace(/\.[^.]*$/, `.${other.split(".").at(-1)}`);
    for (const url of [
      swapped,
      `${mine}x`,
      `${mine}.x`,
      mine.slice(0, -1),
      mine.replace(/\.[^.]*$/, ""),
      mine.replace(/\.[^.]*$/, "."),
    ]) {
      for (const method of ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]) {
        expect((await client.askAsStranger(method, url)).status).toSatisfy((status) => [401, 429].includes(status));
      }
    }
    expect(await client.askAsStranger("PUT", mine, { body: "hello" })).toMatchObject({
      status: 200,
      json: { bytes: 5 },
    });
  });

  it("has a code of more than 128 bits that another key does not make", async () => {
    const engines = createMemoryEngines();
    const client = await serveHttp(engines);
    const url = await uploadUrl(client);
    expect(url).toMatch(/\.[\w-]{22}$/);
    const same = await serveHttp(engines);
    const other = await serveHttp(engines, { signingKey: Buffer.alloc(32, 8) });
    const { pathname } = new URL(url);
    expect((await same.askAsStranger("GET", pathname)).status).toBe(200);
    expect(await other.askAsStranger("GET", pathname)).toMatchObject(unauthorized);
  });
});

describe("the URL of an upload that is complete", () => {
  it("answers with download URLs for an hour, which then work no more", async () => {
    let now = 1_000_000;
    const client = await serveHttp(undefined, { nowSeconds: () => now, now: () => now * 1_000 });
    const url = await uploadUrl(client);
    const done = await client.askAsStranger("PUT", url, { body: "hello" });
    expect(done.json["url"]).toContain("/v1/content/b/k?");
    now += 3_599;
    const { artifact } = (await client.askAsStranger("GET", url)).json as { artifact: { url: string } };
    expect((await client.askAsStranger("GET", artifact.url)).text).toBe("hello");
    now += 1;
    expect(await client.askAsStranger("GET", artifact.url)).toMatchObject(unauthorized);
    const session = await client.askAsStranger("GET", url);
    expect(session).toMatchObject({ status: 200, json: { status: "complete", artifact: { bytes: 5 } } });
    const replays = [
      await client.askAsStranger("PUT", url, { body: "hello" }),
      await client.askAsStranger("PUT", url, { body: "hello", headers: { "upload-complete": "?1" } }),
      await client.askAsStranger("POST", url, { headers: { "upload-offset": "5" } }),
    ];
    for (const { status, json } of replays) expect({ status, json }).toMatchObject({ status: 200, json: { bytes: 5 } });
    for (const { text } of [session, ...replays]) expect(text).not.toContain("/v1/content/");
    expect((await client.ask("GET", "/v1/artifacts/b/k")).json["url"]).toContain("/v1/content/b/k?");
  });

  it("gives the content by tus for an hour, and to who has the token for longer", async () => {
    let now = 1_000_000;
    const client = await serveHttp(undefined, { nowSeconds: () => now, now: () => now * 1_000 });
    const { id } = await client.store.uploads.create({ bucket: "b", key: "k", size: 5 });
    const url = client.links.uploadPath(id, "/v1/tus/");
    now += 100_000;
    await client.askAsStranger("PUT", client.links.uploadPath(id), { body: "hello" });
    now += 3_599;
    expect((await client.askAsStranger("GET", url)).text).toBe("hello");
    now += 1;
    const over = await client.askAsStranger("GET", url);
    expect(over).toMatchObject({ status: 410, json: { code: "gone" } });
    expect(over.json["detail"]).toContain("Bearer TOKEN");
    expect((await client.ask("GET", url)).text).toBe("hello");
  });
});

describe("a download URL", () => {
  it("lets its bearer read that version, and nothing else", async () => {
    const client = await serveHttp();
    const url = await downloadUrl(client);
    await downloadUrl(client, "k", "newer");
    await downloadUrl(client, "other");
    expect(await client.askAsStranger("GET", url)).toMatchObject({ status: 200, text: "hello" });
    expect(await client.askAsStranger("HEAD", url)).toMatchObject({ status: 200, text: "" });
    const others = [
      url.replace("version=1", "version=2"),
      url.replace("version=1&", ""),
      url.replace("/b/k?", "/b/other?"),
      url.replace(/expires=(\d+)/, (_, at: string) => `expires=${Number(at) + 1}`),
      url.replace(/signature=.*/, "signature="),
      `${url}x`,
    ];
    for (const other of others) expect(await client.askAsStranger("GET", other)).toMatchObject(unauthorized);
    expect((await client.askAsStranger("PUT", url, { body: "x" })).status).toBe(401);
    expect((await client.askAsStranger("GET", url.replace("/v1/content/", "/v1/artifacts/"))).status).toBe(401);
  });

  it("works for an hour", async () => {
    let now = 1_000_000;
    const client = await serveHttp(undefined, { nowSeconds: () => now });
    const url = await downloadUrl(client);
    now += 3_599;
    expect((await client.askAsStranger("GET", url)).status).toBe(200);
    now += 1;
    const expired = await client.askAsStranger("GET", url);
    expect(expired).toMatchObject(unauthorized);
    expect(expired.json["detail"]).toContain("fresh one");
  });

  it("opens nothing once its version is deleted, whatever comes later", async () => {
    const client = await serveHttp();
    const url = await downloadUrl(client);
    await client.store.artifacts.delete("b", "k");
    const gone = { status: 404, json: { code: "artifact_not_found" } };
    expect(await client.askAsStranger("GET", url)).toMatchObject(gone);
    // A version number is never given twice.
    expect((await saveText(client.store, "b", "k", "secret")).version).toBe(2);
    expect(await client.askAsStranger("GET", url)).toMatchObject(gone);
  });
});

describe("a page of another origin", () => {
  it.each(["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])(
    "from %s is refused",
    async (origin) => {
      const client = await serveHttp();
      const headers = { origin, "access-control-request-method": "PUT" };
      expect(await client.ask("GET", "/healthz", { headers: { origin } })).toMatchObject(forbidden);
      const refused = await client.askAsStranger("OPTIONS", await uploadUrl(client), { headers });
      expect(refused).toMatchObject(forbidden);
      expect(refused.headers).not.toHaveProperty("access-control-allow-origin");
    },
  );

  it("that was let in may ask and see what it needs", async () => {
    const origin = "https://app.example.com";
    const client = await serveHttp(undefined, { origins: [origin] });
    const url = await uploadUrl(client);
    const asks = {
      origin,
      "access-control-request-method": "PATCH",
      "access-control-request-headers": "tus-resumable",
    };
    expect(await client.askAsStranger("OPTIONS", url, { headers: asks })).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": expect.stringContaining("PATCH"),
        "access-control-allow-headers": "tus-resumable",
        vary: "Origin",
      },
    });
    const answer = await client.askAsStranger("PUT", url, { body: "hello", headers: { origin } });
    expect(answer.headers).toMatchObject({ "access-control-allow-origin": origin });
    expect(answer.headers["access-control-expose-headers"]).toContain("Upload-Offset");
    expect(await client.ask("GET", "/healthz", { headers: { origin: "https://app.example" } })).toMatchObject(
      forbidden,
    );
  });

  it("is one of the server's own, where it is", async () => {
    const client = await serveHttp();
    expect((await client.ask("GET", "/healthz", { headers: { origin: client.origin } })).status).toBe(200);
  });
});

describe("a name that was bent to this address", () => {
  it.each(["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"])(
    "%s is refused",
    async (host) => {
      const client = await serveHttp();
      expect(await client.ask("GET", "/healthz", { headers: { host } })).toMatchObject(forbidden);
    },
  );

  it("is not one of the server's own", async () => {
    const client = await serveHttp(undefined, { publicUrl: "https://files.example.com/store" });
    for (const host of ["localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:80", "files.example.com"]) {
      expect((await client.ask("GET", "/healthz", { headers: { host } })).status).toBe(200);
    }
    expect(await uploadUrl(client)).toContain("https://files.example.com/store/v1/artifacts/session:");
  });
});

it("--read-only refuses every request that changes something", async () => {
  const engines = createMemoryEngines();
  const writing = await serveHttp(engines);
  const [upload, download] = [await uploadUrl(writing), await downloadUrl(writing, "saved")];
  const { ask } = await serveHttp(engines, { readOnly: true });
  const path = new URL(upload).pathname;
  const requests = [
    ["POST", "/v1/artifacts"],
    ["PUT", path],
    ["POST", path],
    ["PATCH", path],
    ["DELETE", path],
    ["PUT", "/v1/content/b/k"],
    ["POST", "/v1/content/b/k"],
    ["DELETE", "/v1/artifacts/b/saved"],
    ["POST", "/v1/tus"],
  ] as const;
  for (const [method, at] of requests) {
    expect(await ask(method, at)).toMatchObject({ status: 403, json: { code: "read_only" } });
  }
  expect((await ask("GET", path)).json).toMatchObject({ offset: 0, status: "open" });
  expect((await ask("GET", new URL(download).pathname)).text).toBe("hello");
});

it("no token, no code and no signature is in the log", async () => {
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

describe("a client that takes its time", () => {
  async function dial({ origin }: HttpClient): Promise<Socket> {
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return socket;
  }

  it("with the head of a request is cut off", async () => {
    const client = await serveHttp(undefined, { limits: { headMs: 100, lookMs: 50 } });
    const socket = await dial(client);
    let heard = "";
    socket.on("data", (data) => {
      heard += data;
    });
    socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    await once(socket, "close");
    expect(heard).toMatch(/^HTTP\/1.1 408 /);
  });

  it("with a body is cut off, and what came counts", async () => {
    const client = await serveHttp(undefined, { limits: { idleMs: 100 } });
    const url = await uploadUrl(client);
    const request = client.begin("PUT", url, { "content-length": "5" });
    request.write("hel");
    await expect(answerTo(request)).rejects.toThrow();
    expect((await client.ask("GET", url)).json).toMatchObject({ offset: 3 });
  });

  it("keeps nobody else out, up to a number of connections", async () => {
    const client = await serveHttp(undefined, { limits: { maxConnections: 3 } });
    const uploads: ClientRequest[] = [];
    for (const key of ["1", "2", "3"]) {
      const { id, url } = await client.store.uploads.create({ bucket: "b", key, size: 5 });
      const upload = client.begin("PUT", url, { "content-length": "5" });
      upload.write("hel");
      await expect.poll(() => client.store.uploads.get(id)).toMatchObject({ offset: 3 });
      uploads.push(upload);
    }
    await expect(client.askAsStranger("GET", "/healthz")).rejects.toThrow();
    uploads[0]?.destroy();
    await expect
      .poll(() =>
        client.askAsStranger("GET", "/healthz").then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
  });

  it("with a head that has no end is refused", async () => {
    const client = await serveHttp();
    const answer = await client.askAsStranger("GET", "/healthz", { headers: { "x-large": "x".repeat(20_000) } });
    expect(answer.status).toBe(431);
  });
});

it("whoever may not send a large body hears so before it is sent", async () => {
  const client = await serveHttp();
  const request = client.begin("PUT", "/v1/content/b/k", {
    expect: "100-continue",
    "content-length": String(10 ** 10),
  });
  request.flushHeaders();
  let isAskedFor = false;
  request.on("continue", () => {
    isAskedFor = true;
  });
  expect((await answerTo(request)).status).toBe(401);
  expect(isAskedFor).toBe(false);
});

it("whoever may send one is told to, and whoever sends it all the same hears why it was not taken", async () => {
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
  socket.write(body); // which is on its way already, for one who does not listen yet
  await once(socket, "end"); // and no reset, which would take the answer from them
});

it("a final slash is nothing, but in a key", async () => {
  const asked: string[] = [];
  const mcp = mountOf(async ({ request, response }) => {
    asked.push(`${request.method} ${request.url}`);
    response.end("{}");
  });
  const client = await serveHttp(undefined, { mcp });
  await saveText(client.store, "b", "k", "hello");
  for (const path of ["/v1/artifacts", "/v1/files", "/v1/artifacts/b", "/healthz", "/readyz", "/v1/openapi.json"]) {
    const [without, withSlash] = [await client.ask("GET", path), await client.ask("GET", `${path}/`)];
    expect(withSlash).toMatchObject({ status: 200, text: without.text });
  }
  const body = JSON.stringify({ bucket: "b", key: "new", size: 5 });
  const created = await client.ask("POST", "/v1/artifacts/", { body });
  expect(created.status).toBe(201);
  expect((await client.askAsStranger("PUT", `${created.json["url"]}/`, { body: "hello" })).status).toBe(200);
  const headers = { "tus-resumable": "1.0.0", "upload-length": "5" };
  const { status, headers: answered } = await client.ask("POST", "/v1/tus/", { headers });
  expect(status).toBe(201);
  expect((await client.askAsStranger("HEAD", `${answered.location}/`, { headers })).status).toBe(200);
  for (const method of ["GET", "POST", "DELETE"]) expect((await client.ask(method, "/mcp/")).status).toBe(200);
  expect(asked).toEqual(["GET /mcp/", "POST /mcp/", "DELETE /mcp/"]);
  expect((await client.askAsStranger("POST", "/mcp/")).status).toBe(401);
});

it("a parameter that a URL does not take is refused, and nothing is done", async () => {
  const client = await serveHttp();
  const { store, links } = client;
  await saveText(store, "b", "k", "hello");
  const { id } = await store.uploads.create({ bucket: "b", key: "new", size: 5 });
  const [upload, tus] = [links.uploadPath(id), links.uploadPath(id, "/v1/tus/")];
  const { pathname: download, search } = new URL(await downloadUrl(client));
  const requests = [
    ["PUT", "/v1/content/b/k?version=1"],
    ["POST", "/v1/content/b/k?version=1"],
    ["PUT", `${download}${search}`],
    ["GET", "/v1/content/b/k?ver=1"],
    ["POST", "/v1/artifacts?bucket=b"],
    ["GET", "/v1/artifacts?prefix=b"],
    ["GET", "/v1/artifacts/b/k?verson=1"],
    ["DELETE", "/v1/artifacts/b/k?verson=1"],
    ["POST", "/v1/tus?bucket=b"],
    ...["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"].map((method) => [method, `${upload}?offset=1`] as const),
    ...["GET", "HEAD", "PATCH", "DELETE"].map((method) => [method, `${tus}?offset=1`] as const),
  ] as const;
  for (const [method, url] of requests) {
    const body = ["PUT", "POST", "PATCH"].includes(method) ? { body: "other" } : {};
    const { status, json } = await client.ask(method, url, body);
    expect(status, `${method} ${url}`).toBe(400);
    if (method !== "HEAD") expect(json["detail"]).toMatch(/unknown argument .*: this URL takes/);
  }
  expect(await store.artifacts.get("b", "k")).toMatchObject({ version: 1 });
  expect(await store.uploads.get(id)).toMatchObject({ offset: 0, status: "open" });
  expect((await client.askAsStranger("GET", "/healthz?at=1")).status).toBe(200);
});

describe("a client that looks for OAuth", () => {
  it.each([
    ["GET", "/.well-known/oauth-protected-resource"],
    ["GET", "/.well-known/oauth-protected-resource/mcp"],
    ["GET", "/.well-known/oauth-authorization-server"],
    ["GET", "/.well-known/oauth-authorization-server/mcp"],
    ["GET", "/.well-known/openid-configuration"],
    ["GET", "/mcp/.well-known/openid-configuration"],
    ["GET", "/authorize?response_type=code"],
    ["POST", "/token"],
    ["POST", "/register"],
    ["POST", "/register/"],
  ])("by %s %s is told to send the token", async (method, url) => {
    const { askAsStranger } = await serveHttp();
    const { status, headers, json } = await askAsStranger(method, url);
    expect({ status, type: headers["content-type"] }).toEqual({ status: 404, type: "application/problem+json" });
    expect(json["detail"]).toMatch(/^There is no OAuth here\. Send Authorization: Bearer TOKEN/);
  });

  it("and registers hears that in place of what went wrong with its registration", async () => {
    const { origin } = await serveHttp();
    const clientMetadata = { redirect_uris: ["http://localhost/callback"] };
    await expect(registerClient(origin, { clientMetadata })).rejects.toThrow(/^There is no OAuth here\. Send/);
  });

  it("finds nothing of it elsewhere", async () => {
    const { ask } = await serveHttp();
    for (const path of ["/registered", "/v2/register", "/.well-known/security.txt"]) {
      expect((await ask("GET", path)).json["detail"]).toMatch(/^There is nothing here/);
    }
  });
});

it.each([
  ["GET", "/", 404],
  ["GET", "/v2/artifacts", 404],
  ["GET", "/v1/artifacts//", 404],
  ["GET", "/v1/artifacts/b/k/", 400],
  ["GET", "/v1/artifacts/b/../c", 400],
  ["GET", "/v1/artifacts/b/%2e%2e/c", 400],
  ["GET", "/v1/artifacts/b/k%00", 400],
  ["GET", "/v1/artifacts/%ff", 400],
  ["GET", "/v1/artifacts?a?b", 400],
  ["PATCH", "/v1/artifacts", 405],
  ["DELETE", "/v1/content/b/k", 405],
  ["TRACE", "/healthz", 405],
])("%s %s is %i", async (method, path, status) => {
  const { begin } = await serveHttp();
  const request = begin(method, "/healthz", bearer);
  request.path = path;
  request.end();
  const answer = await answerTo(request);
  expect(answer.status).toBe(status);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  if (status === 405) expect(answer.headers.allow).toContain("GET");
});
