import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { readRanges } from "../../../src/http/message/ranges.js";
import { answerTo, bearer, serveHttp } from "../../support/http-client.js";
import { createMemoryEngines, saveText, textOf } from "../../support/stores.js";

const path = "/v1/content/b/k/x.txt";
const text = "0123456789";
const sha256 = createHash("sha256").update(text).digest();
const etag = `"1.0-${sha256.toString("hex")}"`;
const digest = `sha-256=:${sha256.toString("base64")}:`;

async function withContent() {
  const engines = createMemoryEngines();
  const client = await serveHttp(engines);
  await saveText(client.store, "b", "k/x.txt", text);
  const get = (headers: Record<string, string> = {}, at = path) => client.ask("GET", at, { headers });
  return { ...client, engines, get };
}

describe("content", () => {
  it("is answered whole, with its digest, type and name", async () => {
    const { get, ask } = await withContent();
    const headers = {
      ...{ etag, "repr-digest": digest, "content-digest": digest, "content-length": "10", "accept-ranges": "bytes" },
      ...{ "content-type": "text/plain", "content-disposition": 'inline; filename="x.txt"' },
    };
    expect(await get()).toMatchObject({ status: 200, text, headers });
    expect(await ask("HEAD", path)).toMatchObject({ status: 200, text: "", headers });
  });

  it("of an older version is answered for ?version=, and a missing one is not found", async () => {
    const { get, store } = await withContent();
    await saveText(store, "b", "k/x.txt", "newer");
    expect((await get({}, `${path}?version=1`)).text).toBe(text);
    expect((await get()).text).toBe("newer");
    expect(await get({}, `${path}?version=3`)).toMatchObject({ status: 404, json: { code: "artifact_not_found" } });
  });

  it("that the client has is not sent again", async () => {
    const { get } = await withContent();
    for (const known of [etag, `"x", W/${etag}`, "*"]) {
      expect(await get({ "if-none-match": known })).toMatchObject({ status: 304, text: "", headers: { etag } });
    }
    expect((await get({ "if-none-match": '"x"' })).text).toBe(text);
    expect(await get({ "if-match": `W/${etag}` })).toMatchObject({ status: 412 });
    expect(await get({ "if-match": '"x"' })).toMatchObject({ status: 412, json: { code: "precondition_failed" } });
    expect((await get({ "if-match": etag })).text).toBe(text);
  });

  it.each([
    ["bytes=0-0", "0", "0-0"],
    ["bytes=3-", "3456789", "3-9"],
    ["bytes=-3", "789", "7-9"],
    ["bytes=-99", text, "0-9"],
    ["bytes=8-99", "89", "8-9"],
    ["bytes=2-3,4-5", "2345", "2-5"],
    ["bytes=3-9223372036854775806", "3456789", "3-9"],
    [`bytes=7-${"9".repeat(400)}`, "789", "7-9"],
    [`bytes=-${"9".repeat(400)}`, text, "0-9"],
    ["bytes=00000000000000000008-", "89", "8-9"],
    ["bytes=8-99999999999999999999,99999999999999999999-", "89", "8-9"],
  ])("in the range %s is %s", async (range, part, where) => {
    const { get } = await withContent();
    const headers = { "content-range": `bytes ${where}/10`, "content-length": String(part.length), etag };
    expect(await get({ range })).toMatchObject({ status: 206, text: part, headers });
  });

  it("in several ranges comes as parts", async () => {
    const { get } = await withContent();
    const { status, headers, text: body } = await get({ range: "bytes=0-1, 5-6, -1" });
    const [, boundary = ""] = /boundary=(.+)$/.exec(headers["content-type"] ?? "") ?? [];
    const part = (range: string, content: string) =>
      `\r\n--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/10\r\n\r\n${content}`;
    expect(status).toBe(206);
    expect(body).toBe(`${part("0-1", "01")}${part("5-6", "56")}${part("9-9", "9")}\r\n--${boundary}--\r\n`);
    expect(headers["content-length"]).toBe(String(body.length));
  });

  it.each([
    ...["bytes=10-", "bytes=10-20,30-", "bytes=-0", "bytes=99999999999999999-", `bytes=${"9".repeat(400)}-`],
    ...["bytes=9223372036854775806-9223372036854775807", "bytes=10-,99999999999999999999-"],
  ])("has nothing in %s, and says how much there is", async (range) => {
    const { get } = await withContent();
    expect(await get({ range })).toMatchObject({ status: 416, headers: { "content-range": "bytes */10" } });
  });

  it.each(["lines=1-2", "bytes=5-2", "bytes=99999999999999999999-5", "bytes=x", "bytes=-", "bytes=,", "bytes=0-1,x"])(
    "is whole where the range is %s",
    async (range) => {
      const { get } = await withContent();
      expect(await get({ range })).toMatchObject({ status: 200, text });
    },
  );

  it.each(["bytes=0-", "bytes=-1", "bytes=-0", "bytes=5-", "bytes=0-1,3-9223372036854775806"])(
    "that is empty is whole in the range %s",
    async (range) => {
      const { store, get } = await withContent();
      await saveText(store, "b", "empty", "");
      const answer = await get({ range }, "/v1/content/b/empty");
      expect(answer).toMatchObject({ status: 200, text: "", headers: { "content-length": "0" } });
    },
  );

  it("comes in a range only where If-Range still holds", async () => {
    const { get } = await withContent();
    expect((await get({ range: "bytes=1-2", "if-range": etag })).text).toBe("12");
    expect((await get({ range: "bytes=1-2", "if-range": '"other"' })).text).toBe(text);
  });

  it("that is damaged is never answered as whole", async () => {
    const { get, store, engines, begin } = await withContent();
    const [piece] = [...engines.metadata.pieceMap.values()];
    piece?.fill(88);
    expect(await get()).toMatchObject({ status: 500, json: { code: "corrupt" } });

    const large = Buffer.alloc(3 * 1024 * 1024, "a"); // of random bytes one in 256 is an X already
    await store.artifacts.save({ bucket: "b", key: "large", bytes: large, defaultMimeType: "text/plain" });
    [...engines.content.files.values()].at(-1)?.bytes.write("X", 2_500_000);
    const request = begin("GET", "/v1/content/b/large", bearer);
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    await expect(once(response, "end")).rejects.toThrow("aborted");
  });

  it("of more than one block arrives as it is", async () => {
    const { store, ask } = await withContent();
    const large = randomBytes(2_500_000);
    await store.artifacts.save({ bucket: "b", key: "l.txt", bytes: large, defaultMimeType: "text/plain" });
    const whole = await ask("GET", "/v1/content/b/l.txt");
    expect(whole.bytes.equals(large)).toBe(true);
    const part = await ask("GET", "/v1/content/b/l.txt", { headers: { range: "bytes=1000-2200999" } });
    expect(part.bytes.equals(large.subarray(1_000, 2_201_000))).toBe(true);
  });
});

it.each([
  ["page.html", "attachment"],
  ["drawing.svg", "attachment"],
  ["script.js", "attachment"],
  ["unknown", "attachment"],
  ["note.txt", "inline"],
  ["data.json", "inline"],
  ["photo.png", "inline"],
])("%s is served so that it can do nothing, as %s", async (key, disposition) => {
  const { ask, store } = await serveHttp();
  await store.artifacts.save({
    bucket: "b",
    key,
    bytes: Buffer.from("1"),
    defaultMimeType: "application/octet-stream",
  });
  const { headers } = await ask("GET", `/v1/content/b/${key}`);
  expect(headers).toMatchObject({
    "content-disposition": `${disposition}; filename="${key}"`,
    "x-content-type-options": "nosniff",
    "content-security-policy": expect.stringContaining("sandbox"),
    "referrer-policy": "no-referrer",
  });
});

it.each(["text/plain; ,text/html", "image/png,text/html", 'text/plain; a="b,text/html"', "video/x;,text/html"])(
  "content of a type that hides another one behind a comma, %s, is a download",
  async (mime_type) => {
    const { get, engines } = await withContent();
    const { rows } = engines.metadata; // no such type is taken, but an older server may have stored one
    for (const [key, row] of rows) rows.set(key, row.replaceAll('"text/plain"', JSON.stringify(mime_type)));
    const { headers } = await get();
    expect(headers).toMatchObject({ "content-type": mime_type, "content-disposition": 'attachment; filename="x.txt"' });
  },
);

describe("a whole body by PUT", () => {
  it("is saved in one go, and again as the same", async () => {
    const { ask, store } = await serveHttp();
    const put = (body: string) => ask("PUT", path, { body, headers: { "content-type": "text/x-log" } });
    const saved = { mime_type: "text/x-log", bytes: 10, version: 1 };
    expect(await put(text)).toMatchObject({ status: 201, json: saved, headers: { etag } });
    expect(await put(text)).toMatchObject({ status: 200, json: { ...saved, already_saved: true }, headers: { etag } });
    expect(await put("other")).toMatchObject({ status: 200, json: { version: 2 } });
    expect(await textOf(store, "b", "k/x.txt")).toBe("other");
  });

  it("of nothing is saved too, and what curl says of every body is no type", async () => {
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
  ])("has the type of its key where Content-Type is none: %j", async (type, expected) => {
    const { ask } = await serveHttp();
    const ways: Record<string, string>[] = [{}, { "upload-complete": "?1" }];
    for (const [at, more] of ways.entries()) {
      const headers = { "content-type": type, ...more };
      const answer = await ask("PUT", `/v1/content/b/${at}.txt`, { body: text, headers });
      expect(answer.json).toMatchObject({ bytes: 10, mime_type: expected });
    }
  });

  it("without a length is saved too", async () => {
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
  ])("that is not there, not even as one of no bytes, is asked for: %s %s", async (method, at) => {
    const { begin, ask, store } = await serveHttp();
    const session = await store.uploads.create({ bucket: "b", key: "k/x.txt" });
    const ways: Record<string, string>[] = [{}, { "upload-complete": "?1" }];
    for (const headers of ways) {
      const request = begin(method, at === "session" ? session.url : at, { ...bearer, ...headers });
      for (const name of ["content-length", "transfer-encoding"]) request.removeHeader(name); // Node sends one else
      request.end();
      const answer = await answerTo(request);
      expect(answer).toMatchObject({ status: 411, json: { code: "length_required" } });
      expect(answer.json["detail"]).toContain("Content-Length: 0");
    }
    expect(await ask("GET", path)).toMatchObject({ status: 404 });
    expect((await store.uploads.list({ limit: 10 })).data).toMatchObject([{ id: session.id, status: "open" }]);
  });

  it.each([
    { what: "small", bytes: 10, session: [] },
    { what: "large", bytes: 1_000_000, session: ["aborted"] },
  ])("that is $what and breaks off saves nothing, and leaves nothing", async ({ bytes, session }) => {
    const { begin, store, ask } = await serveHttp();
    const left = async () => (await store.uploads.list({ limit: 10 })).data.map(({ status }) => status);
    const request = begin("PUT", path, { ...bearer, "content-length": String(bytes), expect: "100-continue" });
    await once(request, "continue"); // somebody reads it
    request.write(Buffer.alloc(bytes / 2));
    request.destroy();
    await expect.poll(left).toEqual(session);
    expect(await ask("GET", path)).toMatchObject({ status: 404 });
  });

  it("may be larger than a call's content", async () => {
    const { ask } = await serveHttp(undefined, { maxChunkBytes: 4 });
    expect(await ask("PUT", path, { body: text })).toMatchObject({ status: 201, json: { bytes: 10 } });
  });

  it("is saved only where If-Match and If-None-Match allow it", async () => {
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
    expect((await store.uploads.list({ limit: 10 })).data).toEqual([]);
  });

  it("that is only a part is not taken for the whole", async () => {
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
      expect(answer.json["detail"]).toMatch(/A part cannot be saved here/);
    }
    await expect(store.artifacts.get("b", "k/x.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("in a form is refused, since the form would be stored around it", async () => {
    const { ask } = await serveHttp();
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    const form = { body: "--x\r\n\r\nhello\r\n--x--", headers };
    expect(await ask("PUT", path, form)).toMatchObject({ status: 415, json: { code: "unsupported_media_type" } });
  });

  it("that is refused is told in words that hold for it: no session goes on", async () => {
    const { ask } = await serveHttp();
    await ask("PUT", path, { body: text });
    const other = await ask("PUT", path, { body: "9876543210", headers: { "if-none-match": "*" } });
    expect(other.json["detail"]).toBe(
      `If-Match, If-None-Match or If-Unmodified-Since is not met; nothing was changed. The newest ETag is ${etag}.`,
    );
    const wrong = { "repr-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    const mismatch = await ask("PUT", path, { body: text, headers: wrong });
    expect(mismatch.json["detail"]).toMatch(/ Nothing was saved\. Send it again\.$/);
  });

  it.each([
    ["/v1/content/b/..%2Fk", {}],
    ["/v1/content/b%20b/k", {}],
    [path, { "idempotency-key": "x".repeat(256) }],
  ])("that cannot be saved is not asked for: %s %j", async (to, headers) => {
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

  it("of two at once under If-None-Match, one is saved", async () => {
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

describe("readRanges()", () => {
  it.each([
    ["bytes=0-", 0, undefined],
    ["bytes=-0", 10, []],
    ["bytes=1-2,", 10, [{ start: 1, end: 3 }]],
    ["bytes=0-4,2-6", 10, [{ start: 0, end: 7 }]],
    [
      "bytes=5-6,0-1",
      10,
      [
        { start: 0, end: 2 },
        { start: 5, end: 7 },
      ],
    ],
    ["bytes=99999999999999999-", 10, []],
    ["bytes=3-9223372036854775806", 8, [{ start: 3, end: 8 }]],
    [`bytes=${Array.from({ length: 17 }, (_, at) => `${at * 2}-${at * 2}`).join()}`, 100, undefined],
  ])("reads %s of %i", (header, bytes, ranges) => {
    expect(readRanges(header, bytes)).toEqual(ranges);
  });
});
