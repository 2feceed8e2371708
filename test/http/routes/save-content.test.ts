import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { answerTo, bearer, serveHttp } from "../../support/http-client.js";
import { sha256Of } from "../../support/mcp-client.js";
import { textOf } from "../../support/stores.js";

const path = "/v1/content/b/k/x.txt";
const text = "0123456789";
const etag = `"1.0-${sha256Of(text)}"`;

describe("a PUT of content", () => {
  it("saves it, and answers with the same version when it is repeated", async () => {
    const { ask, store } = await serveHttp();
    const put = (body: string) => ask("PUT", path, { body, headers: { "content-type": "text/x-log" } });
    const saved = { mime_type: "text/x-log", bytes: 10, version: 1 };
    expect(await put(text)).toMatchObject({ status: 201, json: saved, headers: { etag } });
    expect(await put(text)).toMatchObject({ status: 200, json: { ...saved, already_saved: true }, headers: { etag } });
    expect(await put("other")).toMatchObject({ status: 200, json: { version: 2 } });
    expect(await textOf(store, "b", "k/x.txt")).toBe("other");
  });

  it("saves an empty body, and ignores the type that curl sends with every body", async () => {
    const { ask } = await serveHttp();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    expect((await ask("PUT", path, { body: "", headers })).json).toMatchObject({ bytes: 0, mime_type: "text/plain" });
  });

  it.each([
    ["", "text/plain"],
    ["csv", "text/plain"],
    ["; charset=binary", "text/plain"],
    ["no type", "text/plain"],
    ["text/html; ,text/html", "text/plain"],
    [`text/${"x".repeat(255)}`, "text/plain"],
    ["application/x-www-form-urlencoded; charset=UTF-8", "text/plain"],
    ["text/csv; header=present", "text/csv; header=present"],
  ])("takes the type from the key if Content-Type is no media type: %j", async (type, expected) => {
    const { ask } = await serveHttp();
    const ways: Record<string, string>[] = [{}, { "upload-complete": "?1" }];
    for (const [at, more] of ways.entries()) {
      const headers = { "content-type": type, ...more };
      const answer = await ask("PUT", `/v1/content/b/${at}.txt`, { body: text, headers });
      expect(answer.json).toMatchObject({ bytes: 10, mime_type: expected });
    }
  });

  it("saves a body without a length", async () => {
    const { begin } = await serveHttp();
    const request = begin("PUT", path, { ...bearer, "transfer-encoding": "chunked" });
    request.write("01234");
    request.end("56789");
    expect((await answerTo(request)).json).toMatchObject({ bytes: 10 });
  });

  it.each([
    ["PUT", path],
    ["POST", path],
    ["PUT", "session"],
  ])("without a body is refused, and the answer says how to send an empty one: %s %s", async (method, at) => {
    const { begin, ask, store } = await serveHttp();
    const session = await store.uploads.create({ bucket: "b", key: "k/x.txt" });
    const ways: Record<string, string>[] = [{}, { "upload-complete": "?1" }];
    for (const headers of ways) {
      const request = begin(method, at === "session" ? session.url : at, { ...bearer, ...headers });
      for (const name of ["content-length", "transfer-encoding"]) request.removeHeader(name); // Node would add one
      request.end();
      const answer = await answerTo(request);
      expect(answer).toMatchObject({ status: 411, json: { code: "length_required" } });
      expect(answer.json["detail"]).toContain("Content-Length: 0");
    }
    expect(await ask("GET", path)).toMatchObject({ status: 404 });
    expect((await store.uploads.list({ all: true, limit: 10 })).data).toMatchObject([
      { id: session.id, status: "open" },
    ]);
  });

  it.each([
    { what: "small", bytes: 10, session: [] },
    { what: "large", bytes: 1_000_000, session: ["aborted"] },
  ])("of a $what body that breaks off saves nothing, and leaves no bytes", async ({ bytes, session }) => {
    const { begin, store, ask } = await serveHttp();
    const left = async () => (await store.uploads.list({ all: true, limit: 10 })).data.map(({ status }) => status);
    const request = begin("PUT", path, { ...bearer, "content-length": String(bytes), expect: "100-continue" });
    await once(request, "continue"); // the server reads the body
    request.write(Buffer.alloc(bytes / 2));
    request.destroy();
    await expect.poll(left).toEqual(session);
    expect(await ask("GET", path)).toMatchObject({ status: 404 });
  });

  it("may be larger than the content of a tool call", async () => {
    const { ask } = await serveHttp(undefined, { maxChunkBytes: 4 });
    expect(await ask("PUT", path, { body: text })).toMatchObject({ status: 201, json: { bytes: 10 } });
  });

  it("saves only if If-Match and If-None-Match are met", async () => {
    const { ask, store } = await serveHttp();
    const put = (body: string, headers: Record<string, string>) => ask("PUT", path, { body, headers });
    const refused = { status: 412, json: { code: "precondition_failed" } };
    expect(await put(text, { "if-match": "*" })).toMatchObject(refused);
    expect(await put(text, { "if-none-match": "*" })).toMatchObject({ status: 201 });
    expect(await put("other", { "if-none-match": "*" })).toMatchObject(refused);
    expect(await put("9876543210", { "if-none-match": "*" })).toMatchObject(refused);
    expect(await put(text, { "if-none-match": "*" })).toMatchObject(refused);
    expect(await put("other", { "if-match": '"x"' })).toMatchObject(refused);
    expect(await put("other", { "if-match": etag })).toMatchObject({ status: 200, json: { version: 2 } });
    expect(await textOf(store, "b", "k/x.txt")).toBe("other");
    expect((await store.uploads.list({ all: true, limit: 10 })).data).toEqual([]);
  });

  it("of a part is refused, because it would replace the whole content", async () => {
    const { ask, store } = await serveHttp();
    const parts: Record<string, string>[] = [
      { "content-range": "bytes 3-5/10" },
      { "upload-offset": "3" },
      { "upload-offset": "3", "upload-length": "6", "tus-resumable": "1.0.0" },
      { "upload-offset": "3", "upload-complete": "?1", "upload-draft-interop-version": "8" },
    ];
    for (const headers of parts) {
      const answer = await ask("PUT", path, { body: "345", headers });
      expect(answer).toMatchObject({ status: 400, json: { code: "invalid_argument" } });
      expect(answer.json["detail"]).toMatch(
        /^This URL takes only the whole content\. To send it in parts, create an upload session with POST \/v1\/artifacts/,
      );
    }
    await expect(store.artifacts.get("b", "k/x.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("of a form is refused, because the form would be stored around the file", async () => {
    const { ask } = await serveHttp();
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    const form = { body: "--x\r\n\r\nhello\r\n--x--", headers };
    expect(await ask("PUT", path, form)).toMatchObject({ status: 415, json: { code: "unsupported_media_type" } });
  });

  it("that is refused gets an error without a word about sessions", async () => {
    const { ask } = await serveHttp();
    await ask("PUT", path, { body: text });
    const other = await ask("PUT", path, { body: "9876543210", headers: { "if-none-match": "*" } });
    expect(other.json["detail"]).toBe(
      `If-Match, If-None-Match or If-Unmodified-Since is not met; nothing was changed. The newest ETag is ${etag}.`,
    );
    const wrong = { "repr-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    const mismatch = await ask("PUT", path, { body: text, headers: wrong });
    expect(mismatch.json["detail"]).toMatch(/ Nothing was saved\. Send the content again\.$/);
  });

  it.each([
    ["/v1/content/b/..%2Fk", {}],
    ["/v1/content/b%20b/k", {}],
    [path, { "idempotency-key": "x".repeat(256) }],
  ])("that will be refused does not get 100 Continue: %s %j", async (to, headers) => {
    const { begin } = await serveHttp();
    const request = begin("PUT", to, { ...bearer, "content-length": "5", expect: "100-continue", ...headers });
    let isAskedFor = false;
    request.on("continue", () => {
      isAskedFor = true;
    });
    request.flushHeaders();
    expect(await answerTo(request)).toMatchObject({ status: 400, json: { code: "invalid_argument" } });
    expect(isAskedFor).toBe(false);
  });

  it("saves one of two simultaneous bodies with If-None-Match", async () => {
    const { ask } = await serveHttp();
    const headers = { "if-none-match": "*" };
    const answers = await Promise.all(["one", "two"].map((body) => ask("PUT", path, { body, headers })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412]);
  });

  it.each([10, 1_000_000])("of %d bytes is checked against its digests", async (bytes) => {
    const { ask } = await serveHttp();
    const body = randomBytes(bytes);
    const put = (name: string, algorithm: "sha256" | "sha512", of: Buffer, to = path) => {
      const field = `sha-${algorithm.slice(3)}=:${createHash(algorithm).update(of).digest("base64")}:`;
      return ask("PUT", to, { body, headers: { [name]: field } });
    };
    for (const [name, algorithm] of [
      ["repr-digest", "sha256"],
      ["content-digest", "sha256"],
      ["content-digest", "sha512"],
    ] as const) {
      const refused = await put(name, algorithm, body.subarray(1));
      expect(refused).toMatchObject({ status: 422, json: { code: "checksum_mismatch" } });
      expect((await put(name, algorithm, body, `${path}.${name}.${algorithm}`)).status).toBe(201);
    }
    expect(await ask("GET", path)).toMatchObject({ status: 404 });
  });
});
