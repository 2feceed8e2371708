import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { answerTo, bearer, serveHttp } from "../../support/http-client.js";
import { sha256Of } from "../../support/mcp-client.js";
import { textOf } from "../../support/stores.js";

const path = "/v1/content/b/k.txt";
const part = { "content-type": "application/partial-upload" };
const interop = { "upload-draft-interop-version": "8" };
const digestOf = (text: string) => `sha-256=:${Buffer.from(sha256Of(text), "hex").toString("base64")}:`;
const problem = (name: string) => `https://iana.org/assignments/http-problem-types#${name}`;

async function begun(body = "hello ", headers: Record<string, string> = {}) {
  const client = await serveHttp();
  const answer = await client.ask("PUT", path, { body, headers: { "upload-complete": "?0", ...headers } });
  const url = answer.headers.location ?? "";
  return {
    ...client,
    answer,
    url,
    head: () => client.askAsStranger("HEAD", url),
    append: (offset: number, text: string, isLast = false, more: Record<string, string> = {}) =>
      client.askAsStranger("PATCH", url, {
        body: text,
        headers: { ...part, "upload-offset": String(offset), "upload-complete": isLast ? "?1" : "?0", ...more },
      }),
  };
}

describe("Resumable Uploads for HTTP", () => {
  it("begin with a part, continue with others, and end with the last one", async () => {
    const { answer, url, head, append, store } = await begun();
    const state = (offset: number) => ({ "upload-offset": String(offset), "upload-complete": "?0" });
    expect(answer).toMatchObject({
      status: 201,
      headers: { ...state(6), "upload-limit": expect.stringMatching(/^max-age=\d+$/) },
    });
    expect(url).toMatch(/^\/v1\/artifacts\/session:/);
    const known = await head();
    expect(known).toMatchObject({ status: 204, headers: { ...state(6), "cache-control": "no-store" } });
    expect(known.headers).not.toHaveProperty("upload-length");
    expect(await append(6, "wor")).toMatchObject({ status: 204, headers: state(9) });
    const done = { "upload-complete": "?1", "repr-digest": digestOf("hello world") };
    expect(await append(9, "ld", true)).toMatchObject({ status: 200, headers: done, json: { bytes: 11, version: 1 } });
    expect(await textOf(store, "b", "k.txt")).toBe("hello world");
    const after = { "upload-offset": "11", "upload-complete": "?1", "upload-length": "11" };
    expect(await head()).toMatchObject({ status: 204, headers: after });
  });

  it("end in one request if the body is the whole content", async () => {
    const { answer } = await begun("hello", { "upload-complete": "?1", "repr-digest": digestOf("hello") });
    expect(answer).toMatchObject({ status: 200, headers: { "upload-complete": "?1" }, json: { bytes: 5, version: 1 } });
  });

  it("begin by POST too, without any bytes", async () => {
    const { ask } = await serveHttp();
    const answer = await ask("POST", path, { headers: { "upload-complete": "?0", "upload-length": "11" } });
    expect(answer).toMatchObject({ status: 201, headers: { "upload-offset": "0", "upload-length": "11" } });
  });

  it("repeat the last part's answer", async () => {
    const { append } = await begun();
    const { json } = await append(6, "world", true);
    expect(await append(11, "", true)).toMatchObject({ status: 200, headers: { "upload-complete": "?1" }, json });
  });

  it("refuse a wrong offset and answer with the right one", async () => {
    const { append } = await begun();
    for (const offset of [5, 7]) {
      expect(await append(offset, "x")).toMatchObject({
        status: 409,
        headers: { "upload-offset": "6" },
        json: { type: problem("mismatching-upload-offset"), "expected-offset": 6, "provided-offset": offset },
      });
    }
  });

  it.each([
    [{ "upload-length": "12" }, "world"],
    [{ "upload-length": "8" }, "world"],
  ])("refuse an inconsistent length: %j", async (headers, text) => {
    const { append, head } = await begun("hello ", { "upload-length": "11" });
    const type = problem("inconsistent-upload-length");
    expect(await append(6, text, false, headers as Record<string, string>)).toMatchObject({
      status: 400,
      json: { type },
    });
    expect(await append(6, "world!", true)).toMatchObject({ status: 400, json: { type } });
    expect(await append(6, "world!")).toMatchObject({ status: 400, json: { type } });
    expect((await head()).headers["upload-offset"]).toBe("6");
  });

  it("refuse bytes after the completion", async () => {
    const { append } = await begun();
    await append(6, "world", true);
    const type = problem("inconsistent-upload-length");
    expect(await append(11, "more", true)).toMatchObject({ status: 400, json: { type } });
  });

  it("with another digest of the whole content fail; their bytes are kept, but not published", async () => {
    const { append, head, store, askAsStranger, url } = await begun("hello ", { "repr-digest": digestOf("other") });
    const refused = { status: 422, headers: { "upload-complete": "?1" }, json: { code: "checksum_mismatch" } };
    expect(await append(6, "world", true)).toMatchObject(refused);
    expect(await head()).toMatchObject({ status: 422, headers: { "upload-offset": "11" } });
    expect((await store.uploads.list({ all: true, limit: 1 })).data).toMatchObject([
      { status: "open", offset: 11, size: 11 },
    ]);
    expect((await askAsStranger("DELETE", url)).status).toBe(200);
    expect((await head()).status).toBe(410);
    await expect(store.artifacts.get("b", "k.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("that end without further bytes are published only if the digest matches", async () => {
    const { append, head, store } = await begun("hello");
    const wrong = { "repr-digest": digestOf("other") };
    expect(await append(5, "", true, wrong)).toMatchObject({ status: 422, json: { code: "checksum_mismatch" } });
    expect((await head()).headers).toMatchObject({ "upload-offset": "5", "upload-complete": "?0" });
    await expect(store.artifacts.get("b", "k.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
    expect(await append(5, "", true, { "repr-digest": digestOf("hello") })).toMatchObject({ json: { bytes: 5 } });
  });

  it("keep nothing of a part with a wrong digest", async () => {
    const { append, head } = await begun();
    expect(await append(6, "wor", false, { "content-digest": digestOf("x") })).toMatchObject({ status: 422 });
    expect((await head()).headers["upload-offset"]).toBe("6");
    expect(await append(6, "wor", false, { "content-digest": digestOf("wor") })).toMatchObject({ status: 204 });
  });

  it("can be cancelled", async () => {
    const { askAsStranger, url, head, append } = await begun();
    expect((await askAsStranger("DELETE", url)).status).toBe(200);
    expect((await head()).status).toBe(410);
    expect((await append(6, "world")).status).toBe(410);
  });

  it("keep the bytes received before the connection breaks", async () => {
    const { begin, url, head, append, store } = await begun();
    const headers = { ...part, "upload-offset": "6", "upload-complete": "?1", "content-length": "5" };
    const request = begin("PATCH", url, headers);
    request.write("wor");
    await expect.poll(async () => (await head()).headers["upload-offset"]).toBe("9");
    request.destroy();
    expect((await append(9, "ld", true)).status).toBe(200);
    expect(await textOf(store, "b", "k.txt")).toBe("hello world");
  });

  it.each([
    [{ "upload-complete": "yes" }, 400],
    [{ "upload-complete": "?0", "upload-draft-interop-version": "3" }, 400],
    [{ "upload-complete": "?1", "upload-length": "7" }, 400],
    [{ "upload-complete": "?0", "repr-digest": "x" }, 400],
    [{ "upload-complete": "?0", "content-encoding": "gzip" }, 415],
  ])("do not begin with %j", async (headers, status) => {
    const { answer } = await begun("hello ", headers as Record<string, string>);
    expect(answer.status).toBe(status);
  });

  it.each([
    [{ "content-type": "text/plain" }, 415],
    [{ "upload-offset": "x" }, 400],
    [{ "upload-complete": "1" }, 400],
  ])("do not continue with %j", async (headers, status) => {
    const { append, head } = await begun();
    expect((await append(6, "world", true, headers as Record<string, string>)).status).toBe(status);
    expect((await head()).headers["upload-offset"]).toBe("6");
  });

  it("answer OPTIONS with what they support", async () => {
    const { ask } = await serveHttp(undefined, { maxArtifactBytes: 10 });
    const headers = { "accept-patch": "application/partial-upload", "upload-limit": "max-size=10" };
    expect(await ask("OPTIONS", path)).toMatchObject({ status: 204, headers });
  });

  it("announce their URL and their offset in interim responses to a client of this version", async () => {
    const { origin, begin } = await serveHttp();
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    let heard = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      heard += text;
    });
    const head = {
      ...bearer,
      ...interop,
      host: `${hostname}:${port}`,
      "upload-complete": "?1",
      "content-length": "11",
    };
    const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`PUT ${path} HTTP/1.1\r\n${lines.join("")}\r\nhello `);
    await expect.poll(() => heard).toContain("HTTP/1.1 104 Upload Resumption Supported\r\n");
    const [, url = ""] = /location: (\S+)/.exec(heard) ?? [];
    socket.destroy();
    await once(socket, "close");
    const rest = begin("PATCH", url, { ...part, "upload-offset": "6", "upload-complete": "?1", "content-length": "5" });
    rest.end("world");
    expect((await answerTo(rest)).json).toMatchObject({ bytes: 11 });
  });
});
