import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readHttpDate } from "../../../src/http/message/http-date.js";
import { type Answered, type HttpClient, serveHttp } from "../../support/http-client.js";
import { sha256Of } from "../../support/mcp-client.js";
import { createMemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const path = "/v1/content/b/k.txt";
const info = "/v1/artifacts/b/k.txt";
const none = { "if-none-match": "*" };
const refused = { status: 412, json: { code: "precondition_failed" } };
type Headers = Record<string, string>;

/** The three ways to write content. A small body is saved in one change, a large one through a session. */
const ways = [
  { way: "a small body", padding: "", more: {} },
  { way: "a large body", padding: "x".repeat(300 * 1024), more: {} },
  { way: "a resumable upload", padding: "x".repeat(1_000), more: { "upload-complete": "?1" } },
];

/** Two servers on one store, which stand for two processes, and a function that writes content in one of the ways. */
async function twoServers({ padding, more }: { padding: string; more: Headers }) {
  const engines = createMemoryEngines();
  const servers = [await serveHttp(engines), await serveHttp(engines)];
  const [first, second] = servers as [HttpClient, HttpClient];
  const put = (at: number, text: string, headers: Headers = {}) =>
    (servers[at % servers.length] ?? first).ask("PUT", path, {
      body: text + padding,
      headers: { ...more, ...headers },
    });
  return { engines, first, second, put, read: async () => (await first.ask("GET", path)).text.replace(padding, "") };
}

describe.each(ways)("a precondition on $way", (way) => {
  it("lets only one of four clients create a key, even if all send the same bytes", async () => {
    const { put, first } = await twoServers(way);
    const answers = await Promise.all([0, 1, 2, 3].map((at) => put(at, "same", none)));
    expect(answers.map(({ status }) => status).sort()).toEqual([
      "upload-complete" in way.more ? 200 : 201,
      412,
      412,
      412,
    ]);
    for (const answer of answers.filter(({ status }) => status === 412)) expect(answer).toMatchObject(refused);
    expect((await first.ask("GET", info)).json).toMatchObject({ version: 1 });
    expect(await put(0, "same", none)).toMatchObject(refused);
  });

  it("loses no increment: 32 acknowledged increments of many clients make 32", async () => {
    const { put, first, second, read } = await twoServers(way);
    expect((await put(0, "0", none)).status).toBeLessThan(300);
    const increment = async (client: number): Promise<void> => {
      for (;;) {
        const { headers, text } = await (client % 2 === 0 ? first : second).ask("GET", path);
        const next = String(Number(text.replace(way.padding, "")) + 1);
        const { status } = await put(client, next, { "if-match": headers.etag ?? "" });
        if (status < 300) return;
        expect(status).toBe(412);
      }
    };
    await Promise.all(
      Array.from({ length: 8 }, async (_, client) => {
        for (let n = 0; n < 4; n += 1) await increment(client);
      }),
    );
    expect(await read()).toBe("32");
    expect((await first.ask("GET", info)).json).toMatchObject({ version: 33 });
  });

  it("refuses the tag of an older version, a weak tag, and a missing key", async () => {
    const { put, read } = await twoServers(way);
    expect(await put(0, "one", { "if-match": "*" })).toMatchObject(refused);
    const etag = (await put(0, "one")).headers.etag ?? "";
    expect(etag).toMatch(/^"1\.0-[0-9a-f]{64}"$/);
    expect(await put(0, "two", { "if-match": `W/${etag}` })).toMatchObject(refused);
    expect((await put(0, "two", { "if-match": `"other", ${etag}` })).status).toBe(200);
    expect(await put(0, "three", { "if-match": etag })).toMatchObject(refused);
    expect(await put(0, "two", { "if-match": etag })).toMatchObject(refused); // the newest version has this content already, but not this tag
    expect(await read()).toBe("two");
  });

  it("sees an edit of the metadata", async () => {
    const { put, read, first, engines } = await twoServers(way);
    const etag = (await put(0, "one", none)).headers.etag ?? "";
    const edited = await storeOn(engines).artifacts.update({ bucket: "b", key: "k.txt", metadata: { a: "1" } });
    expect(edited).toMatchObject({ version: 1, edit: 1 });
    expect(await put(0, "two", { "if-match": etag })).toMatchObject(refused);
    const newest = (await first.ask("GET", info)).headers.etag ?? "";
    expect(newest).toBe(etag.replace("1.0", "1.1"));
    expect((await first.ask("GET", path, { headers: { "if-none-match": etag } })).status).toBe(200);
    expect((await first.ask("GET", path, { headers: { "if-none-match": newest } })).status).toBe(304);
    expect((await put(0, "two", { "if-match": newest })).status).toBe(200);
    expect(await read()).toBe("two");
  });

  it("takes a key that has expired for absent", async () => {
    const { put, first, engines } = await twoServers(way);
    const early = storeOn(engines, { now: () => Date.now() - 3 * 60 * 60 * 1000 });
    await saveText(early, "b", "k.txt", "one");
    const etag = (await first.ask("GET", info)).headers.etag ?? "";
    await early.artifacts.update({ bucket: "b", key: "k.txt", expires_in: 60 * 60 });
    for (const url of [path, info, `${path}?version=1`]) expect((await first.ask("GET", url)).status).toBe(404);
    expect(await put(0, "two", { "if-match": etag })).toMatchObject(refused);
    expect(await put(0, "two", { "if-match": "*" })).toMatchObject(refused);
    expect((await put(0, "two", none)).status).toBeLessThan(300);
    expect((await first.ask("GET", info)).json).toMatchObject({ version: 2 });
  });

  it("can be If-Unmodified-Since, which is ignored if it has no valid date", async () => {
    const { put, read, first } = await twoServers(way);
    const before = new Date(Date.now() - 60_000).toUTCString();
    expect((await put(0, "one", { "if-unmodified-since": before })).status).toBeLessThan(300);
    expect(await put(0, "two", { "if-unmodified-since": before })).toMatchObject(refused);
    expect(await read()).toBe("one");
    const saved = (await first.ask("GET", path)).headers["last-modified"] ?? "";
    expect((await put(0, "two", { "if-unmodified-since": saved })).status).toBe(200);
    for (const [at, malformed] of ["1", "yesterday", "2001-01-01", "0"].entries()) {
      expect((await put(0, `three ${at}`, { "if-unmodified-since": malformed })).status).toBe(200);
    }
  });
});

it("a refusal gives the newest ETag in detail and header, or says that there is no artifact", async () => {
  const { ask, store } = await serveHttp();
  const missing = await ask("PUT", path, { body: "x", headers: { "if-match": '"1.0-x"' } });
  expect(missing).toMatchObject({
    ...refused,
    json: { detail: expect.stringMatching(/There is no artifact with this key\.$/) },
  });
  await saveText(store, "b", "k.txt", "one");
  const etag = `"1.0-${sha256Of("one")}"`;
  const answer = await ask("PUT", path, { body: "x", headers: none });
  expect(answer).toMatchObject({ ...refused, headers: { etag }, json: { detail: expect.stringContaining(etag) } });
});

describe("an ETag", () => {
  it("differs for the same content in another version: A, B, A have three tags", async () => {
    const { ask } = await serveHttp();
    const put = async (body: string) => (await ask("PUT", path, { body })).headers.etag;
    const tags = [await put("A"), await put("B"), await put("A")];
    expect(tags).toEqual(["A", "B", "A"].map((text, at) => `"${at + 1}.0-${sha256Of(text)}"`));
    for (const [at, etag] of tags.entries()) {
      expect((await ask("GET", `${path}?version=${at + 1}`)).headers).toMatchObject({ etag });
      expect((await ask("HEAD", `${path}?version=${at + 1}`)).headers).toMatchObject({ etag });
      expect((await ask("GET", `${info}?version=${at + 1}`)).headers).toMatchObject({ etag });
    }
    expect(await ask("PUT", path, { body: "C", headers: { "if-match": tags[0] ?? "" } })).toMatchObject(refused);
  });

  it("of a deleted key is never used again", async () => {
    const { ask } = await serveHttp();
    const etag = (await ask("PUT", path, { body: "A" })).headers.etag ?? "";
    await ask("DELETE", info);
    const again = await ask("PUT", path, { body: "A", headers: none });
    expect(again).toMatchObject({ status: 201, json: { version: 2 } });
    expect(again.headers.etag).not.toBe(etag);
    expect(await ask("DELETE", info, { headers: { "if-match": etag } })).toMatchObject(refused);
  });
});

describe("a deletion", () => {
  async function saved() {
    const client = await serveHttp();
    for (const text of ["one", "two"]) await saveText(client.store, "b", "k.txt", text);
    const remove = (headers: Headers = {}, query = "") => client.ask("DELETE", `${info}${query}`, { headers });
    const etagOf = (version: number, text: string) => `"${version}.0-${sha256Of(text)}"`;
    return { ...client, remove, etagOf };
  }

  it("happens only if its precondition holds for the newest version", async () => {
    const { remove, etagOf, store } = await saved();
    const past = new Date(Date.now() - 60_000).toUTCString();
    for (const headers of [
      { "if-match": etagOf(1, "one") },
      { "if-match": `W/${etagOf(2, "two")}` },
      { "if-none-match": "*" },
      { "if-unmodified-since": past },
    ]) {
      expect(await remove(headers)).toMatchObject(refused);
      expect(await remove(headers, "?version=1")).toMatchObject(refused);
    }
    expect(await textOf(store, "b", "k.txt")).toBe("two");
    expect(await remove({ "if-match": etagOf(2, "two") })).toMatchObject({ status: 200, json: { version: 2 } });
    expect(await remove({ "if-match": "*" })).toMatchObject(refused);
    expect(await remove()).toMatchObject({ status: 404 });
  });

  it("sees an edit", async () => {
    const { remove, etagOf, store } = await saved();
    await store.artifacts.update({ bucket: "b", key: "k.txt", metadata: { a: "1" } });
    expect(await remove({ "if-match": etagOf(2, "two") })).toMatchObject(refused);
    expect((await remove({ "if-match": etagOf(2, "two").replace("2.0", "2.1") })).status).toBe(200);
  });

  it("of one version keeps the others", async () => {
    const { remove, etagOf, store } = await saved();
    const one = await remove({ "if-match": etagOf(2, "two") }, "?version=1");
    expect(one).toMatchObject({ status: 200, json: { version: 1, sha256: sha256Of("one") } });
    expect(await textOf(store, "b", "k.txt")).toBe("two");
    expect(await remove({}, "?version=1")).toMatchObject({ status: 404, json: { newest_version: 2 } });
    expect(await remove({}, "?version=2")).toMatchObject({ status: 200 });
    expect(await remove()).toMatchObject({ status: 404 });
  });

  it("races with a write that has the same precondition: only one of them succeeds", async () => {
    const { ask, remove, etagOf } = await saved();
    const headers = { "if-match": etagOf(2, "two") };
    const answers = await Promise.all([remove(headers), ask("PUT", path, { body: "three", headers })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
  });
});

describe("a read", () => {
  const text = "0123456789";
  async function saved() {
    const { ask, store } = await serveHttp();
    await saveText(store, "b", "k.txt", text);
    const get = (headers: Headers = {}, method = "GET"): Promise<Answered> => ask(method, path, { headers });
    const { headers } = await get();
    return { get, etag: headers.etag ?? "", lastModified: headers["last-modified"] ?? "" };
  }
  const shifted = (date: string, seconds: number) => new Date(Date.parse(date) + seconds * 1_000).toUTCString();

  it.each(["GET", "HEAD"])(
    "by %s answers 304 for content not modified since the date, unless a tag decides otherwise",
    async (method) => {
      const { get, etag, lastModified } = await saved();
      for (const date of [lastModified, shifted(lastModified, 60)]) {
        expect(await get({ "if-modified-since": date }, method)).toMatchObject({
          status: 304,
          text: "",
          headers: { etag },
        });
      }
      expect((await get({ "if-modified-since": shifted(lastModified, -1) }, method)).status).toBe(200);
      expect((await get({ "if-modified-since": lastModified, "if-none-match": '"other"' }, method)).status).toBe(200);
      expect(
        (await get({ "if-modified-since": shifted(lastModified, -1), "if-none-match": etag }, method)).status,
      ).toBe(304);
    },
  );

  it("is refused for content modified since the date, unless a tag decides otherwise", async () => {
    const { get, etag, lastModified } = await saved();
    expect(await get({ "if-unmodified-since": shifted(lastModified, -1) })).toMatchObject(refused);
    expect((await get({ "if-unmodified-since": lastModified })).text).toBe(text);
    expect((await get({ "if-unmodified-since": shifted(lastModified, -1), "if-match": etag })).text).toBe(text);
  });

  it.each(["1", "tomorrow", "2999-01-01T00:00:00Z", ""])("ignores the malformed date %j", async (date) => {
    const { get } = await saved();
    expect((await get({ "if-modified-since": date })).text).toBe(text);
    expect((await get({ "if-unmodified-since": date })).text).toBe(text);
  });

  it("of a range answers the whole content if If-Range is a weak tag, a date or the tag of other content", async () => {
    const { get, etag, lastModified } = await saved();
    const part = async (tag: string) => (await get({ range: "bytes=1-2", "if-range": tag })).text;
    expect(await part(etag)).toBe("12");
    for (const other of [`W/${etag}`, lastModified, etag.replace("1.0", "2.0"), sha256Of(text)]) {
      expect(await part(other)).toBe(text);
    }
  });
});

describe("readHttpDate()", () => {
  it.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
    "reads %s",
    (text) => expect(readHttpDate(text)).toBe(784_111_777),
  );

  it.each([
    "",
    "1",
    "x 1",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 +0100",
    "Sun, 06 Nov 1994 99:49:37 GMT",
    "Sun, 06 Xyz 1994 08:49:37 GMT",
  ])("returns undefined for %j", (text) => expect(readHttpDate(text)).toBeUndefined());
});

it("content of random bytes, saved with a precondition, is read back unchanged", async () => {
  const { ask } = await serveHttp();
  const body = randomBytes(400 * 1024);
  expect((await ask("PUT", path, { body, headers: none })).status).toBe(201);
  expect((await ask("GET", path)).bytes.equals(body)).toBe(true);
});
