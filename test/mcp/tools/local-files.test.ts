import { resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import {
  type CallToolResult,
  ListRootsRequestSchema,
  type Progress,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createLocalFiles } from "../../../src/engines/local-files/local-files.js";
import { createMcpServer } from "../../../src/mcp/session/mcp-server.js";
import { defaultMaxChunkBytes } from "../../../src/store/model/limits.js";
import type { Log } from "../../../src/store/ports/log.js";
import { answerIn, connect, textOf } from "../../support/mcp-client.js";
import { createMemoryFiles } from "../../support/memory-files.js";
import { patience } from "../../support/patience.js";
import { silentLog } from "../../support/silent-log.js";
import { createMemoryEngines, storeOn } from "../../support/stores.js";

const fileTools = ["import_file", "export_file"];

function filesWith(path: string, text: string) {
  const files = createMemoryFiles();
  files.files.set(path, { bytes: Buffer.from(text), change: 0 });
  return files;
}

interface RootOptions {
  readonly allowPaths?: string[];
  readonly log?: Log;
}

/** A client with roots, like a host with open folders. */
async function connectWithRoots(roots: unknown[], { allowPaths = [], log = silentLog }: RootOptions = {}) {
  const files = filesWith("/data/f.txt", "content");
  const store = storeOn(createMemoryEngines(), { files });
  const options = {
    version: "0",
    maxChunkBytes: defaultMaxChunkBytes,
    readOnly: false,
    isLocal: true,
    hasUrls: false,
    allowPaths,
    log,
  };
  const server = createMcpServer({ store, ...options });
  const client = new Client({ name: "test", version: "0" }, { capabilities: { roots: { listChanged: true } } });
  let toolChanges = 0;
  let refusesRoots = false;
  client.setRequestHandler(ListRootsRequestSchema, () => {
    if (refusesRoots) throw new Error("no roots now");
    return { roots: roots.map((root) => (typeof root === "string" ? { uri: root } : root)) };
  });
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    toolChanges += 1;
  });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(far), client.connect(near)]);
  onTestFinished(() => client.close());
  const offered = async (): Promise<string[]> => {
    const { tools } = await client.listTools();
    return tools.map(({ name }) => name).filter((name) => fileTools.includes(name));
  };
  const importFile = async (path: string) => {
    const args = { path, bucket: "b", key: "k" };
    return answerIn((await client.callTool({ name: "import_file", arguments: args })) as CallToolResult);
  };
  return { client, offered, importFile, toolChanges: () => toolChanges, refuseRoots: () => (refusesRoots = true) };
}

describe("import_file and export_file", () => {
  it("are not offered if no directory is allowed, and say how to allow one", async () => {
    const files = createLocalFiles({ forbidden: resolve("/store") });
    const { client, refusal } = await connect(createMemoryEngines(), { files });
    const { tools } = await client.listTools();
    expect(tools.filter(({ name }) => fileTools.includes(name))).toEqual([]);
    await client.callTool({ name: "save_artifact", arguments: { bucket: "b", key: "k", content: "x" } });
    for (const tool of fileTools) {
      const refused = await refusal(tool, { path: resolve("/data/f"), bucket: "b", key: "k" });
      expect(refused.code).toBe("path_not_allowed");
      expect(refused.message).toMatch(/No directory is allowed\. Ask the person .* --allow-path DIRECTORY, .* root/);
      expect(refused.message).not.toMatch(/allowed director(y,|ies)/);
    }
  });

  it("import from and export to the directories of --allow-path", async () => {
    const files = filesWith("/data/f.txt", "content");
    const { answer, client } = await connect(createMemoryEngines(), { files, allowPaths: ["/data"] });
    const { tools } = await client.listTools();
    expect(tools.filter(({ name }) => fileTools.includes(name))).toHaveLength(2);
    const session = await answer("import_file", { path: "/data/f.txt", bucket: "b", key: "k.txt" });
    expect(session).toMatchObject({ status: "complete", artifact: { version: 1, bytes: 7, mime_type: "text/plain" } });
    const about = { bucket: "b", key: "k.txt", path: "/data/out" };
    expect(await answer("export_file", about)).toMatchObject({ path: "/data/out", bytes: 7 });
    expect(files.files.get("/data/out")?.bytes.toString()).toBe("content");
  });

  it("answer in text what a save answers, and nothing of the finished upload", async () => {
    const files = filesWith("/data/plot", "\x89PNG");
    files.files.set("/data/plot", { bytes: Buffer.from("89504e470d0a1a0a", "hex"), change: 0 });
    const { call } = await connect(createMemoryEngines(), {
      files,
      allowPaths: ["/data"],
      now: () => 1_800_000_000_000,
    });
    const args = { path: "/data/plot", bucket: "b", key: "plot", metadata: { run: "7" }, expires_in: "1h" };
    const { content } = await call("import_file", args);
    expect(content).toHaveLength(1);
    expect(JSON.parse(textOf({ content }))).toEqual({
      version: 1,
      mime_type: "image/png",
      bytes: 8,
      expires_at: "2027-01-15T09:00:00Z",
    });
  });

  it("say how to publish an import whose guard was not met, without sending it again", async () => {
    const files = filesWith("/data/f.txt", "mine");
    const { call, answer, refusal } = await connect(createMemoryEngines(), { files, allowPaths: ["/data"] });
    await answer("save_artifact", { bucket: "b", key: "k", content: "theirs" });
    const args = { path: "/data/f.txt", bucket: "b", key: "k", if_version: "0" };
    const refused = await refusal("import_file", args);
    const [, next = ""] = /complete_upload_session (\{.*?\}) publishes this upload without/.exec(refused.message) ?? [];
    expect(JSON.parse(next)).toMatchObject({ if_version: "1" });
    await call("complete_upload_session", JSON.parse(next));
    expect(await answer("get_artifact", { bucket: "b", key: "k" })).toMatchObject({ version: 2, bytes: 4 });
    expect(await answer("list_upload_sessions", {})).toMatchObject({ data: [] });
  });

  it("are not offered with --read-only, and are refused there", async () => {
    const { client, refusal } = await connect(createMemoryEngines(), { allowPaths: ["/data"], readOnly: true });
    const { tools } = await client.listTools();
    expect(tools.filter(({ name }) => fileTools.includes(name))).toEqual([]);
    const refused = await refusal("export_file", { bucket: "b", key: "k", path: "/data/out" });
    expect(refused.code).toBe("read_only");
  });

  it("report their progress to a client that asks for it", async () => {
    const files = filesWith("/data/f", "x".repeat(100));
    const { client } = await connect(createMemoryEngines(), { files, allowPaths: ["/data"], maxChunkBytes: 10 });
    const seen: Progress[] = [];
    const call = { name: "import_file", arguments: { path: "/data/f", bucket: "b", key: "k" } };
    const result = await client.callTool(call, undefined, { onprogress: (progress) => void seen.push(progress) });
    const { id } = result.structuredContent as { id: string };
    expect(seen.at(-1)).toMatchObject({ progress: 100, total: 100, message: expect.stringContaining(id) });
  });

  it("stop when the call is cancelled, and a second import goes on", async () => {
    const files = filesWith("/data/f", "x".repeat(100));
    const { client, answer } = await connect(createMemoryEngines(), { files, allowPaths: ["/data"], maxChunkBytes: 1 });
    const stopping = new AbortController();
    const call = { name: "import_file", arguments: { path: "/data/f", bucket: "b", key: "k" } };
    const options = { signal: stopping.signal, onprogress: () => stopping.abort() };
    await expect(client.callTool(call, undefined, options)).rejects.toThrow();
    const { data } = await answer<{ data: { id: string; offset: number }[] }>("list_upload_sessions", {});
    const [session] = data;
    expect(session).toMatchObject({ status: "open", size: 100 });
    await vi.waitFor(async () => {
      const { offset } = await answer<{ offset: number }>("get_upload_session", { session_id: session?.id });
      const again = await answer<{ offset: number }>("get_upload_session", { session_id: session?.id });
      expect(again.offset).toBe(offset); // the import has stopped
    });
    const done = await answer("import_file", { path: "/data/f", session_id: session?.id });
    expect(done).toMatchObject({ status: "complete", artifact: { bytes: 100 } });
  });
});

describe("a client's roots", () => {
  it("are added to the allowed directories", async () => {
    const { offered, importFile } = await connectWithRoots(["file:///data", "file://another-host/share"], {
      allowPaths: ["/data"],
    });
    expect(await offered()).toEqual(fileTools);
    expect(await importFile("/data/f.txt")).toMatchObject({ status: "complete" });
    expect(await importFile("/elsewhere/f.txt")).toMatchObject({ error: { code: "path_not_allowed" } });
  });

  it.each([
    ["on another machine", "vscode-remote://wsl%2Bubuntu/home/x"],
    ["with another scheme", "untitled:Untitled-1"],
    ["with an invalid host", "file://%zz"],
    ["with an invalid encoding", "file:///%zz"],
    ["with a slash in a name", "file:///a%2Fb"],
    ["with a NUL", "file:///data%00"],
    ["that is a plain path", "/elsewhere"],
    ["that is empty", ""],
    ["without a URI", { name: "x" }],
    ["whose URI is not text", { uri: 7 }],
    ["that is null", null],
  ])("are checked one by one: one %s is logged, and the others are used", async (_, foreign) => {
    const logged: [string, object | undefined][] = [];
    const log: Log = (_level, event, facts) => void logged.push([event, facts]);
    const nameless = { uri: "file:///data", name: null }; // some hosts write a folder without a name so
    const { offered, importFile } = await connectWithRoots([foreign, nameless, foreign], { log });
    expect(await offered()).toEqual(fileTools);
    expect(await importFile("/data/f.txt")).toMatchObject({ status: "complete" });
    expect(await importFile("/elsewhere/f.txt")).toMatchObject({ error: { code: "path_not_allowed" } });
    const about = logged.filter(([event]) => event.startsWith("roots_"));
    const told = typeof foreign === "string" ? foreign : JSON.stringify(foreign);
    expect(about).toEqual([["roots_not_used", { reason: expect.any(String), count: 2, roots: [told, told] }]]);
  });

  it("are read again when they change, and the client is told that the tools have changed", async () => {
    const roots: string[] = [];
    const { client, offered, importFile, toolChanges } = await connectWithRoots(roots);
    expect(await offered()).toEqual([]);
    roots.push("file:///data");
    await client.sendRootsListChanged();
    await vi.waitFor(() => expect(toolChanges()).toBe(1), patience);
    expect(await offered()).toEqual(fileTools);
    expect(await importFile("/data/f.txt")).toMatchObject({ status: "complete" });
    roots.pop();
    await client.sendRootsListChanged();
    await vi.waitFor(() => expect(toolChanges()).toBe(2), patience);
    expect(await importFile("/data/f.txt")).toMatchObject({ error: { code: "path_not_allowed" } });
  });

  it("allow nothing any more if the client does not answer with them", async () => {
    const { client, offered, refuseRoots, toolChanges } = await connectWithRoots(["file:///data"]);
    expect(await offered()).toEqual(fileTools);
    refuseRoots();
    await client.sendRootsListChanged();
    await vi.waitFor(() => expect(toolChanges()).toBe(1), patience);
    expect(await offered()).toEqual([]);
  });
});
