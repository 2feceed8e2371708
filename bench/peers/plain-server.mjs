// JSON-RPC by hand, without an SDK: JSON.parse reads whole lines. It decodes a chunk and writes it, without a sync, a digest
// or a row.
// Usage: node plain-server.mjs <folder>
import { open } from "node:fs/promises";
import { join } from "node:path";

const [folder = ""] = process.argv.slice(2);
const newline = 0x0a;
const files = new Map();
/** @type {Buffer[]} */
let parts = [];

/** @param {any} args */
async function write({ session_id, offset, data, encoding }) {
  if (!files.has(session_id)) files.set(session_id, await open(join(folder, session_id), "w"));
  const bytes = Buffer.from(data, encoding);
  await files.get(session_id).write(bytes, 0, bytes.length, offset);
  return { content: [{ type: "text", text: JSON.stringify({ offset: offset + bytes.length }) }] };
}

/** @param {any} message @returns {Promise<object>} */
async function answer({ method, params }) {
  if (method === "tools/call") return write(params.arguments);
  return {
    protocolVersion: params?.protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "plain", version: "0" },
  };
}

/** @param {Buffer} line */
async function take(line) {
  const message = JSON.parse(line.toString());
  if (message.id === undefined) return;
  const result = await answer(message);
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id: message.id, result })}\n`);
}

/** Lines are handled one after the other, because they are chunks of one file. */
let turn = Promise.resolve();
process.stdin.on("data", (bytes) => {
  let start = 0;
  for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
    parts.push(bytes.subarray(start, end));
    const line = parts.length === 1 ? /** @type {Buffer} */ (parts[0]) : Buffer.concat(parts);
    parts = [];
    start = end + 1;
    turn = turn.then(() => take(line));
  }
  if (start < bytes.length) parts.push(bytes.subarray(start));
});
process.stdin.on("end", () => process.exit());
