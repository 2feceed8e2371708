// The server processes of the demo. Each is a child process, with a client of the MCP SDK.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const answerMs = 30_000;
const longestLog = 64 * 1024;

/** @typedef {Awaited<ReturnType<ReturnType<typeof createServers>["start"]>>} Server */

/** @param {string} main @param {string} root */
export function createServers(main, root) {
  /** Each function ends one process. @type {Set<() => Promise<void>>} */
  const kills = new Set();
  let log = "";
  let hasEnded = false;

  async function start() {
    if (hasEnded) throw new Error("the demo is over");
    const args = [main, "--root", root, "--log-level", "warn"];
    const transport = new StdioClientTransport({ command: process.execPath, args, stderr: "pipe" });
    transport.stderr?.on("data", (text) => {
      log = (log + text).slice(-longestLog);
    });
    /** @type {Promise<void>} */
    let sending = Promise.resolve();
    const send = transport.send.bind(transport);
    transport.send = (message) => {
      sending = send(message);
      return sending;
    };
    const client = new Client({ name: "artifacts-mcp-demo", version: "1" });
    let isGone = false;
    /** @type {Promise<void>} */
    const gone = new Promise((resolve) => {
      client.onclose = () => {
        isGone = true;
        resolve();
      };
    });
    const connected = client.connect(transport);
    const pid = transport.pid ?? 0;
    const kill = async () => {
      if (pid === 0) return;
      if (!isGone) sendKill(pid);
      await gone;
    };
    kills.add(kill);
    await connected.catch((error) => {
      throw new Error(`the server did not start: ${error.message}`, { cause: error });
    });
    return {
      pid,
      client,
      call: caller(client),
      /** Resolves when this process has sent the last request: the server has read all of it but what the pipe holds. */
      sent: () => Promise.race([sending, gone]),
      kill,
      close: () => close(client, gone),
    };
  }

  return {
    start,
    /** Returns what all servers wrote to stderr. */
    log: () => log,
    /** Ends all servers. */
    async end() {
      hasEnded = true;
      await Promise.all([...kills].map((kill) => kill()));
    },
  };
}

/** @param {number} pid */
function sendKill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The process has ended by itself.
  }
}

/** @param {Client} client @param {Promise<void>} gone */
async function close(client, gone) {
  await client.close();
  await gone;
}

/** @param {Client} client */
function caller(client) {
  /**
   * Returns a function that calls a tool. It returns the structured content, or the whole result if there is none.
   *
   * @param {string} name @param {Record<string, unknown>} args @returns {Promise<any>}
   */
  return async (name, args) => {
    const result = await client.callTool({ name, arguments: args }, undefined, { timeout: answerMs });
    const [block] = /** @type {{ text: string }[]} */ (result.content);
    if (result.isError) throw new Error(`${name} answered ${block?.text}`);
    return result.structuredContent ?? result;
  };
}
