import { createHash } from "node:crypto";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import {
  type CallToolResult,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { expect, onTestFinished } from "vitest";
import { openDataDirectory } from "../../src/engines/data-directory.js";
import { createMcpServer, type McpServerOptions } from "../../src/mcp/session/mcp-server.js";
import type { ErrorCode } from "../../src/store/model/errors.js";
import { defaultMaxChunkBytes } from "../../src/store/model/limits.js";
import type { UploadSession } from "../../src/store/model/upload-session.js";
import { createStore, type Store, type StoreOptions } from "../../src/store/store.js";
import { createMemoryFiles } from "./memory-files.js";
import { patience } from "./patience.js";
import { createPlainAnalyses } from "./plain-analyses.js";
import { silentLog } from "./silent-log.js";
import type { MemoryEngines } from "./stores.js";

export type Engines = Pick<StoreOptions, "metadata" | "content">;

/** Everything that is stored, for a comparison. Leaves out `ownRows`. */
export function contentsOf({ metadata, content }: MemoryEngines): object {
  const hex = (pieces: Iterable<[string, Uint8Array]>) =>
    Object.fromEntries([...pieces].map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")]));
  const rows = Object.fromEntries([...metadata.rows].filter(([key]) => !ownRows.has(key)));
  const files = hex([...content.files].map(([name, { bytes }]) => [name, bytes]));
  return { rows, inRows: hex(metadata.pieceMap), files };
}

/** Rows that say nothing about content: the change signal, the clock and the id of the store. */
export const ownRows: ReadonlySet<string> = new Set(["changed", "clock", "store"]);

/** The error of a tool: `code`, `message` and the details. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly [detail: string]: unknown;
}

export type Arguments = Record<string, unknown>;

/** The SDK's client of a server, and the notifications that it has got. */
export interface Connection {
  readonly client: Client;
  readonly store: Store;
  /** URIs of the `resources/updated` notifications that have come so far. */
  readonly updated: string[];
  /** The number of `list_changed` notifications that have come. */
  listChanges(): number;
  call(tool: string, args?: Arguments): Promise<CallToolResult>;
  /** Calls a tool that must succeed. Checks that its text has the same facts, and returns its structured content. */
  answer<Answer = Arguments>(tool: string, args?: Arguments): Promise<Answer>;
  /** Calls a tool that must fail. Checks the form of the error, and returns it. */
  refusal(tool: string, args?: Arguments): Promise<Refusal>;
}

export type ConnectOptions = Partial<StoreOptions> & Partial<Pick<McpServerOptions, "readOnly" | "allowPaths">>;

/**
 * Starts a new server on `engines`, like another process, and connects a client. Both are closed when the test ends.
 */
export async function connect(engines: Engines, options: ConnectOptions = {}): Promise<Connection> {
  const { maxChunkBytes = defaultMaxChunkBytes, readOnly = false, allowPaths = [], log = silentLog } = options;
  const store = createStore({
    files: createMemoryFiles(),
    analyses: createPlainAnalyses(),
    ...engines,
    log,
    ...options,
  });
  const shape = { maxChunkBytes, readOnly, allowPaths, isLocal: true, hasUrls: false };
  const server = createMcpServer({ store, log, version: "0.0.0-test", ...shape });
  const client = new Client({ name: "test", version: "0" });
  const updated: string[] = [];
  let listChanges = 0;
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri));
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
    listChanges += 1;
  });
  const [near, far] = InMemoryTransport.createLinkedPair();
  const send = far.send.bind(far);
  far.send = (message, options) => send(JSON.parse(JSON.stringify(message)), options); // messages cross as JSON, as on a real connection
  await Promise.all([server.connect(far), client.connect(near)]);
  onTestFinished(async () => {
    await client.close();
    await store.close();
  });
  await client.listTools(); // after this the client checks structured content against the schemas
  const call = async (name: string, args?: Arguments) =>
    (await client.callTool({ name, ...(args && { arguments: args }) }, undefined, patience)) as CallToolResult;
  return {
    client,
    store,
    updated,
    call,
    listChanges: () => listChanges,
    answer: async <Answer>(tool: string, args?: Arguments) => structured(await call(tool, args)) as Answer,
    refusal: async (tool, args) => refusalOf(await call(tool, args)),
  };
}

function structured({ isError, content, structuredContent }: CallToolResult): unknown {
  expect(isError, JSON.stringify(content)).toBeUndefined();
  expect(structuredContent).toBeDefined();
  const facts = structuredContent as Arguments;
  const [first] = content;
  const text = first?.type === "text" ? first.text : "";
  if (Array.isArray(facts["data"])) expectLines(text, facts);
  else {
    const told = JSON.parse(text);
    // An import tells in text what it has made, and in the structured content its upload too.
    const isImport = "artifact" in facts && "version" in told;
    expectFacts(told, isImport ? (facts["artifact"] as Arguments) : facts);
  }
  return structuredContent;
}

/** A listing has a line that says where the page is, then a line for each entry. */
function expectLines(text: string, { data, prefixes }: Arguments): void {
  const entries = [...((prefixes ?? []) as unknown[]), ...(data as unknown[])].length;
  const [where, ...lines] = text.split("\n");
  expect(where).toMatch(new RegExp(`^${entries} entr(y|ies) on this page\\. (This is the last page\\.|Next page: )`));
  if (entries > 0) expect(lines).toHaveLength(entries);
}

/** All that the text says is in the structured content, where times are unix seconds. */
function expectFacts(told: Arguments, facts: Arguments): void {
  for (const [name, value] of Object.entries(told)) {
    const fact = facts[name];
    if (/^(created|(previous_)?expires)_at$/.test(name) && value !== fact)
      expect(Date.parse(String(value))).toBe(Number(fact) * 1000);
    else if (name === "artifact") expectFacts(value as Arguments, fact as Arguments);
    else expect(value, name).toEqual(fact);
  }
}

function refusalOf(result: CallToolResult): Refusal {
  expect(result.isError, JSON.stringify(result)).toBe(true);
  expect(result).not.toHaveProperty("structuredContent");
  expect(result.content).toHaveLength(1);
  return refusalIn(textOf(result));
}

/** Reads the text of an error: `code: message`, then a line of JSON with the code and the details. */
export function refusalIn(text: string): Refusal {
  const [, code, message, json] = /^([a-z_]+): (.+)\n(\{[^\n]*\})$/s.exec(text) ?? [];
  if (json === undefined) throw new Error(`this is not the error of a tool: ${text}`);
  const details = JSON.parse(json);
  if (details.code !== code || "message" in details) throw new Error(`the two lines of the error differ: ${text}`);
  return { ...details, message };
}

/** The structured content of an answer, or an object with its `error`. */
// biome-ignore lint/suspicious/noExplicitAny: the answer of any tool
export function answerIn(result: CallToolResult): any {
  return result.isError === true ? { error: refusalIn(textOf(result)) } : result.structuredContent;
}

/** Short functions for the upload tools. */
export function uploadsOf({ answer, refusal, call }: Connection) {
  return {
    create: (more: object = {}) =>
      answer<UploadSession>("create_upload_session", { bucket: "b", key: "k.txt", ...more }),
    append: (session_id: string, offset: number, data: string, more: object = {}) =>
      answer<UploadSession>("upload_chunk", { session_id, offset, data, ...more }),
    refusedAppend: (session_id: string, offset: number, data: string, more: object = {}) =>
      refusal("upload_chunk", { session_id, offset, data, ...more }),
    get: (session_id: string) => answer<UploadSession>("get_upload_session", { session_id }),
    complete: (session_id: string, more: object = {}) =>
      answer<UploadSession>("complete_upload_session", { session_id, ...more }),
    abort: (session_id: string) => answer<UploadSession>("abort_upload_session", { session_id }),
    read: async (key = "k.txt") => pageTextOf(await call("read_artifact", { bucket: "b", key })),
  };
}

/** The text of a content block. */
export function textOf({ content }: CallToolResult, index = 0): string {
  const block = content[index];
  if (block?.type !== "text") throw new Error(`content[${index}] is not text: ${JSON.stringify(block)}`);
  return block.text;
}

/** The text of a page of content. It is the block after the one that says where the page is. */
export const pageTextOf = (result: CallToolResult): string => textOf(result, 1);

/** Opens real engines on a data directory, like one of several processes. They are closed when the test ends. */
export async function openEngines(directory: string): Promise<Engines> {
  const engines = await openDataDirectory(directory, { isNamed: true }, silentLog);
  onTestFinished(() => engines.close());
  return engines;
}

export const sha256Of = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
