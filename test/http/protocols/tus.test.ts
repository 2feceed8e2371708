import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type HttpClient, serveHttp } from "../../support/http-client.js";
import { saveText, textOf } from "../../support/stores.js";

const tus = { "tus-resumable": "1.0.0" };
const patch = { ...tus, "content-type": "application/offset+octet-stream" };
const pairs = (metadata: object) =>
  Object.entries(metadata)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}`)
    .join(",");
const metadata = pairs({ bucket: "b", key: "k.txt", filetype: "text/x-log", filename: "mine é" });
const checksum = (algorithm: string, text: string) => ({
  "upload-checksum": `${algorithm} ${createHash(algorithm).update(text).digest("base64")}`,
});

async function created(headers: Record<string, string> = { "upload-length": "11", "upload-metadata": metadata }) {
  const client = await serveHttp();
  const answer = await client.ask("POST", "/v1/tus", { headers: { ...tus, ...headers } });
  const url = answer.headers.location ?? "";
  return {
    ...client,
    answer,
    url,
    head: () => client.askAsStranger("HEAD", url, { headers: tus }),
    append: (offset: number, body: string, more: Record<string, string> = {}) =>
      client.askAsStranger("PATCH", url, { body, headers: { ...patch, "upload-offset": String(offset), ...more } }),
  };
}

describe("tus", () => {
  it("uploads in parts, and answers with the offset", async () => {
    const { answer, head, append, store } = await created();
    expect(answer).toMatchObject({ status: 201, text: "", headers: { ...tus, "upload-expires": expect.any(String) } });
    const known = { ...tus, "upload-length": "11", "upload-metadata": metadata, "cache-control": "no-store" };
    expect(await head()).toMatchObject({ status: 200, headers: { ...known, "upload-offset": "0" } });
    expect(await append(0, "hello ")).toMatchObject({ status: 204, headers: { ...tus, "upload-offset": "6" } });
    expect(await head()).toMatchObject({ headers: { "upload-offset": "6" } });
    expect(await append(6, "world")).toMatchObject({ status: 204, headers: { "upload-offset": "11" } });
    expect(await head()).toMatchObject({ status: 200, headers: { "upload-offset": "11", "upload-length": "11" } });
    const saved = { mime_type: "text/x-log", bytes: 11, metadata: { filename: "mine é" } };
    expect(await store.artifacts.get("b", "k.txt")).toMatchObject(saved);
  });

  it("stores an upload without bucket and key in the bucket uploads, with its id as the key", async () => {
    const { append, store } = await created({ "upload-length": "2" });
    await append(0, "hi");
    const [upload] = (await store.uploads.list({ all: true, bucket: "uploads", limit: 10 })).data;
    expect(upload).toMatchObject({ status: "complete", key: upload?.id });
  });

  describe("without a key", () => {
    async function upload({ ask, askAsStranger, store }: HttpClient, filename: string, text = filename) {
      const headers = {
        ...tus,
        "upload-length": String(Buffer.byteLength(text)),
        "upload-metadata": pairs({ filename }),
      };
      const { status, headers: answered } = await ask("POST", "/v1/tus", { headers });
      expect(status).toBe(201);
      const url = answered.location ?? "";
      const [id = ""] = (url.split("/").at(-1) ?? "").split(".");
      const finish = async () => {
        const sent = { body: text, headers: { ...patch, "upload-offset": "0" } };
        if (text !== "") expect((await askAsStranger("PATCH", url, sent)).status).toBe(204);
        return (await store.uploads.get(id)).artifact;
      };
      const said = (await askAsStranger("HEAD", url, { headers: tus })).headers["upload-metadata"];
      expect(said).toContain(pairs({ filename }));
      expect(said).not.toMatch(/\bkey /); // the client has sent none
      return { id, key: (await store.uploads.get(id)).key, finish };
    }

    it.each([
      ["report.csv", "report.csv"],
      ["mine é.txt", "mine é.txt"],
      ["photos/a.jpg", "photos/a.jpg"],
      ["../../etc/passwd", "etc/passwd"],
      ["a\\b\u0007.txt", "a/b-.txt"],
      [`${"x".repeat(2_000)}.txt`, expect.stringMatching(/^x{59}-[0-9a-f]{8}\.txt$/)],
    ])("is named after its filename %j", async (filename, key) => {
      const client = await serveHttp();
      const { finish } = await upload(client, filename, "hello");
      expect(await finish()).toMatchObject({ bucket: "uploads", key, version: 1 });
    });

    it.each(["..", "/", "\u202e"])("is named after its id if the filename %j has no usable name", async (filename) => {
      const { id, key } = await upload(await serveHttp(), filename);
      expect(key).toBe(id);
    });

    it("has its id before the name if the key exists, as an artifact or as another upload", async () => {
      const client = await serveHttp();
      await saveText(client.store, "uploads", "report.csv", "saved");
      const second = await upload(client, "report.csv");
      expect(await second.finish()).toMatchObject({
        key: `${second.id}/report.csv`,
        version: 1,
        mime_type: "text/csv",
      });
      const third = await upload(client, "report.csv", "");
      expect(await third.finish()).toMatchObject({ key: `${third.id}/report.csv`, version: 1, bytes: 0 });
      expect(await textOf(client.store, "uploads", "report.csv")).toBe("saved");

      const all = await Promise.all(["one", "two", "three"].map((text) => upload(client, "new.txt", text)));
      expect(all.filter(({ key }) => key === "new.txt")).toHaveLength(1);
      for (const { finish } of all) expect(await finish()).toMatchObject({ version: 1 });
      await client.store.artifacts.delete("uploads", "new.txt");
      expect(await upload(client, "new.txt")).toMatchObject({ key: "new.txt" });

      const long = "x".repeat(1_024);
      await saveText(client.store, "uploads", long, "saved");
      const cut = await upload(client, long);
      expect(cut.key).toMatch(new RegExp(`^${cut.id}/x{${72 - 33 - 9}}-[0-9a-f]{8}$`));
    });

    it("is the same upload for the same Idempotency-Key", async () => {
      const { ask } = await serveHttp();
      const named = { "upload-length": "2", "upload-metadata": pairs({ filename: "a.txt" }), "idempotency-key": "i" };
      const create = async () => (await ask("POST", "/v1/tus", { headers: { ...tus, ...named } })).headers.location;
      expect(await create()).toBe(await create());
    });
  });

  it.each(["csv", "", "; charset=binary", "text/html; ,text/html"])(
    "takes the type from the key if filetype is no media type: %j",
    async (filetype) => {
      const { append, store } = await created({
        "upload-length": "2",
        "upload-metadata": pairs({ bucket: "b", key: "k.csv", filetype }),
      });
      await append(0, "hi");
      expect(await store.artifacts.get("b", "k.csv")).toMatchObject({ mime_type: "text/csv" });
    },
  );

  it("accepts the first part with the creation", async () => {
    const client = await serveHttp();
    const headers = { ...patch, "upload-length": "11", "upload-metadata": metadata };
    const answer = await client.ask("POST", "/v1/tus", { body: "hello ", headers });
    expect(answer).toMatchObject({ status: 201, headers: { "upload-offset": "6" } });
  });

  it("answers OPTIONS with what it supports", async () => {
    const { askAsStranger } = await serveHttp();
    const extensions = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination";
    expect(await askAsStranger("OPTIONS", "/v1/tus")).toMatchObject({
      status: 204,
      headers: {
        "tus-version": "1.0.0",
        "tus-extension": extensions,
        "tus-checksum-algorithm": "sha1,sha256,sha512,md5",
      },
    });
  });

  it("accepts the length later", async () => {
    const { head, append, store } = await created({ "upload-defer-length": "1", "upload-metadata": metadata });
    expect(await head()).toMatchObject({ headers: { "upload-defer-length": "1" } });
    await append(0, "hello ");
    expect(await append(6, "", { "upload-length": "11" })).toMatchObject({ status: 204 });
    expect((await head()).headers["upload-length"]).toBe("11");
    expect(await append(6, "w", { "upload-length": "12" })).toMatchObject({ status: 400 });
    await append(6, "world");
    expect(await textOf(store, "b", "k.txt")).toBe("hello world");
  });

  it.each(["sha1", "sha256", "sha512", "md5"])(
    "checks the %s of a part, and keeps nothing of a wrong part",
    async (algorithm) => {
      const { head, append } = await created();
      expect(await append(0, "hello ", checksum(algorithm, "jello "))).toMatchObject({ status: 460 });
      expect((await head()).headers["upload-offset"]).toBe("0");
      expect(await append(0, "hello ", checksum(algorithm, "hello "))).toMatchObject({ status: 204 });
    },
  );

  it("terminates an upload, which is then gone", async () => {
    const { askAsStranger, url, head, append, store } = await created();
    await append(0, "hello ");
    expect(await askAsStranger("DELETE", url, { headers: tus })).toMatchObject({ status: 204, headers: tus });
    expect((await head()).status).toBe(410);
    expect((await append(6, "world")).status).toBe(410);
    expect((await store.uploads.list({ all: true, limit: 1 })).data[0]).toMatchObject({ status: "aborted" });
  });

  it("answers GET with the content, and a termination removes the upload but not the artifact", async () => {
    const { askAsStranger, url, append, store } = await created();
    expect(await askAsStranger("GET", url)).toMatchObject({ status: 404, json: { code: "not_found" } });
    await append(0, "hello world");
    const headers = { "content-type": "text/x-log", "content-disposition": 'attachment; filename="k.txt"' };
    expect(await askAsStranger("GET", url)).toMatchObject({ status: 200, text: "hello world", headers });
    expect((await askAsStranger("GET", url, { headers: { range: "bytes=0-4" } })).text).toBe("hello");
    expect((await askAsStranger("DELETE", url, { headers: tus })).status).toBe(204);
    expect((await askAsStranger("GET", url)).status).toBe(404);
    expect((await askAsStranger("HEAD", url, { headers: tus })).status).toBe(404);
    expect(await textOf(store, "b", "k.txt")).toBe("hello world");
    expect((await store.uploads.list({ all: true, limit: 10 })).data).toEqual([]);
  });

  it("does not answer GET with an artifact that was saved later under the key", async () => {
    const { askAsStranger, url, append, store } = await created();
    await append(0, "hello world");
    await store.artifacts.delete("b", "k.txt");
    expect((await askAsStranger("GET", url)).status).toBe(404);
    await saveText(store, "b", "k.txt", "secret");
    expect((await askAsStranger("GET", url)).status).toBe(404);
  });

  it("continues the same upload as the session's own URL", async () => {
    const { askAsStranger, url, append, store } = await created();
    await append(0, "hello ");
    const [session] = (await store.uploads.list({ all: true, limit: 1 })).data;
    const more = { body: "wor", headers: { "upload-offset": "6" } };
    expect((await askAsStranger("POST", session?.url ?? "", more)).json).toMatchObject({ offset: 9 });
    const headers = { ...patch, "upload-offset": "9" };
    expect((await askAsStranger("PATCH", session?.url ?? "", { body: "ld", headers })).status).toBe(204);
    expect((await askAsStranger("GET", url)).text).toBe("hello world");
  });

  it("answers only the client's own entries in Upload-Metadata", async () => {
    const none = await created({ "upload-length": "1" });
    expect((await none.head()).headers).not.toHaveProperty("upload-metadata");
    const own = pairs({ filename: "x", nonlatin: "słońce" });
    const { head } = await created({ "upload-length": "1", "upload-metadata": own });
    expect((await head()).headers["upload-metadata"]).toBe(own);
  });

  it("leaves names out of Upload-Metadata that it cannot represent", async () => {
    const { store, askAsStranger } = await serveHttp();
    const metadata = { "with space": "a", ключ: "b", "new\nline": "c", fine: "d" };
    const { url } = await store.uploads.create({ bucket: "b", key: "k", metadata });
    const { status, headers } = await askAsStranger("HEAD", url, { headers: tus });
    expect(status).toBe(200);
    expect(headers["upload-metadata"]).toBe(pairs({ bucket: "b", key: "k", fine: "d" }));
  });

  it("accepts PATCH as POST with X-HTTP-Method-Override", async () => {
    const { askAsStranger, url } = await created();
    const headers = { ...patch, "upload-offset": "0", "x-http-method-override": "PATCH" };
    expect((await askAsStranger("GET", url, { body: "hello ", headers })).status).toBe(404);
    expect(await askAsStranger("POST", url, { body: "hello ", headers })).toMatchObject({ status: 204 });
  });

  it("answers every conflict with the offset, and refuses a replay", async () => {
    const { append } = await created();
    await append(0, "hello ");
    for (const offset of [0, 7]) {
      expect(await append(offset, "hello ")).toMatchObject({ status: 409, headers: { ...tus, "upload-offset": "6" } });
    }
  });

  it.each([
    [{ "tus-resumable": "0.2.2" }, 412],
    [{ "content-type": "text/plain" }, 415],
    [{ "upload-offset": "x" }, 400],
    [{ "upload-checksum": "crc32 AAAA" }, 400],
  ])("refuses a part with %j", async (headers, status) => {
    const { append, head } = await created();
    expect((await append(0, "hello ", headers as Record<string, string>)).status).toBe(status);
    expect((await head()).headers["upload-offset"]).toBe("0");
  });

  it.each([
    [{}, 400],
    [{ "upload-length": "1", "upload-defer-length": "1" }, 400],
    [{ "upload-defer-length": "2" }, 400],
    [{ "upload-length": "-1" }, 400],
    [{ "upload-length": "1", "upload-metadata": pairs({ bucket: "no bucket" }) }, 400],
    [{ "upload-length": "1", "upload-metadata": "key /w==" }, 400],
    [{ "upload-length": "1", "upload-metadata": pairs(JSON.parse('{"__proto__":"x"}')) }, 400],
    [{ "upload-length": "1", "upload-concat": "partial" }, 400],
    [{ "upload-length": "1", "tus-resumable": "2.0.0" }, 412],
  ])("refuses a creation with %j", async (headers, status) => {
    const { answer } = await created(headers as Record<string, string>);
    expect(answer.status).toBe(status);
  });

  it("refuses an upload larger than an artifact may be", async () => {
    const client = await serveHttp(undefined, { maxArtifactBytes: 10 });
    const answer = await client.ask("POST", "/v1/tus", { headers: { ...tus, "upload-length": "11" } });
    expect(answer).toMatchObject({ status: 413, headers: tus });
    expect((await client.ask("OPTIONS", "/v1/tus")).headers["tus-max-size"]).toBe("10");
  });
});
