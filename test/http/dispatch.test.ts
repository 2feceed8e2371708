import { registerClient } from "@modelcontextprotocol/sdk/client/auth.js";
import { describe, expect, it } from "vitest";
import { answerTo, bearer, mountOf, serveHttp } from "../support/http-client.js";
import { downloadUrl, uploadUrl } from "../support/signed-urls.js";
import { createMemoryEngines, saveText } from "../support/stores.js";

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
    ["DELETE", "/v1/artifacts/b?prefix="],
    ["PATCH", "/v1/artifacts/b/saved"],
    ["POST", "/v1/copies"],
    ["POST", "/v1/sessions/x/complete"],
    ["DELETE", "/v1/sessions/x"],
    ["POST", "/v1/tus"],
  ] as const;
  for (const [method, at] of requests) {
    expect(await ask(method, at)).toMatchObject({ status: 403, json: { code: "read_only" } });
  }
  expect((await ask("GET", path)).json).toMatchObject({ offset: 0, status: "open" });
  expect((await ask("GET", new URL(download).pathname)).text).toBe("hello");
});

it("a final slash is ignored, except in a key", async () => {
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

it("an unknown parameter of a URL is refused, and nothing is changed", async () => {
  const client = await serveHttp();
  const { store, signedUrls } = client;
  await saveText(store, "b", "k", "hello");
  const { id } = await store.uploads.create({ bucket: "b", key: "new", size: 5 });
  const [upload, tus] = [signedUrls.uploadPath(id), signedUrls.uploadPath(id, "/v1/tus/")];
  const { pathname: download, search } = new URL(await downloadUrl(client));
  const requests = [
    ["PUT", "/v1/content/b/k?version=1"],
    ["POST", "/v1/content/b/k?version=1"],
    ["PUT", `${download}${search}`],
    ["GET", "/v1/content/b/k?ver=1"],
    ["POST", "/v1/artifacts?bucket=b"],
    ["GET", "/v1/artifacts?delimiter=/"],
    ["DELETE", "/v1/artifacts/b?prefix=&version=1"],
    ["PATCH", "/v1/artifacts/b/k?version=1"],
    ["POST", "/v1/copies?bucket=b"],
    ["GET", "/v1/sessions?status=open"],
    ["GET", `/v1/sessions/${id}?all=true`],
    ["DELETE", `/v1/sessions/${id}?all=true`],
    ["POST", `/v1/sessions/${id}/complete?size=0`],
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
  ])("with %s %s is told to send the token", async (method, url) => {
    const { askAsStranger } = await serveHttp();
    const { status, headers, json } = await askAsStranger(method, url);
    expect({ status, type: headers["content-type"] }).toEqual({ status: 404, type: "application/problem+json" });
    expect(json["detail"]).toMatch(/^There is no OAuth here\. Send Authorization: Bearer TOKEN/);
  });

  it("and registers itself is told the same by the SDK", async () => {
    const { origin } = await serveHttp();
    const clientMetadata = { redirect_uris: ["http://localhost/callback"] };
    await expect(registerClient(origin, { clientMetadata })).rejects.toThrow(/^There is no OAuth here\. Send/);
  });

  it("gets the ordinary 404 at other URLs", async () => {
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

describe("the error of a URL that does not take the method", () => {
  it.each([
    ["DELETE", "/v1/content/h/t.csv", "DELETE /v1/artifacts/h/t.csv deletes it."],
    ["PATCH", "/v1/content/h/t.csv", "PUT /v1/content/h/t.csv saves it."],
    ["PUT", "/v1/artifacts/z/p.txt", "PUT /v1/content/z/p.txt saves it."],
    ["POST", "/v1/files/z/a%2Fp%20q.txt", "PUT /v1/content/z/a/p%20q.txt saves it."],
    ["PUT", "/v1/artifacts/z/", "PUT /v1/content/z/{key} saves an artifact."],
    ["PUT", "/v1/artifacts", "PUT /v1/content/{bucket}/{key} saves an artifact."],
    ["DELETE", "/v1/artifacts/", "DELETE /v1/artifacts/{bucket}/{key} deletes an artifact."],
    ["PUT", `/v1/artifacts/z/${"x".repeat(1_000)}`, "PUT /v1/content/{bucket}/{key} saves it."],
  ])("names the request to send in place of %s %s", async (method, url, hint) => {
    const { ask } = await serveHttp();
    const { status, json } = await ask(method, url);
    expect(status).toBe(405);
    expect(json["detail"]).toMatch(/^This URL takes [A-Z, ]+, OPTIONS\. /);
    expect(String(json["detail"]).replace(/^[^.]*\. /, "")).toBe(hint);
  });

  it.each([
    ["PUT", "/healthz"],
    ["TRACE", "/v1/content/b/k"],
    ["PUT", "/v1/tus"],
  ])("has no such request for %s %s", async (method, url) => {
    const { ask } = await serveHttp();
    expect((await ask(method, url)).json["detail"]).toMatch(/^This URL takes [A-Z, ]+, OPTIONS\.$/);
  });
});

describe("a URL of content without a key", () => {
  it.each([
    ["/v1/content/h", "GET /v1/artifacts/h lists the artifacts of the bucket, and PUT /v1/content/h/{key} saves one."],
    ["/v1/content/h/", "GET /v1/artifacts/h lists the artifacts of the bucket, and PUT /v1/content/h/{key} saves one."],
    ["/v1/content", "GET /v1/artifacts lists the buckets, and PUT /v1/content/{bucket}/{key} saves an artifact."],
  ])("%s is 404, and names the requests that list and save", async (url, hint) => {
    const { ask } = await serveHttp();
    const { status, json } = await ask("GET", url);
    expect({ status, code: json["code"] }).toEqual({ status: 404, code: "not_found" });
    expect(json["detail"]).toContain(hint);
  });
});
