import { describe, expect, it } from "vitest";
import { type Answered, serveHttp } from "../../support/http-client.js";
import { sha256Of } from "../../support/mcp-client.js";
import { saveText, textOf } from "../../support/stores.js";

const zeros = "0".repeat(64);

async function served() {
  const client = await serveHttp();
  const send = (method: string, url: string, body: object) => client.ask(method, url, { body: JSON.stringify(body) });
  const create = async (upload: object): Promise<{ id: string; url: string }> =>
    (await send("POST", "/v1/artifacts", { bucket: "b", key: "k", ...upload })).json as { id: string; url: string };
  const complete = (id: string, body: object): Promise<Answered> => send("POST", `/v1/sessions/${id}/complete`, body);
  return { ...client, send, create, complete };
}

/** Returns the request that an error names as the next step. */
function nextIn({ json }: Answered): readonly [method: string, path: string, body: string] {
  const [, method = "", path = "", body = ""] =
    /(POST) (\/v1\/sessions\/\S+) and (\{.*?\})/.exec(String(json["detail"])) ?? [];
  return [method, path, body];
}

describe("POST /v1/sessions/{id}/complete", () => {
  it("publishes an upload after a conflict, as its error says", async () => {
    const { create, ask, askAsStranger, store } = await served();
    await saveText(store, "b", "k", "one");
    const { url } = await create({ size: 5, if_version: 1 });
    await saveText(store, "b", "k", "two");
    await store.artifacts.update({ bucket: "b", key: "k", metadata: { a: "b" } });
    const refused = await askAsStranger("PUT", url, { body: "three" });
    expect(refused).toMatchObject({ status: 409, json: { code: "version_conflict", version: 2, edit: 1 } });
    const [method, path, body] = nextIn(refused);
    expect(body).toBe('{"if_version":"2.1"}');
    expect(await ask(method, path, { body })).toMatchObject({ status: 200, json: { version: 3 } });
    expect(await ask(method, path, { body })).toMatchObject({ status: 200, json: { version: 3 } });
    expect(await textOf(store, "b", "k")).toBe("three");
  });

  it("publishes content with another digest than the announced one", async () => {
    const { create, complete, askAsStranger } = await served();
    const { id, url } = await create({ sha256: zeros });
    const refused = await askAsStranger("PUT", url, { body: "hello" });
    expect(refused).toMatchObject({ status: 422, json: { code: "checksum_mismatch" } });
    expect(refused.json["detail"]).toContain(`POST /v1/sessions/${id}/complete and the right sha256`);
    expect(await complete(id, {})).toMatchObject({ status: 422 });
    const sha256 = sha256Of("hello");
    expect(await complete(id, { sha256 })).toMatchObject({
      status: 200,
      headers: { etag: `"1.0-${sha256}"` },
      json: { sha256 },
    });
  });

  it("ends an upload of undeclared size, and refuses one with missing bytes", async () => {
    const { create, complete, askAsStranger } = await served();
    const open = await create({});
    await askAsStranger("POST", open.url, { body: "hello" });
    expect(await complete(open.id, { size: 6 })).toMatchObject({ status: 409 });
    expect(await complete(open.id, {})).toMatchObject({ status: 200, json: { bytes: 5 } });
    const partial = await create({ key: "partial", size: 9 });
    await askAsStranger("POST", partial.url, { body: "hello" });
    expect(await complete(partial.id, {})).toMatchObject({ status: 409, json: { code: "incomplete", offset: 5 } });
  });

  it("needs the token: an upload URL is no right to replace a guard", async () => {
    const { create, askAsStranger } = await served();
    const { id, url } = await create({});
    const { pathname } = new URL(url);
    const signed = pathname.slice(pathname.indexOf(":") + 1);
    for (const path of [`/v1/sessions/${id}/complete`, `/v1/sessions/${signed}/complete`]) {
      expect(await askAsStranger("POST", path, { body: "{}" })).toMatchObject({ status: 401 });
    }
    expect(await askAsStranger("POST", `${pathname}/complete`, { body: "{}" })).toMatchObject({ status: 405 });
  });

  it.each([
    [{ if_version: "1.x" }, /if_version must be the number of the newest version/],
    [{ sha256: "abc" }, /sha256 must be 64 hex digits/],
    [{ size: "5" }, /size must be a whole number/],
    [{ offset: 5 }, /unknown argument "offset": this request takes sha256, size, if_version/],
  ])("with %j is refused", async (body, why) => {
    const { create, complete } = await served();
    const { id } = await create({});
    const { status, json } = await complete(id, body);
    expect({ status, ...json }).toMatchObject({ status: 400, code: "invalid_argument" });
    expect(json["detail"]).toMatch(why);
  });
});

describe("POST /v1/artifacts", () => {
  it("begins with the content of a version, and is guarded by it", async () => {
    const { create, ask, askAsStranger, store, send } = await served();
    await saveText(store, "b", "k", "a,b\n");
    await store.artifacts.update({ bucket: "b", key: "k", metadata: { run: "42" } });
    const session = await create({ from: "newest", expires_in: "12h" });
    expect(session).toMatchObject({
      offset: 4,
      size: null,
      tail: "a,b\n",
      if_version: "1.1",
      expires_in: 43_200,
      metadata: { run: "42" },
    });
    expect(await create({ if_version: "1.1" })).toMatchObject({ open_sessions: [{ id: session.id, offset: 4 }] });
    const headers = { "upload-offset": "4", "upload-complete": "?1" };
    const done = await askAsStranger("POST", session.url, { body: "1,2\n", headers });
    expect(done.json).toMatchObject({ version: 2, bytes: 8, metadata: { run: "42" }, expires_at: expect.any(Number) });
    expect(await textOf(store, "b", "k")).toBe("a,b\n1,2\n");
    expect(await create({ from: 1, if_version: "2" })).toMatchObject({ offset: 4, if_version: "2" });
    const gone = await send("POST", "/v1/artifacts", { bucket: "b", key: "k", from: 9 });
    expect(gone).toMatchObject({ status: 404, json: { code: "artifact_not_found", versions: [2, 1] } });
    const refused = await send("POST", "/v1/artifacts", { bucket: "b", key: "k", if_version: "1" });
    expect(refused).toMatchObject({ status: 409, json: { code: "version_conflict" } });
    expect(refused.json["detail"]).toMatch(/if_version 2\.$/);
    for (const from of ["oldest", 0, "1"]) {
      expect(await send("POST", "/v1/artifacts", { bucket: "b", key: "k", from })).toMatchObject({ status: 400 });
    }
    expect((await ask("GET", "/v1/artifacts/b/k")).json).toMatchObject({ version: 2 });
  });
});

describe("/v1/sessions", () => {
  it("lists unfinished uploads, with those that have ended if asked", async () => {
    const { create, ask } = await served();
    const first = await create({});
    const second = await create({ key: "other" });
    const done = await create({ key: "done", size: 0 });
    const idsOf = ({ json }: Answered) => (json as unknown as { data: { id: string }[] }).data.map(({ id }) => id);
    const list = async (query: string) => idsOf(await ask("GET", `/v1/sessions${query}`));
    expect((await list("")).sort()).toEqual([first.id, second.id].sort());
    expect((await list("?all=true")).sort()).toEqual([first.id, second.id, done.id].sort());
    expect(await list("?bucket=b&key=other")).toEqual([second.id]);
    expect(await list("?bucket=b&key=done&all=false")).toEqual([]);
    const page = await ask("GET", "/v1/sessions?limit=1");
    const cursor = encodeURIComponent(String(page.json["next_cursor"]));
    expect([...idsOf(page), ...(await list(`?cursor=${cursor}`))].sort()).toEqual([first.id, second.id].sort());
    for (const query of ["?all=yes", "?key=k", "?limit=0"]) {
      expect(await ask("GET", `/v1/sessions${query}`)).toMatchObject({ status: 400 });
    }
  });

  it("describes and aborts an upload by its id", async () => {
    const { create, ask } = await served();
    const { id, url } = await create({});
    expect((await ask("GET", `/v1/sessions/${id}`)).json).toMatchObject({
      id,
      url,
      status: "open",
      command: expect.any(String),
    });
    expect(await ask("DELETE", `/v1/sessions/${id}`)).toMatchObject({ status: 200, json: { id, status: "aborted" } });
    expect((await ask("GET", `/v1/sessions/${id}`)).json).toMatchObject({ status: "aborted" });
    const missing = await ask("GET", "/v1/sessions/none");
    expect(missing).toMatchObject({ status: 404, json: { code: "session_not_found" } });
    expect(missing.json["detail"]).toMatch(/GET \/v1\/sessions lists the unfinished ones/);
  });
});
