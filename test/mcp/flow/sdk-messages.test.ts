import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { createMcpEndpoint } from "../../../src/mcp/http/streamable-http.js";
import { createMcpServer } from "../../../src/mcp/session/mcp-server.js";
import { StdioTransport } from "../../../src/mcp/stdio/stdio-transport.js";
import type { Log } from "../../../src/store/ports/log.js";
import { createStore } from "../../../src/store/store.js";
import { serveHttp } from "../../support/http-client.js";
import { createMemoryFiles } from "../../support/memory-files.js";
import { silentLog } from "../../support/silent-log.js";
import { ClientOutput } from "../../support/stdio-streams.js";
import { createMemoryEngines } from "../../support/stores.js";

interface Answer {
  readonly id?: number | string | null;
  // biome-ignore lint/suspicious/noExplicitAny: of every method
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string };
}
type Line = readonly [event: string, error: string];

/** A client on one of the two transports. */
interface Wire {
  ask(method: string, params?: unknown): Promise<Answer>;
  /** Sends notifications. Resolves when the server has read them. */
  tell(...notifications: object[]): Promise<void>;
  /** The notifications received so far. */
  told(): readonly object[];
  readonly logged: readonly Line[];
}

const info = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "0" } };

function logger() {
  const logged: Line[] = [];
  const log: Log = (level, event, facts) => {
    if (level === "warn" || level === "error") logged.push([event, String(facts?.["error"])]);
  };
  return { logged, log };
}

/** Serves a new store over stdio. The server ends with the test. */
async function serveOverStdio(log: Log) {
  const store = createStore({ ...createMemoryEngines(), files: createMemoryFiles(), log: silentLog });
  const shape = { maxChunkBytes: 1024, readOnly: false, allowPaths: [], isLocal: true, hasUrls: false };
  const server = createMcpServer({ store, log, version: "0.0.0-test", ...shape });
  const stdin = new PassThrough();
  const stdout = new ClientOutput();
  await server.connect(new StdioTransport(stdin, stdout, log));
  onTestFinished(async () => {
    await server.close();
    await store.close();
  });
  const write = (message: object) => stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  return { stdout, write };
}

async function overStdio(): Promise<Wire> {
  const { logged, log } = logger();
  const { stdout, write } = await serveOverStdio(log);
  let id = 0;
  const ask = async (method: string, params?: unknown): Promise<Answer> => {
    id += 1;
    write({ id, method, params });
    for (;;) {
      const found = stdout.lines.find((line) => line.id === id);
      if (found !== undefined) return found;
      await once(stdout, "line");
    }
  };
  return {
    ask,
    logged,
    told: () => stdout.lines.filter(({ method }) => method !== undefined),
    async tell(...notifications) {
      for (const notification of notifications) write(notification);
      await ask("ping");
    },
  };
}

async function overHttp(): Promise<Wire> {
  const { logged, log } = logger();
  const engines = createMemoryEngines();
  const store = createStore({ ...engines, files: createMemoryFiles(), log: silentLog });
  const shape = { maxChunkBytes: 1024, readOnly: false, allowPaths: [], isLocal: false, hasUrls: true };
  const endpoint = createMcpEndpoint(() => createMcpServer({ store, log, version: "0.0.0-test", ...shape }), log);
  const http = await serveHttp(engines, { mcp: endpoint });
  onTestFinished(async () => {
    await endpoint.close();
    await store.close();
  });
  const session: Record<string, string> = {};
  const told: object[] = [];
  const post = async (message: object): Promise<Answer | undefined> => {
    const accept = "text/event-stream, application/json";
    const headers = { "content-type": "application/json", accept, ...session };
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    const answer = await http.ask("POST", "/mcp", { headers, body });
    if (answer.status === 200) session["mcp-session-id"] = String(answer.headers["mcp-session-id"]);
    const text = answer.text;
    if (text === "") return undefined;
    const events = text.startsWith("{") ? [text] : [...text.matchAll(/^data: (.+)$/gm)].map(([, data = ""]) => data);
    const messages = events.map((event) => JSON.parse(event));
    told.push(...messages.filter(({ method }) => method !== undefined));
    return messages.find(({ method }) => method === undefined);
  };
  let id = 0;
  const ask = async (method: string, params?: unknown): Promise<Answer> => {
    id += 1;
    const answer = await post({ id, method, params });
    expect(answer?.id).toBe(id);
    return answer ?? {};
  };
  return {
    ask,
    logged,
    told: () => told,
    async tell(...notifications) {
      for (const notification of notifications) await post(notification);
      await ask("ping");
    },
  };
}

const wires = [
  ["stdio", overStdio],
  ["HTTP", overHttp],
] as const;

describe.each(wires)("initialize over %s", (_, open) => {
  it.each([
    ["null for everything optional", { ...info, capabilities: null, clientInfo: null }],
    ["only a version", { protocolVersion: "2025-11-25" }],
    ["a name without a version", { ...info, clientInfo: { name: "x", version: null } }],
    ["capabilities that are null", { ...info, capabilities: { roots: null, sampling: null, elicitation: null } }],
    [
      "capabilities of another version",
      { ...info, capabilities: { tasks: { list: true }, experimental: { a: true } } },
    ],
    ["a version from the future", { ...info, protocolVersion: "2099-01-01" }],
  ])("accepts %s", async (_what, params) => {
    const { ask, logged } = await open();
    expect((await ask("initialize", params)).result).toMatchObject({
      protocolVersion: "2025-11-25",
      serverInfo: { name: "artifacts-mcp" },
    });
    expect((await ask("tools/list")).result.tools.length).toBeGreaterThan(10);
    expect(logged).toEqual([]);
  });

  it.each<[unknown, string]>([
    [undefined, "protocolVersion is required"],
    [{}, "protocolVersion is required"],
    [{ ...info, protocolVersion: 2025 }, 'protocolVersion must be a string, not 2025: write it as text, "2025"'],
    [{ ...info, capabilities: 5 }, "capabilities must be an object, not 5"],
    [{ ...info, capabilities: ["roots"] }, 'capabilities must be an object, not ["roots"]'],
    [{ ...info, capabilities: { roots: true } }, "capabilities.roots must be an object, not true"],
    [{ ...info, clientInfo: "x" }, 'clientInfo must be an object, not "x"'],
    [{ ...info, clientInfo: { name: 5, version: "0" } }, "clientInfo.name must be a string, not 5"],
  ])("answers %j with -32602 and one sentence, and accepts a correct one afterwards", async (params, message) => {
    const { ask, logged } = await open();
    const { error } = await ask("initialize", params);
    expect(error?.code).toBe(-32_602);
    expect(error?.message).toMatch(/^initialize: [^\n{]*/);
    expect(error?.message).toContain(message);
    expect((await ask("initialize", info)).result).toHaveProperty("capabilities");
    expect(logged).toEqual([]);
  });
});

describe.each(wires)("wrong parameters over %s", (_, open) => {
  const ref = { type: "ref/resource", uri: "artifact://{bucket}" };
  const completion = { ref, argument: { name: "bucket", value: "" } };
  const values = [5, true, [], ["x"], { type: "ref/resource" }, { type: "x" }, { name: 5 }];
  it.each<[string, string, object]>([
    ["tools/call", "name", {}],
    ["tools/list", "cursor", {}],
    ["resources/list", "cursor", {}],
    ["resources/templates/list", "cursor", {}],
    ["resources/read", "uri", {}],
    ["resources/subscribe", "uri", {}],
    ["resources/unsubscribe", "uri", {}],
    ["completion/complete", "ref", completion],
    ["completion/complete", "argument", completion],
    ["logging/setLevel", "level", {}],
  ])(
    "of %s, argument %s, are answered with a sentence, never with the output of a validator",
    async (method, name, right) => {
      const { ask, logged } = await open();
      await ask("initialize", info);
      for (const value of values) {
        const answer = await ask(method, { ...right, [name]: value });
        const { error } = answer;
        const what = JSON.stringify({ value, answer });
        expect(error?.code, what).toBe(-32_602);
        expect(error?.message, what).toMatch(new RegExp(`: ${name}\\S* (must be|is required)`));
        expect(error?.message, what).not.toMatch(/\n|invalid|Invalid|"code"|"expected"/);
      }
      expect(logged).toEqual([]);
    },
  );

  it("of completion/complete: the answer says what each kind of reference needs", async () => {
    const { ask } = await open();
    await ask("initialize", info);
    const argument = { name: "bucket", value: "" };
    for (const [ref, message] of [
      [5, "ref must be an object, not 5"],
      [{ type: "ref/resource" }, "ref.uri is required"],
      [{ type: "ref/prompt" }, "ref.name is required"],
      [{ type: "x", uri: "u" }, 'ref.type must be one of ref/resource, not "x"'],
      [{ type: "x" }, 'ref.type must be one of ref/prompt or one of ref/resource, not "x"'],
    ]) {
      const { error } = await ask("completion/complete", { ref, argument });
      expect(error).toMatchObject({ code: -32_602, message: expect.stringContaining(String(message)) });
    }
  });

  it("of an unknown method: the answer lists the known methods", async () => {
    const { ask } = await open();
    await ask("initialize", info);
    for (const [method, params] of [
      ["prompts/list", undefined],
      ["tasks/list", { cursor: 5 }],
      ["tasks/get", { taskId: "t", task: { ttl: 1 } }],
      ["constructor", {}],
      ["x".repeat(1_000), {}],
    ] as const) {
      const { error } = await ask(method, params);
      expect(error).toMatchObject({
        code: -32_601,
        message: expect.stringMatching(/Method not found: ".*tools\/call/),
      });
      expect(error?.message.length).toBeLessThan(400);
    }
  });
});

describe.each(wires)("a request with task metadata over %s", (_, open) => {
  it.each([{}, { ttl: 60_000 }, { ttl: "long" }, true])("is processed like any other: task %j", async (task) => {
    const { ask, logged } = await open();
    expect((await ask("initialize", { ...info, task })).result).toHaveProperty("serverInfo");
    const args = { bucket: "b", key: "k", content: "x" };
    const saved = await ask("tools/call", { name: "save_artifact", arguments: args, task });
    expect(saved.result.structuredContent).toMatchObject({ key: "k", version: 1 });
    expect((await ask("tools/list", { task })).result).toHaveProperty("tools");
    expect((await ask("ping", { task })).result).toEqual({});
    expect(logged).toEqual([]);
  });

  it("sends its notifications too if it is related to a task", async () => {
    const { ask, told } = await open();
    await ask("initialize", info);
    await ask("logging/setLevel", { level: "debug" });
    const _meta = { "io.modelcontextprotocol/related-task": { taskId: "t" } };
    expect((await ask("tools/call", { name: "list_buckets", _meta })).result).not.toHaveProperty("isError");
    expect(told()).toMatchObject([{ method: "notifications/message", params: { data: { tool: "list_buckets" } } }]);
  });
});

describe.each(wires)("a notification over %s", (_, open) => {
  it.each<[string, unknown, string]>([
    ["notifications/cancelled", null, "requestId is required"],
    ["notifications/cancelled", {}, "requestId is required"],
    ["notifications/cancelled", { requestId: 0.5 }, "requestId must be a string or a whole number, not 0.5"],
    ["notifications/cancelled", { requestId: {} }, "requestId must be a string or a whole number, not {}"],
    ["notifications/cancelled", { requestId: 1, reason: [] }, "reason must be a string, not []"],
    ["notifications/progress", null, "progressToken is required"],
    ["notifications/progress", { progressToken: 1, progress: "half" }, 'progress must be a whole number, not "half"'],
  ])("with wrong parameters is logged in one line: %s with %j", async (method, params, message) => {
    const { ask, tell, logged } = await open();
    await ask("initialize", info);
    await tell({ method, params });
    expect(logged).toEqual([["protocol_error", expect.stringContaining(`${method}: `)]]);
    const [[, line]] = logged as [Line];
    expect(line).toContain(message);
    expect(line).not.toMatch(/\n|\[\s*\{|"code"/);
  });

  it("that is unknown, or has null for parameters, is ignored", async () => {
    const { ask, tell, logged } = await open();
    await ask("initialize", info);
    const methods = ["notifications/initialized", "notifications/roots/list_changed", "notifications/other", "x"];
    await tell(...methods.map((method) => ({ method, params: null })));
    expect(logged.filter(([event]) => event !== "roots_not_told")).toEqual([]);
  });
});

it.each([
  ["no list", { roots: "file:///" }, [["roots_not_told", 'roots must be a list, not "file:///"']]],
  ["null", { roots: null }, []],
  ["absent", {}, []],
])("roots that are %s are logged in a sentence, or none", async (_, result, lines) => {
  const { logged, log } = logger();
  const { stdout, write } = await serveOverStdio(log);
  const until = async (isIt: (line: Answer & { method?: string }) => boolean) => {
    while (!stdout.lines.some(isIt)) await once(stdout, "line");
    return stdout.lines.find(isIt);
  };
  write({ id: 1, method: "initialize", params: { ...info, capabilities: { roots: {} } } });
  await until(({ id }) => id === 1);
  write({ method: "notifications/initialized" });
  const asked = await until(({ method }) => method === "roots/list");
  write({ id: asked?.id, result });
  write({ id: 2, method: "tools/list" });
  await until(({ id }) => id === 2);
  expect(logged).toEqual(lines);
});
