import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, it, onTestFinished, vi } from "vitest";
import { createMcpServer } from "../../../src/mcp/session/mcp-server.js";
import { createToolListSignal } from "../../../src/mcp/session/tool-list-signal.js";
import { defaultMaxChunkBytes } from "../../../src/store/model/limits.js";
import { patience } from "../../support/patience.js";
import { silentLog } from "../../support/silent-log.js";
import { createMemoryEngines, storeOn } from "../../support/stores.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

it("a client without a list is told of no change, and a client with a list of each change", async () => {
  const send = vi.fn(async () => undefined);
  const signal = createToolListSignal(send, silentLog);
  signal.listChanged();
  signal.listReady();
  await turn();
  expect(send).not.toHaveBeenCalled();
  signal.listChanged();
  expect(send).toHaveBeenCalledTimes(1);
  signal.listReady();
  signal.listChanged();
  expect(send).toHaveBeenCalledTimes(2);
});

it("a change while the first list is being sent is told after it", async () => {
  const send = vi.fn(async () => undefined);
  const signal = createToolListSignal(send, silentLog);
  signal.listReady();
  signal.listChanged();
  expect(send).not.toHaveBeenCalled();
  await turn();
  expect(send).toHaveBeenCalledTimes(1);
});

/** Connects a host with open folders. `sent` lists the sent messages: methods, and the member names of results. */
async function connectHost(roots: { uri: string }[]) {
  const shape = { maxChunkBytes: defaultMaxChunkBytes, readOnly: false, isLocal: true, hasUrls: false };
  const store = storeOn(createMemoryEngines());
  const server = createMcpServer({ store, log: silentLog, version: "0", allowPaths: [], ...shape });
  const client = new Client({ name: "test", version: "0" }, { capabilities: { roots: { listChanged: true } } });
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [...roots] }));
  const [near, far] = InMemoryTransport.createLinkedPair();
  const sent: string[] = [];
  const send = far.send.bind(far);
  far.send = (message, options) => {
    if ("method" in message) sent.push(message.method);
    else if ("result" in message) sent.push(Object.keys(message.result).join(" "));
    return send(message, options);
  };
  await Promise.all([server.connect(far), client.connect(near)]);
  onTestFinished(() => client.close());
  return { client, sent };
}

it("a host that has told its roots gets its list of tools before any notice of a change", async () => {
  const roots = [{ uri: "file:///one" }];
  const { client, sent } = await connectHost(roots);
  await vi.waitFor(() => expect(sent).toContain("roots/list"), patience);
  await client.ping(); // the roots are answered before the ping
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain("import_file");
  expect(sent).not.toContain("notifications/tools/list_changed");
  await client.ping();
  roots.pop();
  await client.sendRootsListChanged();
  await vi.waitFor(() => expect(sent).toContain("notifications/tools/list_changed"), patience);
  expect(sent.indexOf("tools")).toBeLessThan(sent.indexOf("notifications/tools/list_changed"));
});
