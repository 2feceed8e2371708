// The whole job of a host, with the SDK's client: start a process, send text in tool calls, save it.
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { filesystemServer, installPeers } from "../lib/peers.mjs";
import { main } from "../lib/programs.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { KiB, MiB } from "../lib/sizes.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 5;
const chunkLength = 1_000_000;
const sizes = [
  { name: "10 KB", bytes: 10 * KiB },
  { name: "1 MB", bytes: MiB },
  { name: "8 MB", bytes: 8 * MiB },
  { name: "32 MB", bytes: 32 * MiB },
];
const subjects = ["artifacts-mcp", "filesystem server"];

/** Rows of CSV in ASCII. @param {number} bytes */
function textOf(bytes) {
  const lines = [];
  for (let n = 0, length = 0; length < bytes; n += 1) {
    const line = `${n},"station ${n % 97}",${((n * 2_654_435_761) % 1_000_003) / 1e3},${n % 2 === 0}\n`;
    lines.push(line);
    length += line.length;
  }
  return lines.join("").slice(0, bytes);
}

/** @typedef {(name: string, args: Record<string, unknown>) => Promise<any>} Call */

/** Milliseconds from the spawn to the last answer. @param {string[]} args @param {(call: Call) => Promise<unknown>} work */
async function timed(args, work) {
  const client = new Client({ name: "bench", version: "0" });
  /** @type {Call} */
  const call = async (name, given) => {
    const answer = await client.callTool({ name, arguments: given }, undefined, { timeout: 300_000 });
    if (answer.isError) throw new Error(JSON.stringify(answer.content).slice(0, 500));
    return answer.structuredContent;
  };
  const ms = await millisecondsOf(async () => {
    await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: "ignore" }));
    await work(call);
  });
  await client.close();
  return ms;
}

/** @param {Call} call @param {string} text */
async function save(call, text) {
  const artifact = { bucket: "bench", key: "data.csv" };
  if (text.length <= chunkLength) return call("save_artifact", { ...artifact, content: text });
  const { id } = await call("create_upload_session", { ...artifact, size: text.length });
  for (let offset = 0; offset < text.length; offset += chunkLength) {
    await call("upload_chunk", { session_id: id, offset, data: text.slice(offset, offset + chunkLength) });
  }
}

/** @param {string} text */
function subjectsOf(text) {
  return {
    ours: () =>
      withWorkFolder((folder) =>
        timed([main, "--root", join(folder, "store"), "--log-level", "error"], (call) => save(call, text)),
      ),
    filesystem: () =>
      withWorkFolder((folder) =>
        timed([filesystemServer, folder], (call) =>
          call("write_file", { path: join(folder, "data.csv"), content: text }),
        ),
      ),
  };
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  await installPeers();
  const rows = [];
  const skipped = [];
  for (const { name, bytes } of sizes) {
    const { ours, filesystem } = subjectsOf(textOf(bytes));
    // Its transport has a limit. Ours alone is measured at sizes that it cannot take.
    const refusal = await filesystem().then(() => undefined, String);
    if (refusal !== undefined) skipped.push(`write_file of ${name}: ${refusal}`);
    const found = await medians(
      rounds,
      refusal === undefined ? { ours, filesystem } : { ours, filesystem: async () => Number.NaN },
    );
    rows.push({ work: name, values: [found.ours, found.filesystem] });
  }
  const about =
    "From the spawn of the server to the last answer. Ours gets chunks of 1 MB; the filesystem server gets all of it in one write_file.";
  return { tables: [{ title: "The whole job", about, unit: "ms", subjects, rows }], targets: [], skipped };
}
