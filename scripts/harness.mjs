// What the scripts share that put the built server under strain.
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { DatabaseSync } from "@photostructure/sqlite";

/**
 * Which Node runs the next server: those that are named take turns, so that their drivers for SQLite share a store.
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

/** Mulberry32: small, and the same numbers for the same seed. @param {number} seed */
export function generator(seed) {
  let s = seed;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The server's own error, with what it says for programs. */
export class Refusal extends Error {
  /** @param {string} what the call @param {any} error */
  constructor(what, { code, message, ...details }) {
    super(`${what}: ${code}: ${message}`);
    this.code = code;
    this.details = details;
  }
}

/** What a tool says of an error: `code: message`, then a line of JSON. @param {string} text */
function errorIn(text) {
  const [, message, json] = /^[a-z_]+: (.+)\n(\{[^\n]*\})$/s.exec(text) ?? [];
  if (json === undefined) throw new Error(`not an error of a tool: ${text}`);
  return { message, ...JSON.parse(json) };
}

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

/**
 * Starts the built server, with the SDK's client.
 *
 * @param {string} root
 * @param {{ options?: readonly string[], onLog?: (text: string) => void, node?: string }} [settings] more options of the
 * command; what takes its log, which is the terminal's otherwise; the Node that runs it
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
     * A tool's structured content, or the whole result where it has none.
     *
     * @param {string} name @param {Record<string, unknown>} args @returns {Promise<any>} @throws Refusal
     */
    async call(name, args) {
      const result = /** @type {any} */ (await client.callTool({ name, arguments: args }));
      if (result.isError) throw new Refusal(name, errorIn(result.content[0].text));
      return result.structuredContent ?? result;
    },
    /** The bytes of a resource. @param {string} uri @throws Refusal */
    async read(uri) {
      const { contents } = await client.readResource({ uri }).catch((error) => {
        throw error.data?.code ? new Refusal(uri, { message: error.message, ...error.data }) : error;
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

/** What SQLite says of the database: "ok". @param {string} file @returns {string} */
export function checkIntegrity(file) {
  const database = new DatabaseSync(file);
  const row = database.prepare("PRAGMA integrity_check").get();
  database.close();
  return String(row?.integrity_check);
}
