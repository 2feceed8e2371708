import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { Artifact } from "../../../src/store/model/artifact.js";
import { gate } from "../../support/gate.js";
import { answerTo, bearer, serveHttp } from "../../support/http-client.js";
import { sha256Of } from "../../support/mcp-client.js";
import { patienceMs } from "../../support/patience.js";
import { createMemoryEngines, saveText, textOf } from "../../support/stores.js";

const wanted = { bucket: "b", key: "k/x.txt", mime_type: "text/plain", size: 11 };

async function withSession(upload: object = wanted) {
  const client = await serveHttp();
  const { json } = await client.ask("POST", "/v1/artifacts", { body: JSON.stringify(upload) });
  const { url, id } = json as { url: string; id: string };
  const offset = async (): Promise<number> => (await client.askAsStranger("GET", url)).json["offset"] as number;
  return { ...client, url, id, offset };
}

const at = (offset: number) => ({ "upload-offset": String(offset) });

describe.each(["/v1/artifacts", "/v1/files"])("the session API under %s", (root) => {
  it("creates a session, uploads its bytes, lists and describes the artifact, and deletes it", async () => {
    const { ask, askAsStranger, store } = await serveHttp();
    const created = await ask("POST", root, { body: JSON.stringify(wanted) });
    expect(created).toMatchObject({ status: 201, json: { ...wanted, offset: 0, status: "open" } });
    const { id, url } = created.json as { id: string; url: string };
    expect(url).toContain(id);

    const half = await askAsStranger("POST", url, { body: "hello " });
    expect(half).toMatchObject({ status: 200, json: { id, url, offset: 6, size: 11 } });
    expect((await ask("GET", `${root}/session:${id}`)).json).toEqual({ ...half.json, tail: "hello " });
    const whole = await askAsStranger("POST", url, { body: "world", headers: at(6) });
    const info = { key: "k/x.txt", bucket: "b", mime_type: "text/plain", bytes: 11 };
    expect(whole).toMatchObject({ status: 200, json: { ...info, created_at: expect.any(Number) } });
    expect(await textOf(store, "b", "k/x.txt")).toBe("hello world");

    expect((await ask("GET", root)).json).toMatchObject({ data: [{ name: "b" }] });
    expect((await ask("GET", `${root}/b`)).json).toMatchObject({ data: [info], prefixes: [] });
    expect((await ask("GET", `${root}/b/k/x.txt`)).json).toMatchObject(info);
    expect((await ask("GET", `${root}/b/k%2Fx.txt?version=1`)).json).toMatchObject(info);
    expect((await ask("DELETE", `${root}/b/k/x.txt`)).json).toMatchObject(info);
    expect(await ask("GET", `${root}/b/k/x.txt`)).toMatchObject({ status: 404, json: { code: "artifact_not_found" } });
  });
});

describe("a listing", () => {
  it("supports prefix, delimiter, limit and cursor", async () => {
    const { ask, store } = await serveHttp();
    for (const key of ["a/1", "a/2", "b", "c/d/e"]) await saveText(store, "b", key, key);
    const keysOf = ({ json }: { json: object }) => (json as unknown as { data: Artifact[] }).data.map(({ key }) => key);
    const folder = await ask("GET", "/v1/artifacts/b?delimiter=/");
    expect(keysOf(folder)).toEqual(["b"]);
    expect(folder.json).toMatchObject({ prefixes: ["a/", "c/"] });
    const first = await ask("GET", "/v1/artifacts/b?prefix=a%2F&limit=1");
    expect(keysOf(first)).toEqual(["a/1"]);
    const { next_cursor } = first.json as { next_cursor: string };
    expect(keysOf(await ask("GET", `/v1/artifacts/b?prefix=a/&limit=1&cursor=${next_cursor}`))).toEqual(["a/2"]);
  });

  it.each([
    ["limit=0", "limit must be at least 1"],
    ["limit=x", "limit must be a whole number"],
    ["limit=1&limit=2", "given twice"],
    ["size=1", "unknown argument"],
    ["prefix=%ff", "percent sign"],
    ["cursor=!", "cursor"],
  ])("refuses %s and says why", async (query, why) => {
    const { ask, store } = await serveHttp();
    await saveText(store, "b", "k", "x");
    const { status, json } = await ask("GET", `/v1/artifacts/b?${query}`);
    expect({ status, ...json }).toMatchObject({ status: 400, code: "invalid_argument" });
    expect(json["detail"]).toContain(why);
  });
});

describe("bytes for a session", () => {
  it("by PUT begin at offset 0, and may repeat the stored bytes", async () => {
    const { askAsStranger, url, store } = await withSession();
    await askAsStranger("POST", url, { body: "hello " });
    expect((await askAsStranger("PUT", url, { body: "hello world" })).json).toMatchObject({ bytes: 11, version: 1 });
    expect((await askAsStranger("PUT", url, { body: "hello world" })).json).toMatchObject({ bytes: 11, version: 1 });
    expect(await textOf(store, "b", "k/x.txt")).toBe("hello world");
  });

  it("by PUT are the whole content, which is published with or without a declared size", async () => {
    for (const upload of [wanted, { ...wanted, size: undefined }]) {
      const { askAsStranger, url, store } = await withSession(upload);
      await askAsStranger("POST", url, { body: "hello" });
      expect(await askAsStranger("PUT", url, { body: "hello world" })).toMatchObject({
        status: 200,
        json: { bytes: 11 },
      });
      expect(await textOf(store, "b", "k/x.txt")).toBe("hello world");
    }
  });

  it("by PUT publish nothing if Upload-Complete is ?0, or if more bytes are stored", async () => {
    const { askAsStranger, url } = await withSession({ bucket: "b", key: "k" });
    const more = { body: "hello", headers: { "upload-complete": "?0" } };
    expect((await askAsStranger("PUT", url, more)).json).toMatchObject({ status: "open", offset: 5 });
    for (const asked of [{ body: "hell" }, {}, { body: "hell", headers: { "upload-complete": "?1" } }]) {
      const refused = await askAsStranger("PUT", url, asked);
      expect(refused).toMatchObject({ status: 409, json: { code: "offset_conflict", offset: 5 } });
      expect(refused.json["detail"]).toMatch(
        /^The content that was sent ends at byte \d, and 5 bytes are stored\..* This may be another file /,
      );
    }
    expect((await askAsStranger("GET", url)).json).toMatchObject({ status: "open", offset: 5 });
    expect((await askAsStranger("PUT", url, { body: "hello" })).json).toMatchObject({ bytes: 5 });
    const late = await askAsStranger("PUT", url, { body: "hell" });
    expect(late).toMatchObject({ status: 409, json: { code: "offset_conflict" } });
    expect(late.json["detail"]).toMatch(/create a new session with POST/);
  });

  it("by PUT that are too few are kept, and the answer is an error", async () => {
    const { askAsStranger, url, offset } = await withSession();
    expect(await askAsStranger("PUT", url, { body: "hello" })).toMatchObject({
      status: 409,
      json: { code: "incomplete" },
    });
    expect(await offset()).toBe(5);
  });

  it("that differ from the stored bytes are refused, with the offset to continue from", async () => {
    const { askAsStranger, url, offset } = await withSession();
    await askAsStranger("POST", url, { body: "hello " });
    const refused = await askAsStranger("PUT", url, { body: "Hello world" });
    expect(refused).toMatchObject({
      status: 409,
      headers: { "upload-offset": "6", "content-type": "application/problem+json" },
      json: { type: "about:blank", title: "Conflict", status: 409, code: "offset_conflict", offset: 6 },
    });
    expect(refused.json["detail"]).toMatch(
      /^The bytes that were sent differ .* from byte 0 on, .* This may be another file .*, DELETE the session's url, create a new session .* Only if it is the same content, continue with /,
    );
    expect(await offset()).toBe(6);
  });

  it.each([
    { "upload-offset": "6" },
    { "content-range": "bytes 6-10/11" },
    { "content-range": "bytes 6-10/*", "upload-offset": "6" },
  ])("continue at the offset in %j", async (headers) => {
    const { askAsStranger, url } = await withSession();
    await askAsStranger("POST", url, { body: "hello " });
    expect((await askAsStranger("PUT", url, { body: "world", headers })).json).toMatchObject({ bytes: 11 });
  });

  it.each([
    [{ "upload-offset": "7" }, 409, "offset_conflict"],
    [{ "upload-offset": "-1" }, 400, "invalid_argument"],
    [{ "upload-offset": "6", "content-range": "bytes 5-9/11" }, 400, "invalid_argument"],
    [{ "content-range": "bytes 6-9/11" }, 400, "invalid_argument"],
    [{ "content-range": "bytes 6-10/12" }, 400, "invalid_argument"],
    [{ "content-range": "6-10" }, 400, "invalid_argument"],
    [{ "content-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` }, 422, "checksum_mismatch"],
    [{ "content-digest": "md5=:AA==:" }, 400, "invalid_argument"],
    [{ "content-digest": "sha-256=:AAAA:" }, 400, "invalid_argument"],
    [{ "repr-digest": "sha-256=:AAAA:" }, 400, "invalid_argument"],
    [{ "upload-complete": "yes" }, 400, "invalid_argument"],
    [{ "upload-complete": "true" }, 400, "invalid_argument"],
    [{ "content-encoding": "gzip" }, 415, "unsupported_media_type"],
  ])("with %j are refused, and none of them is kept", async (headers, status, code) => {
    const { askAsStranger, url, offset } = await withSession();
    await askAsStranger("POST", url, { body: "hello " });
    const asked = { body: "world", headers: { ...at(6), ...(headers as Record<string, string>) } };
    expect(await askAsStranger("POST", url, asked)).toMatchObject({ status, json: { code } });
    expect(await offset()).toBe(6);
  });

  it.each(["yes", "true", "1", "?2", ""])("with Upload-Complete: %s are refused with its two values", async (value) => {
    const { askAsStranger, url, offset } = await withSession();
    const refused = await askAsStranger("POST", url, { body: "hello", headers: { "upload-complete": value } });
    expect(refused).toMatchObject({ status: 400, json: { code: "invalid_argument" } });
    expect(refused.json["detail"]).toMatch(/write \?1 for true or \?0 for false\.$/);
    expect(await offset()).toBe(0);
  });

  it("by POST need an offset once bytes are stored, so that a repeated request stores nothing twice", async () => {
    const { askAsStranger, url, offset } = await withSession({ bucket: "b", key: "k" });
    expect((await askAsStranger("POST", url, { body: "hello " })).json).toMatchObject({ offset: 6 });
    const refused = await askAsStranger("POST", url, { body: "hello " });
    expect(refused).toMatchObject({
      status: 409,
      headers: { "upload-offset": "6" },
      json: { code: "offset_conflict", offset: 6 },
    });
    expect(refused.json["detail"]).toMatch(/has no Upload-Offset.* Continue at offset 6, with the content that comes/);
    expect(await offset()).toBe(6);
    const rest = { body: "world", headers: { ...at(6), "upload-complete": "?1" } };
    expect((await askAsStranger("POST", url, rest)).json).toMatchObject({ bytes: 11, version: 1 });
    expect((await askAsStranger("POST", url, rest)).json).toMatchObject({ bytes: 11, version: 1 });
  });

  it("by POST without an offset are compared with those of a complete upload", async () => {
    const { askAsStranger, url, store } = await withSession();
    expect((await askAsStranger("POST", url, { body: "hello world" })).json).toMatchObject({ version: 1 });
    expect((await askAsStranger("POST", url, { body: "hello world" })).json).toMatchObject({ version: 1 });
    const refused = await askAsStranger("POST", url, { body: "world" });
    expect(refused).toMatchObject({ status: 409, json: { code: "offset_conflict" } });
    expect(await store.artifacts.get("b", "k/x.txt")).toMatchObject({ version: 1 });
  });

  it("beyond the size are refused, and none of them is kept", async () => {
    const { askAsStranger, url, offset } = await withSession();
    const refused = await askAsStranger("POST", url, { body: "hello world!" });
    expect(refused).toMatchObject({ status: 413, json: { code: "size_exceeded", size: 11, offset: 0 } });
    expect(await offset()).toBe(0);
  });

  it("with Upload-Complete end an upload without a size, after Repr-Digest was checked", async () => {
    const { askAsStranger, url } = await withSession({ bucket: "b", key: "k" });
    expect((await askAsStranger("POST", url, { body: "hello " })).json).toMatchObject({ size: null, status: "open" });
    const last = { "upload-complete": "?1" };
    const wrong = { ...last, "repr-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    const refused = await askAsStranger("POST", url, { body: "world", headers: { ...wrong, ...at(6) } });
    expect(refused).toMatchObject({ status: 422, json: { code: "checksum_mismatch" } });
    expect((await askAsStranger("POST", url, { headers: last })).json).toMatchObject({ bytes: 11 });
  });

  it("that complete an upload are kept, and published only if they match Repr-Digest", async () => {
    const { ask, askAsStranger, url, store, id } = await withSession();
    const wrong = { "repr-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    const refused = await askAsStranger("PUT", url, { body: "hello world", headers: wrong });
    expect(refused).toMatchObject({ status: 422, json: { code: "checksum_mismatch", offset: 11 } });
    expect(refused.json["detail"]).toMatch(
      /Nothing was published, and the uploaded bytes are kept\..* DELETE the session's url/,
    );
    const known = await askAsStranger("GET", url);
    expect(known).toMatchObject({ status: 422, json: { code: "checksum_mismatch", session_id: id, offset: 11 } });
    expect((await store.uploads.list({ all: true, limit: 1 })).data).toMatchObject([
      { status: "open", offset: 11, size: 11 },
    ]);
    expect(await ask("GET", "/v1/artifacts/b/k/x.txt")).toMatchObject({ status: 404 });
    const { sha256 } = (await store.uploads.complete(id, { sha256: sha256Of("hello world") })).artifact ?? {};
    expect(sha256).toBe(sha256Of("hello world"));
  });

  it("that are complete by Content-Range are published only if they match Repr-Digest", async () => {
    const { askAsStranger, url } = await withSession({ bucket: "b", key: "k" });
    await askAsStranger("POST", url, { body: "hello world" });
    const end = { "content-range": "bytes */11" };
    const wrong = { ...end, "repr-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    const refused = await askAsStranger("POST", url, { headers: wrong });
    expect(refused).toMatchObject({ status: 422, json: { code: "checksum_mismatch" } });
    expect((await askAsStranger("GET", url)).json).toMatchObject({ status: "open", offset: 11, size: null });
    expect((await askAsStranger("POST", url, { headers: end })).json).toMatchObject({ bytes: 11 });
  });

  it("that reach the total in Content-Range end an upload without a size", async () => {
    const { askAsStranger, url } = await withSession({ bucket: "b", key: "k" });
    const part = (range: string, body: string) =>
      askAsStranger("PUT", url, { body, headers: { "content-range": `bytes ${range}/11` } });
    expect((await part("0-5", "hello ")).json).toMatchObject({ offset: 6, size: 11 });
    expect((await part("6-10", "world")).json).toMatchObject({ bytes: 11 });
  });

  it("received before the connection breaks are stored", async () => {
    const { begin, url, offset } = await withSession();
    const request = begin("PUT", url, { "content-length": "11" });
    request.write("hello");
    await expect.poll(offset).toBe(5);
    request.write(" wo");
    await expect.poll(offset).toBe(8);
    request.destroy();
    expect(await offset()).toBe(8);
  });

  it("that arrive slowly are interrupted by a request that continues the upload", async () => {
    const { begin, askAsStranger, url, offset } = await withSession();
    const slow = begin("PUT", url, { "content-length": "11" });
    slow.write("hello ");
    await expect.poll(offset).toBe(6);
    const first = answerTo(slow);
    expect((await askAsStranger("POST", url, { body: "world", headers: at(6) })).json).toMatchObject({ bytes: 11 });
    expect(await first).toMatchObject({ status: 409 });
  });

  it("are refused by an aborted session", async () => {
    const { askAsStranger, url } = await withSession();
    expect((await askAsStranger("DELETE", url)).json).toMatchObject({ status: "aborted" });
    const refused = await askAsStranger("POST", url, { body: "hello world" });
    expect(refused).toMatchObject({ status: 409, json: { code: "session_closed", session_status: "aborted" } });
    expect(refused.json["detail"]).toMatch(
      /Create a new session with POST \/v1\/artifacts and upload from offset 0\.$/,
    );
  });

  it("get errors that name requests, not tools, except for a key that has the name of a tool", async () => {
    const { ask } = await serveHttp();
    const { json } = await ask("GET", "/v1/artifacts/b/delete_artifact");
    expect(json["detail"]).toMatch(
      /no artifact "delete_artifact" in bucket "b"\. GET \/v1\/artifacts\/\{bucket\} lists /,
    );
  });
});

describe("the body of a request that creates a session", () => {
  it.each([
    ["{", "must be JSON"],
    ["[]", "must be an object"],
    ['{"bucket":"b"}', "key is required"],
    ['{"bucket":"b","key":"k","name":"x"}', 'unknown argument "name": this request takes bucket, key'],
    ['{"bucket":"b","key":"../k"}', "not valid"],
    ['{"bucket":"b","key":"k","size":-1}', "size must be at least 0"],
    ["\xff", "must be JSON"],
  ])("%s is refused, and the error says what is wrong", async (body, why) => {
    const { ask } = await serveHttp();
    const { status, json } = await ask("POST", "/v1/artifacts", { body: Buffer.from(body, "latin1") });
    expect({ status, ...json }).toMatchObject({ status: 400, code: "invalid_argument" });
    expect(json["detail"]).toContain(why);
  });

  it("is refused without being read if it is too large", async () => {
    const { begin } = await serveHttp();
    const request = begin("POST", "/v1/artifacts", { ...bearer, "content-length": String(10 ** 9) });
    request.write("x".repeat(100_000));
    expect(await answerTo(request)).toMatchObject({ status: 413, headers: { connection: "close" } });
  });
});

/** Longer than a test may take: a server that waited for the rest of a body would fail the test. */
const endless = { stopMs: 3 * patienceMs };

it.each([
  ["PUT", "/v1/content/b/k"],
  ["POST", "/v1/artifacts"],
])("a stopping server does not wait for the rest of a small body: %s %s", async (method, path) => {
  const { begin, stop, store } = await serveHttp(createMemoryEngines(), { limits: endless });
  const request = begin(method, path, { ...bearer, "content-length": "11", expect: "100-continue" });
  request.flushHeaders();
  await once(request, "continue");
  request.write("hello");
  const answered = answerTo(request);
  await stop();
  expect(await answered).toMatchObject({ status: 503, json: { code: "unavailable" }, headers: { "retry-after": "5" } });
  expect(await store.artifacts.listBuckets({ limit: 1 })).toEqual({ data: [] });
});

it("a stopping server does not wait for a small body that it begins to read while it stops", async () => {
  const engines = createMemoryEngines();
  const looked = gate();
  const goOn = gate();
  const get = async (key: string) => {
    if (key.startsWith("artifact\t")) {
      looked.open();
      await goOn.passed;
    }
    return engines.metadata.get(key);
  };
  const { begin, stop } = await serveHttp({ ...engines, metadata: { ...engines.metadata, get } }, { limits: endless });
  const request = begin("PUT", "/v1/content/b/k", { ...bearer, "content-length": "11", "if-none-match": "*" });
  request.write("hello");
  const answered = answerTo(request);
  await looked.passed;
  const stopped = stop();
  goOn.open();
  await stopped;
  expect(await answered).toMatchObject({ status: 503, json: { code: "unavailable" } });
});

it("a stopping server stores the received bytes, and answers with the offset", async () => {
  const engines = createMemoryEngines();
  const { ask, begin, stop } = await serveHttp(engines);
  const { json } = await ask("POST", "/v1/artifacts", { body: JSON.stringify(wanted) });
  const { url, id } = json as { url: string; id: string };
  const request = begin("PUT", url, { "content-length": "11" });
  request.write("hello");
  await expect.poll(async () => (await ask("GET", url)).json["offset"]).toBe(5);
  request.write(" w");
  const answered = answerTo(request);
  await stop();
  const answer = await answered;
  expect(answer).toMatchObject({ status: 503, json: { code: "unavailable" }, headers: { "retry-after": "5" } });
  const other = await serveHttp(engines);
  const { offset } = await other.store.uploads.get(id);
  expect(offset).toBeGreaterThanOrEqual(5);
  expect(answer.headers["upload-offset"]).toBe(String(offset));
});
