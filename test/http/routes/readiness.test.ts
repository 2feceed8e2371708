import { describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import { serveHttp } from "../../support/http-client.js";
import { createMemoryEngines, saveText } from "../../support/stores.js";

const replaced = { status: 503, json: { code: "store_replaced" } };
const ready = { status: 200, json: { status: "ok" } };

/** A server on a store whose database can be moved away. While it is away, the engine refuses every change. */
async function serveMovable(isInPlace: boolean) {
  const engines = createMemoryEngines();
  let isThere = isInPlace;
  const change: MetadataStore["change"] = async (rows, pieces) => {
    if (!isThere) throw new ArtifactError("store_replaced", "It was moved.", { next: "restart_server" });
    return engines.metadata.change(rows, pieces);
  };
  const metadata = { ...engines.metadata, change, isInPlace: async () => isThere };
  const client = await serveHttp({ ...engines, metadata });
  const place = (there: boolean): void => {
    isThere = there;
  };
  return { ...client, engines, place };
}

const wanted = { body: JSON.stringify({ bucket: "b", key: "new" }) };

describe("/readyz", () => {
  it("is 503 with a next step while the store is not in its place, and 200 again afterwards", async () => {
    const { askAsStranger, place } = await serveMovable(true);
    expect(await askAsStranger("GET", "/readyz")).toMatchObject(ready);
    place(false);
    const answer = await askAsStranger("GET", "/readyz");
    expect(answer).toMatchObject({ ...replaced, headers: { "content-type": "application/problem+json" } });
    expect(answer.json["detail"]).toMatch(/put the store back in its place, or to start the server again/);
    expect(await askAsStranger("HEAD", "/readyz")).toMatchObject({ status: 503 });
    expect((await askAsStranger("GET", "/healthz")).status).toBe(200);
    place(true);
    expect(await askAsStranger("GET", "/readyz")).toMatchObject(ready);
  });

  it("is 503 if content and rows belong to two stores", async () => {
    const [one, other] = [createMemoryEngines(), createMemoryEngines()];
    for (const engines of [one, other]) await saveText((await serveHttp(engines)).store, "b", "k", "x");
    const { askAsStranger } = await serveHttp({ metadata: one.metadata, content: other.content });
    expect(await askAsStranger("GET", "/readyz")).toMatchObject(replaced);
  });

  const failing = (code: "internal" | "corrupt" | "read_only" | "storage_full", message: string) => async () => {
    throw new ArtifactError(code, message, { next: "call_again" });
  };
  const fullForWriters = async (isWriting: boolean): Promise<void> => {
    if (isWriting) await failing("storage_full", "The disk is full.")();
  };
  const { metadata, content } = createMemoryEngines();
  it.each([
    ["rows cannot be read", { metadata: { ...metadata, range: failing("corrupt", "Damaged.") } }, "corrupt", true],
    ["content cannot be read", { content: { ...content, check: failing("corrupt", "Gone.") } }, "corrupt", true],
    ["rows cannot be written", { metadata: { ...metadata, change: failing("read_only", "No.") } }, "read_only", false],
    ["the store is locked", { metadata: { ...metadata, change: failing("internal", "Busy.") } }, "internal", false],
    ["the disk is full", { content: { ...content, check: fullForWriters } }, "storage_full", false],
  ])("is 503 with a next step if %s", async (_, engines, code, isForReaders) => {
    await (await serveHttp({ metadata, content })).ask("PUT", "/v1/content/b/k", { body: "x" });
    const found = { metadata, content, ...engines };
    const answer = await (await serveHttp(found)).askAsStranger("GET", "/readyz");
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "5" }, json: { status: 503, code } });
    expect(answer.json["detail"]).toMatch(/\. Send the same request again; tell the person who runs this server/);
    const reader = await serveHttp(found, { readOnly: true });
    expect((await reader.askAsStranger("GET", "/readyz")).status).toBe(isForReaders ? 503 : 200);
  });
});

describe.each([false, true])(
  "a write to a store that is not in its place (it was in its place at the start: %s)",
  (was) => {
    it.each([
      ["PUT", "/v1/content/b/k", { body: "hello" }],
      ["PUT", "/v1/content/b/k", { body: Buffer.alloc(300 * 1024) }],
      ["POST", "/v1/artifacts", wanted],
      ["POST", "/v1/tus", { headers: { "tus-resumable": "1.0.0", "upload-length": "5" } }],
    ])("%s %s is 503 and changes nothing, and succeeds after the store is back", async (method, path, asked) => {
      const { ask, engines, place } = await serveMovable(was);
      if (was) await ask("GET", "/readyz");
      place(false);
      const rows = new Map(engines.metadata.rows);
      const answer = await ask(method, path, asked);
      expect(answer).toMatchObject(replaced);
      expect(answer.json["detail"]).toMatch(/--root\.$/);
      expect(engines.metadata.rows).toEqual(rows);
      expect(engines.content.files.size + engines.metadata.pieceMap.size).toBe(0);
      place(true);
      expect((await ask(method, path, asked)).status).toBe(201);
    });
  },
);
