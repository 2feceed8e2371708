// Shared by the scripts that put the built server under load: soak.mjs and race.mjs.
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { DatabaseSync } from "@photostructure/sqlite";

/**
 * Returns a function that says which Node runs the next server. The named ones take turns, so that servers with
 * different drivers for SQLite share a store.
 *
 * @param {readonly string[] | undefined} paths
 */
export function nodesInTurn(paths = []) {
  const nodes = paths.length === 0 ? [process.execPath] : paths;
  let turn = 0;
  return () => {
    turn += 1;
    return nodes[turn % nodes.length] ?? process.execPath;
  };
}

/** The built command. */
export const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** Random numbers from 0 to 1, the same for the same seed (the algorithm is Mulberry32). @param {number} seed */
export function seededRandom(seed) {
  let s = seed;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An error that a tool or a resource has answered, with its code and its details. */
export class ToolError extends Error {
  /** @param {string} what the call @param {any} error */
  constructor(what, { code, message, ...details }) {
    super(`${what}: ${code}: ${message}`);
    this.code = code;
    this.details = details;
  }
}

/** Parses the text of a tool's error: `code: message`, then a line of JSON. @param {string} text */
function errorIn(text) {
  const [, message, json] = /^[a-z_]+: (.+)\n(\{[^\n]*\})$/s.exec(text) ?? [];
  if (json === undefined) throw new Error(`not an error of a tool: ${text}`);
  return { message, ...JSON.parse(json) };
}

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

/**
 * Starts the built server, and connects the SDK's client to it.
 *
 * @param {string} root
 * @param {{ options?: readonly string[], onLog?: (text: string) => void, node?: string }} [settings] `options` are more
 * options of the command; `onLog` takes its log, which goes to the terminal otherwise; `node` is the Node that runs it
 */
export async function startServer(root, { options = ["--log-level", "error"], onLog, node = process.execPath } = {}) {
  const args = [main, "--root", root, ...options];
  const stderr = onLog ? "pipe" : "inherit";
  const transport = new StdioClientTransport({ command: node, args, stderr });
  if (onLog) transport.stderr?.on("data", (bytes) => onLog(String(bytes)));
  const client = new Client({ name: "harness", version: "0" });
  let isKilled = false;
  /** @type {Promise<void>} */
  const gone = new Promise((resolve) => {
    client.onclose = resolve;
  });
  await client.connect(transport);
  const pid = transport.pid ?? 0;
  return {
    isKilled: () => isKilled,
    /**
     * Calls a tool. Returns its structured content, or the whole result if it has none.
     *
     * @param {string} name @param {Record<string, unknown>} args @returns {Promise<any>} @throws ToolError
     */
    async call(name, args) {
      const result = /** @type {any} */ (await client.callTool({ name, arguments: args }));
      if (result.isError) throw new ToolError(name, errorIn(result.content[0].text));
      return result.structuredContent ?? result;
    },
    /** Reads the bytes of a resource. @param {string} uri @throws ToolError */
    async read(uri) {
      const { contents } = await client.readResource({ uri }).catch((error) => {
        throw error.data?.code ? new ToolError(uri, { message: error.message, ...error.data }) : error;
      });
      const [part] = /** @type {any} */ (contents);
      return part.text === undefined ? Buffer.from(part.blob, "base64") : Buffer.from(part.text);
    },
    async kill() {
      isKilled = true;
      process.kill(pid, "SIGKILL");
      await gone;
    },
    close: () => client.close(),
  };
}

/** Checks a database. Returns "ok", or what is wrong. @param {string} file @returns {string} */
export function checkIntegrity(file) {
  const database = new DatabaseSync(file);
  const row = database.prepare("PRAGMA integrity_check").get();
  database.close();
  return String(row?.integrity_check);
}
