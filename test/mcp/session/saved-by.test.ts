import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { createMcpEndpoint } from "../../../src/mcp/http/streamable-http.js";
import { clientName } from "../../../src/mcp/session/client-name.js";
import { createMcpServer } from "../../../src/mcp/session/mcp-server.js";
import type { Artifact } from "../../../src/store/model/artifact.js";
import { bearer, type HttpClient, serveHttp } from "../../support/http-client.js";
import { connect } from "../../support/mcp-client.js";
import { createMemoryFiles } from "../../support/memory-files.js";
import { silentLog } from "../../support/silent-log.js";
import { createMemoryEngines, storeOn } from "../../support/stores.js";

describe("clientName()", () => {
  it.each([
    [undefined, undefined],
    [{ name: "host", version: "1.2" }, "host 1.2"],
    [{ name: "", version: "" }, undefined],
    [{ name: "host", version: "" }, "host"],
    [{ name: "h\0o\ud800s\udc00t", version: "\0" }, "host"],
    [{ name: "é 报告 😀", version: "1" }, "é 报告 😀 1"],
    [{ name: "x".repeat(300), version: "1" }, "x".repeat(200)],
    [{ name: `${"x".repeat(199)}😀`, version: "1" }, "x".repeat(199)],
  ])("of %j is %j", (client, name) => expect(clientName(client)).toBe(name));
});

describe("saved_by", () => {
  it("is the client's name and version after a save, an upload and an import, and later clients do not change it", async () => {
    const files = createMemoryFiles();
    files.files.set("/data/f", { bytes: Buffer.from("content"), change: 0 });
    const engines = createMemoryEngines();
    const { answer, store } = await connect(engines, { files, allowPaths: ["/data"] });
    const by = { saved_by: "test 0" };
    expect(await answer("save_artifact", { bucket: "b", key: "saved", content: "x" })).toMatchObject(by);
    const { id } = await answer<{ id: string }>("create_upload_session", { bucket: "b", key: "uploaded", size: 1 });
    const uploaded = await answer("upload_chunk", { session_id: id, offset: 0, data: "x" });
    expect(uploaded).toMatchObject({ status: "complete", artifact: by });
    const imported = await answer("import_file", { path: "/data/f", bucket: "b", key: "imported" });
    expect(imported).toMatchObject({ status: "complete", artifact: by });
    const { data } = await answer<{ data: Artifact[] }>("list_artifacts", { bucket: "b" });
    expect(data.map(({ saved_by }) => saved_by)).toEqual(["test 0", "test 0", "test 0"]);

    const save = {
      bucket: "b",
      key: "saved",
      bytes: Buffer.from("x"),
      defaultMimeType: "text/plain",
      saved_by: "other",
    };
    expect(await store.artifacts.save(save)).toMatchObject({ ...by, already_saved: true });
    expect(await store.artifacts.save({ ...save, bytes: Buffer.from("y") })).toMatchObject({ saved_by: "other" });
    expect(await answer("get_artifact", { bucket: "b", key: "saved", version: 1 })).toMatchObject(by);
  });

  it("is cut, and loses the characters that a row cannot hold", async () => {
    const store = storeOn(createMemoryEngines());
    const shape = { maxChunkBytes: 1024, readOnly: false, allowPaths: [], isLocal: true, hasUrls: false };
    const server = createMcpServer({ store, log: silentLog, version: "0", ...shape });
    const client = new Client({ name: `a\0b${"x".repeat(300)}`, version: "\ud800" });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await Promise.all([server.connect(far), client.connect(near)]);
    onTestFinished(() => client.close());
    const result = await client.callTool({ name: "save_artifact", arguments: { bucket: "b", key: "k", content: "x" } });
    expect(result.structuredContent).toMatchObject({ saved_by: `ab${"x".repeat(198)}` });
  });

  it("is the name of each client for MCP over HTTP, and http for a plain request", async () => {
    const engines = createMemoryEngines();
    const store = storeOn(engines);
    const shape = { maxChunkBytes: 1024, readOnly: false, allowPaths: [], isLocal: false, hasUrls: true };
    const newServer = () => createMcpServer({ store, log: silentLog, version: "0", ...shape });
    const endpoint = createMcpEndpoint(newServer, silentLog);
    const http = await serveHttp(engines, { mcp: endpoint });
    onTestFinished(() => endpoint.close());
    const saveAs = async (name: string, content: string) => {
      const client = new Client({ name, version: "2" });
      const transport = new StreamableHTTPClientTransport(new URL("/mcp", http.origin), {
        requestInit: { headers: bearer },
      });
      await client.connect(transport as Transport);
      onTestFinished(() => client.close());
      const args = { bucket: "b", key: "k", content };
      return (await client.callTool({ name: "save_artifact", arguments: args })).structuredContent;
    };
    expect(await saveAs("one", "1")).toMatchObject({ version: 1, saved_by: "one 2" });
    expect(await saveAs("two", "2")).toMatchObject({ version: 2, saved_by: "two 2" });
    expect((await http.ask("PUT", "/v1/content/b/k", { body: "3" })).json).toMatchObject({ saved_by: "http" });
    await expectHttp(http);
  });
});

/** Checks `saved_by` after each kind of write over HTTP. */
async function expectHttp({ ask, askAsStranger }: HttpClient): Promise<void> {
  const by = { saved_by: "http" };
  const large = await ask("PUT", "/v1/content/b/large", { body: Buffer.alloc(300 * 1024) });
  expect(large.json).toMatchObject(by);
  const resumed = await ask("PUT", "/v1/content/b/resumed", { body: "x", headers: { "upload-complete": "?1" } });
  expect(resumed.json).toMatchObject(by);
  const wanted = { bucket: "b", key: "uploaded", size: 1 };
  const { url } = (await ask("POST", "/v1/artifacts", { body: JSON.stringify(wanted) })).json;
  expect((await askAsStranger("PUT", String(url), { body: "x" })).json).toMatchObject(by);
  const tus = { "tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream", "upload-length": "1" };
  const metadata = { "upload-metadata": "bucket Yg==,key dHVz" };
  expect((await ask("POST", "/v1/tus", { body: "x", headers: { ...tus, ...metadata } })).status).toBe(201);
  for (const key of ["large", "resumed", "uploaded", "tus"]) {
    expect((await ask("GET", `/v1/artifacts/b/${key}`)).json).toMatchObject(by);
  }
}
