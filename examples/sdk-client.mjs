// A program that uses the store through the MCP SDK's client: uploads a text in chunks, loses its server on the way,
// and goes on with a new one.
//
// Usage, in a checkout after `npm ci`: node examples/sdk-client.mjs [options of the server, like --root /tmp/store]
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

async function startServer() {
  const args = [main, "--log-level", "warn", ...process.argv.slice(2)];
  const transport = new StdioClientTransport({ command: process.execPath, args });
  const client = new Client({ name: "sdk-client-example", version: "1.0.0" });
  await client.connect(transport);
  return { client, transport };
}

/**
 * Calls a tool and returns its structured content.
 *
 * @param {Client} client @param {string} name @param {Record<string, unknown>} args
 */
async function call(client, name, args) {
  const result = /** @type {any} */ (await client.callTool({ name, arguments: args }));
  // The first line of an error is `code: message`. The message says what to do next.
  if (result.isError) throw new Error(result.content[0].text);
  return result.structuredContent;
}

const chunks = ["day,flights\n", "2026-01-01,411\n", "2026-01-02,398\n"];

const first = await startServer();
const session = await call(first.client, "create_upload_session", { bucket: "examples", key: "flights.csv" });
const { offset } = await call(first.client, "upload_chunk", { session_id: session.id, offset: 0, data: chunks[0] });
console.log(`The first server has ${offset} bytes of upload ${session.id}. It is killed now.`);
process.kill(first.transport.pid ?? 0, "SIGKILL");
await first.client.close();

const second = await startServer();
let state = await call(second.client, "get_upload_session", { session_id: session.id });
console.log(`The second server says that the upload goes on at byte ${state.offset}.`);
for (const data of chunks.slice(1)) {
  state = await call(second.client, "upload_chunk", { session_id: session.id, offset: state.offset, data });
}
const { artifact } = await call(second.client, "complete_upload_session", { session_id: session.id });
console.log(`Saved ${artifact.uri}, version ${artifact.version}, ${artifact.bytes} bytes, sha256 ${artifact.sha256}.`);

const { contents } = await second.client.readResource({ uri: artifact.uri });
assert.equal(contents[0] && "text" in contents[0] ? contents[0].text : undefined, chunks.join(""));
await call(second.client, "delete_artifact", { bucket: "examples", key: "flights.csv" });
await second.client.close();
