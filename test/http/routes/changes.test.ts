import { describe, expect, it } from "vitest";
import type { ContentStore } from "../../../src/store/ports/content-store.js";
import { gate } from "../../support/gate.js";
import { serveHttp } from "../../support/http-client.js";
import { sha256Of } from "../../support/mcp-client.js";
import { createMemoryEngines, saveText, textOf } from "../../support/stores.js";

const info = "/v1/artifacts/b/k.txt";
const day = 24 * 60 * 60;
type Headers = Readonly<Record<string, string>>;

/** The clock of download URLs. It stands still, so that descriptions can be compared. */
const nowSeconds = () => Math.floor(Date.now() / 1000 / day) * day;

async function saved(text = "one") {
  const client = await serveHttp(createMemoryEngines(), { nowSeconds });
  await saveText(client.store, "b", "k.txt", text);
  const send = (method: string, url: string, body: object, headers: Headers = {}) =>
    client.ask(method, url, { body: JSON.stringify(body), headers });
  const etag = (tag: string, content = text) => `"${tag}-${sha256Of(content)}"`;
  return { ...client, send, etag };
}

describe("a PATCH of an artifact", () => {
  it("sets metadata and expiry in place, and gives the artifact another ETag", async () => {
    const { send, etag, ask } = await saved();
    const now = Date.now() / 1000;
    const first = await send("PATCH", info, { metadata: { run: "42", by: "me" }, expires_in: "30d" });
    expect(first).toMatchObject({
      status: 200,
      headers: { etag: etag("1.1") },
      json: { version: 1, edit: 1, metadata: { run: "42", by: "me" } },
    });
    expect(Number(first.json["expires_at"]) - now).toBeCloseTo(30 * day, -2);
    const merged = await send("PATCH", info, { metadata: { by: "", state: "done" }, merge: true });
    expect(merged.json).toMatchObject({ edit: 2, metadata: { run: "42", state: "done" } });
    const lasting = await send("PATCH", info, { expires_in: "never" });
    expect(lasting.json).toMatchObject({ edit: 3, metadata: { run: "42", state: "done" } });
    expect(lasting.json).not.toHaveProperty("expires_at");
    const { previous_expires_at, ...same } = lasting.json;
    expect(previous_expires_at).toBe(first.json["expires_at"]);
    expect((await send("PATCH", info, { expires_in: "never" })).json).toEqual(same);
    expect((await ask("GET", "/v1/content/b/k.txt")).headers.etag).toBe(etag("1.3"));
  });

  it("happens only if its precondition holds, also where it would change nothing", async () => {
    const { send, etag } = await saved();
    const set = (run: string, headers: Headers) => send("PATCH", info, { metadata: { run } }, headers);
    expect((await set("1", { "if-match": etag("1.0") })).headers.etag).toBe(etag("1.1"));
    for (const run of ["1", "2"]) {
      const refused = await set(run, { "if-match": etag("1.0") });
      expect(refused).toMatchObject({ status: 412, json: { code: "precondition_failed" } });
      expect(refused.headers.etag).toBe(etag("1.1"));
    }
    expect((await set("3", { "if-match": "*" })).json).toMatchObject({ edit: 2, metadata: { run: "3" } });
    const past = new Date(Date.now() - 60_000).toUTCString();
    expect(await set("4", { "if-unmodified-since": past })).toMatchObject({ status: 412 });
  });

  it("makes the tag of a PUT that raced with it stale", async () => {
    const { send, etag, ask, store } = await saved();
    await send("PATCH", info, { metadata: { run: "1" } });
    const put = { body: "two", headers: { "if-match": etag("1.0") } };
    expect(await ask("PUT", "/v1/content/b/k.txt", put)).toMatchObject({ status: 412 });
    expect(await textOf(store, "b", "k.txt")).toBe("one");
  });

  it.each([
    [{}, /Nothing is to be changed: give metadata, expires_in, or both/],
    [{ expires_in: "soon" }, /expires_in must be .* from 1h to 365d.*, or never/],
    [{ expires_in: "366d" }, /expires_in must be /],
    [{ expires_in: 60 }, /expires_in must be a string/],
    [{ metadata: { run: 42 } }, /metadata\.run must be a string/],
    [{ metadata: { run: null } }, /metadata\.run must be a string/],
    [{ meta: {} }, /unknown argument "meta": this request takes metadata, merge, expires_in/],
  ])("with %j is refused, and changes nothing", async (body, why) => {
    const { send, store } = await saved();
    const { status, json } = await send("PATCH", info, body);
    expect({ status, ...json }).toMatchObject({ status: 400, code: "invalid_argument" });
    expect(json["detail"]).toMatch(why);
    expect(await store.artifacts.get("b", "k.txt")).not.toHaveProperty("edit");
  });

  it("of a missing key is 404", async () => {
    const { send } = await saved();
    const wanted = { metadata: { run: "1" } };
    expect(await send("PATCH", "/v1/artifacts/b/none", wanted)).toMatchObject({ status: 404 });
  });
});

describe("the description of an artifact", () => {
  it("lists its last versions if asked", async () => {
    const { ask, store } = await saved();
    for (const text of ["two", "three"]) await saveText(store, "b", "k.txt", text);
    expect((await ask("GET", info)).json).not.toHaveProperty("versions");
    expect((await ask("GET", `${info}?versions=2`)).json).toMatchObject({
      version: 3,
      versions: [{ version: 3 }, { version: 2 }],
    });
    expect((await ask("GET", `${info}?version=1&versions=100`)).json).toMatchObject({
      version: 1,
      versions: [{ version: 3 }, { version: 2 }, { version: 1, sha256: sha256Of("one") }],
    });
    expect(await ask("GET", `${info}?versions=0`)).toMatchObject({ status: 400 });
  });
});

describe("POST /v1/copies", () => {
  const copy = { bucket: "b", key: "k.txt", to_key: "copy of k.txt" };

  it("copies to another key, and answers a repeated request with the same version", async () => {
    const { send, store, ask } = await saved();
    await send("PATCH", info, { metadata: { run: "42" }, expires_in: "1h" });
    const first = await send("POST", "/v1/copies", copy);
    expect(first).toMatchObject({
      status: 201,
      headers: { etag: expect.stringMatching(/^"1\.0-/), location: "/v1/artifacts/b/copy%20of%20k.txt" },
      json: { key: "copy of k.txt", version: 1, metadata: { run: "42" }, saved_by: "http" },
    });
    expect(first.json).not.toHaveProperty("expires_at");
    expect((await ask("GET", first.headers.location ?? "")).json).toEqual(first.json);
    expect(await send("POST", "/v1/copies", copy)).toMatchObject({
      status: 200,
      json: { version: 1, already_saved: true },
    });
    expect(await textOf(store, "b", "copy of k.txt")).toBe("one");
  });

  it("moves all versions, onto a key that exists only under a guard", async () => {
    const { send, store, ask } = await saved();
    await saveText(store, "b", "k.txt", "two");
    await saveText(store, "c", "taken", "other");
    await store.artifacts.update({ bucket: "c", key: "taken", metadata: { a: "b" } });
    const move = { bucket: "b", key: "k.txt", to_bucket: "c", to_key: "taken", move: true };
    for (const guard of [{}, { if_version: 1 }, { if_version: "0" }]) {
      const refused = await send("POST", "/v1/copies", { ...move, ...guard });
      expect(refused).toMatchObject({ status: 409, json: { code: "version_conflict", newest: "1.1" } });
      expect(refused.json["detail"]).toMatch(/if_version 1\.1/);
    }
    const wrong = await send("POST", "/v1/copies", { ...move, if_version: "1.1", from_if_version: 1 });
    expect(wrong).toMatchObject({ status: 409, json: { code: "version_conflict", newest: "2" } });
    const moved = await send("POST", "/v1/copies", { ...move, if_version: "1.1", from_if_version: 2 });
    expect(moved).toMatchObject({ status: 201, json: { bucket: "c", version: 3, moved_versions: 2 } });
    expect(await ask("GET", info)).toMatchObject({ status: 404 });
  });

  it("that takes long is given up when the server stops, and nothing is changed", async () => {
    const engines = createMemoryEngines();
    const begun = gate();
    const waiting: ContentStore["copy"] = async (_session, _piece, _to, _start, signal) => {
      begun.open();
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
      return undefined;
    };
    const { ask, stop } = await serveHttp({ ...engines, content: { ...engines.content, copy: waiting } });
    await ask("PUT", "/v1/content/b/k.txt", { body: Buffer.alloc(100_000) });
    const answer = ask("POST", "/v1/copies", { body: JSON.stringify({ ...copy, move: true }) });
    await begun.passed;
    await stop();
    expect(await answer).toMatchObject({ status: 503, headers: { "retry-after": "5" }, json: { code: "unavailable" } });
    const other = await serveHttp(engines);
    expect((await other.ask("GET", info)).json).toMatchObject({ version: 1 });
    expect(await other.ask("GET", "/v1/artifacts/b/copy%20of%20k.txt")).toMatchObject({ status: 404 });
  });

  it.each([
    [{ bucket: "b" }, /key is required/],
    [{ bucket: "b", key: "k.txt" }, /same key/],
    [{ ...copy, if_version: "x" }, /if_version must be the number of the newest version/],
    [{ ...copy, if_version: 1.5 }, /if_version must be/],
    [{ ...copy, from_if_version: "01" }, /from_if_version must be the number/],
    [{ ...copy, to: "x" }, /unknown argument "to": this request takes bucket, key, version, to_bucket/],
    [{ ...copy, to_bucket: "..", to_key: undefined }, /bucket/i],
  ])("with %j is refused", async (body, why) => {
    const { send } = await saved();
    const { status, json } = await send("POST", "/v1/copies", body);
    expect({ status, ...json }).toMatchObject({ status: 400, code: "invalid_argument" });
    expect(json["detail"]).toMatch(why);
  });
});

describe("DELETE of a prefix", () => {
  it("first says what matches, then deletes that and nothing newer", async () => {
    const { ask, store } = await saved();
    for (const key of ["old/1", "old/2", "old/3"]) await saveText(store, "b", key, key);
    const matched = await ask("DELETE", "/v1/artifacts/b?prefix=old/");
    expect(matched).toMatchObject({ status: 200, json: { artifacts: 3, bytes: 15, confirm: expect.any(String) } });
    await saveText(store, "b", "old/3", "newer");
    const confirm = encodeURIComponent(String(matched.json["confirm"]));
    const url = `/v1/artifacts/b?prefix=old/&confirm=${confirm}`;
    expect(await ask("DELETE", url)).toMatchObject({ status: 200, json: { deleted: 2, bytes: 10, kept: 1 } });
    expect(await ask("DELETE", url)).toMatchObject({ status: 200, json: { deleted: 0, bytes: 0, kept: 1 } });
    expect(await textOf(store, "b", "old/3")).toBe("newer");
    expect(await textOf(store, "b", "k.txt")).toBe("one");
    expect((await ask("DELETE", "/v1/artifacts/b?prefix=none")).json).toEqual({ artifacts: 0, bytes: 0 });
  });

  it("needs a prefix, and a confirm of the same one", async () => {
    const { ask, store } = await saved();
    const without = await ask("DELETE", "/v1/artifacts/b");
    expect(without).toMatchObject({ status: 400, json: { code: "invalid_argument" } });
    expect(without.json["detail"]).toMatch(
      /DELETE \/v1\/artifacts\/b\?prefix=reports\/ .* DELETE \/v1\/artifacts\/b\/\{key\}/,
    );
    const all = await ask("DELETE", "/v1/artifacts/b?prefix=");
    const confirm = encodeURIComponent(String(all.json["confirm"]));
    for (const query of [`prefix=k&confirm=${confirm}`, "prefix=&confirm=x", "prefix=&confirm="]) {
      expect(await ask("DELETE", `/v1/artifacts/b?${query}`)).toMatchObject({ status: 400 });
    }
    expect(await textOf(store, "b", "k.txt")).toBe("one");
    expect((await ask("DELETE", `/v1/artifacts/b?prefix=&confirm=${confirm}`)).json).toMatchObject({ deleted: 1 });
  });
});

describe("a PUT of content", () => {
  it("takes metadata and expiry in its query, also as a resumable upload", async () => {
    const { ask } = await saved();
    const now = Date.now() / 1000;
    for (const [at, headers] of [{}, { "upload-complete": "?1" }].entries()) {
      const body = `content ${at}`;
      const url = `/v1/content/b/new-${at}?expires_in=12h&metadata[run]=42&metadata[caf%C3%A9]=%E6%8A%A5`;
      const { json } = await ask("PUT", url, { body, headers: headers as Headers });
      expect(json).toMatchObject({ version: 1, metadata: { run: "42", café: "报" } });
      expect(Number(json["expires_at"]) - now).toBeCloseTo(day / 2, -2);
    }
    expect(await ask("PUT", "/v1/content/b/x?expires_in=never", { body: "x" })).toMatchObject({ status: 400 });
  });

  it("without metadata answers those of the version before", async () => {
    const { ask } = await saved();
    await ask("PUT", "/v1/content/b/k.txt?metadata[run]=42", { body: "two" });
    const { json } = await ask("PUT", "/v1/content/b/k.txt", { body: "three" });
    expect(json).toMatchObject({ version: 3, metadata: {}, previous_metadata: { run: "42" } });
  });
});
