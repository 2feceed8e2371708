import { describe, expect, it } from "vitest";
import type { UploadSession } from "../../../src/store/model/upload-session.js";
import { serveHttp } from "../../support/http-client.js";
import { sha256Of } from "../../support/mcp-client.js";
import { createMemoryEngines, saveText, textOf } from "../../support/stores.js";

const path = "/v1/content/b/k.txt";
const key = { "idempotency-key": "request-1" };
const conflict = { status: 422, json: { code: "idempotency_conflict" } };
type Headers = Record<string, string>;

const ways = [
  { way: "a small body", bytes: 100, more: {} },
  { way: "a large body", bytes: 300 * 1024, more: {} },
  { way: "a resumable upload", bytes: 1_000, more: { "upload-complete": "?1" } },
];

describe.each(ways)("an Idempotency-Key on $way", ({ bytes, more }) => {
  const content = (letter: string): string => letter.repeat(bytes);
  async function serve() {
    const engines = createMemoryEngines();
    const servers = [await serveHttp(engines), await serveHttp(engines)] as const;
    const put = (letter: string, headers: Headers = {}, server = servers[0]) =>
      server.ask("PUT", path, { body: content(letter), headers: { ...more, ...headers } });
    const versions = async () => (await servers[0].store.artifacts.listVersions("b", "k.txt", { limit: 10 })).data;
    return { ...servers[0], servers, put, versions };
  }

  it("makes one version of a request that is sent twice, even with another request in between", async () => {
    const { put, versions, servers } = await serve();
    const first = await put("a", key);
    expect(first).toMatchObject({ json: { version: 1, sha256: sha256Of(content("a")), saved_by: "http" } });
    expect(await put("a", key, servers[1])).toMatchObject({ status: 200, json: { version: 1 } });
    await put("b");
    expect(await put("a", key)).toMatchObject({ status: 200, json: { version: 1, sha256: sha256Of(content("a")) } });
    expect((await versions()).map(({ version }) => version)).toEqual([2, 1]);
  });

  it("makes one version of two simultaneous requests, and answers both with it", async () => {
    const { put, versions, servers } = await serve();
    const answers = await Promise.all(servers.map((server) => put("a", key, server)));
    for (const answer of answers) {
      expect(answer.status).toBeLessThan(300);
      expect(answer.json).toMatchObject({ version: 1, sha256: sha256Of(content("a")) });
    }
    expect(await versions()).toHaveLength(1);
  });

  it("is kept with the existing version that answered it", async () => {
    const { put, versions } = await serve();
    await put("a");
    expect((await put("a", key)).json).toMatchObject({ version: 1, already_saved: true });
    await put("b");
    expect((await put("a", key)).json).toMatchObject({ version: 1 });
    expect(await put("c", key)).toMatchObject(conflict);
    expect(await versions()).toHaveLength(2);
  });

  it("with another body or type is refused, and nothing of the body is kept", async () => {
    const { put, versions, store } = await serve();
    await put("a", key);
    const refused = await put("b", key);
    expect(refused).toMatchObject(conflict);
    expect(refused.json["detail"]).toMatch(
      /Send the same request as the first time, or use another Idempotency-Key\.$/,
    );
    expect(await put("a", { ...key, "content-type": "text/x-other" })).toMatchObject(conflict);
    expect(await versions()).toHaveLength(1);
    expect(await textOf(store, "b", "k.txt")).toBe(content("a"));
    const open = (await store.uploads.list({ all: true, limit: 10 })).data.filter(({ status }) => status === "open");
    expect(open).toEqual([]);
  });

  it("answers a repeated request that has a precondition with its version, not with 412", async () => {
    const { put, versions } = await serve();
    const conditional = { ...key, "if-none-match": "*" };
    const { headers, json } = await put("a", conditional);
    expect(json).toMatchObject({ version: 1 });
    expect(await put("a", conditional)).toMatchObject({ status: 200, json: { version: 1 } });
    expect(await put("a", { "if-none-match": "*" })).toMatchObject({ status: 412 });

    const next = { "idempotency-key": "request-2", "if-match": headers.etag ?? "" };
    expect((await put("b", next)).json).toMatchObject({ version: 2 });
    expect(await put("b", next)).toMatchObject({ status: 200, json: { version: 2 } });
    expect(await put("c", next)).toMatchObject(conflict);
    expect(await versions()).toHaveLength(2);
  });

  it("does not let a new request bypass its precondition, and keeps nothing of it", async () => {
    const { put, versions, store } = await serve();
    await put("a");
    for (const precondition of [{ "if-none-match": "*" }, { "if-match": '"7.0-x"' }]) {
      expect(await put("b", { ...key, ...precondition })).toMatchObject({
        status: 412,
        json: { code: "precondition_failed" },
      });
    }
    expect(await versions()).toHaveLength(1);
    const left = (await store.uploads.list({ all: true, limit: 10 })).data.filter(({ status }) =>
      /open|conflict/.test(status),
    );
    expect(left).toEqual([]);
  });

  it.each([
    ["over 255 characters", "x".repeat(256)],
    ["not ASCII", "é"],
    ["empty", ""],
  ])("is refused if it is %s", async (_what, given) => {
    const { put, ask } = await serve();
    const answer = await put("a", { "idempotency-key": given });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_argument" } });
    expect(answer.json["detail"]).toBe("Idempotency-Key must be 1 to 255 printable ASCII characters.");
    expect((await ask("GET", path)).status).toBe(404);
  });

  it("of 255 characters is accepted", async () => {
    const { put } = await serve();
    expect((await put("a", { "idempotency-key": "x".repeat(255) })).status).toBeLessThan(300);
  });
});

describe("an Idempotency-Key on POST /v1/artifacts", () => {
  const wanted = { bucket: "b", key: "k.txt", size: 5, metadata: { a: "1" } };
  async function serve() {
    const client = await serveHttp();
    const create = (more: object = {}, headers: Headers = key) =>
      client.ask("POST", "/v1/artifacts", { body: JSON.stringify({ ...wanted, ...more }), headers });
    return { ...client, create };
  }

  it("answers with the same session, while it is open and after it is complete", async () => {
    const { create, askAsStranger, store } = await serve();
    const first = await create();
    expect(first.status).toBe(201);
    expect(await create()).toMatchObject({
      status: 201,
      json: first.json,
      headers: { location: first.headers.location },
    });
    await askAsStranger("POST", String(first.json["url"]), { body: "hel" });
    expect((await create()).json).toMatchObject({ id: first.json["id"], offset: 3, status: "open" });
    await askAsStranger("PUT", String(first.json["url"]), { body: "hello" });
    const done = (await create()).json as unknown as UploadSession;
    expect(done).toMatchObject({
      id: first.json["id"],
      status: "complete",
      artifact: { version: 1, saved_by: "http" },
    });
    expect((await store.uploads.list({ all: true, limit: 10 })).data).toHaveLength(1);
    expect((await create({}, {})).json["id"]).not.toBe(first.json["id"]);
  });

  it("is refused for a request with other metadata, type, size or digest", async () => {
    const { create } = await serve();
    await create();
    for (const other of [
      { metadata: { a: "2" } },
      { mime_type: "text/x-other" },
      { size: 6 },
      { sha256: sha256Of("x") },
    ]) {
      const refused = await create(other);
      expect(refused).toMatchObject(conflict);
      expect(refused.json["detail"]).toMatch(/No session was created\..*another Idempotency-Key\.$/);
    }
    expect(await create({ key: "other" })).toMatchObject({ status: 201 });
  });

  it("also identifies the version that the session has published", async () => {
    const { create, askAsStranger, ask, store } = await serve();
    const { url } = (await create({ metadata: {} })).json;
    await askAsStranger("POST", String(url), { body: "hello" });
    await saveText(store, "b", "k.txt", "newer");
    expect(await ask("PUT", path, { body: "hello", headers: { ...key, "content-type": "text/plain" } })).toMatchObject({
      status: 200,
      json: { version: 1 },
    });
    expect(await ask("PUT", path, { body: "other", headers: key })).toMatchObject(conflict);
  });

  it("of more than 255 characters is refused", async () => {
    const { create } = await serve();
    const answer = await create({}, { "idempotency-key": "x".repeat(256) });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_argument" } });
  });
});

it("the creation of a tus upload, repeated with its Idempotency-Key, answers with the same upload", async () => {
  const { ask, store } = await serveHttp();
  const headers = { ...key, "tus-resumable": "1.0.0", "upload-length": "5", "upload-metadata": "bucket Yg==,key aw==" };
  const [first, again] = [await ask("POST", "/v1/tus", { headers }), await ask("POST", "/v1/tus", { headers })];
  expect(first.status).toBe(201);
  expect(again).toMatchObject({ status: 201, headers: { location: first.headers.location } });
  expect((await store.uploads.list({ all: true, limit: 10 })).data).toHaveLength(1);
  const other = await ask("POST", "/v1/tus", { headers: { ...headers, "upload-length": "6" } });
  expect(other).toMatchObject(conflict);
});
