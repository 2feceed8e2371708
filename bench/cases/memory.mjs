// How much memory a server takes during work, beyond its idle size: the peak that the system has counted.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { earlierName, onEarlier, skippedEarlier, targetsAgainstEarlier } from "../lib/earlier-build.mjs";
import { main } from "../lib/programs.mjs";
import { receive, send } from "../lib/raw-http.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { median } from "../lib/rounds.mjs";
import { GiB, MiB } from "../lib/sizes.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";
import { writeRandomFile } from "./files.mjs";

const rounds = 3;
const artifact = { bucket: "bench", key: "big.bin" };
const body = { piece: randomBytes(MiB), times: GiB / MiB };
const chunk = { bytes: 16 * MiB, times: 10 };
const unreadAnswers = 300;

/** Returns the memory of a process in MiB, as Linux counts it. @param {number} pid @param {"VmRSS" | "VmHWM"} name */
function memoryOf(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}

/** @typedef {{ server: RawServer, source: string, folder: string }} Place */

/** Does the work. Returns the peak in MiB if it has measured it before the end. @typedef {(place: Place) => Promise<unknown>} Work */

/** @param {Place} place */
const saveText = ({ server }) =>
  server.call("save_artifact", { ...artifact, mime_type: "text/plain", content: "x".repeat(MiB) });

/** @type {Record<string, { prepare?: Work, work: Work }>} */
const works = {
  "chunks of 16 MB": { work: ({ server }) => sendChunks(server) },
  "import_file, 1 GiB": { work: ({ server, source }) => importFile(server, source) },
  "export_file, 1 GiB": {
    prepare: ({ server, source }) => importFile(server, source),
    work: ({ server, folder }) => server.call("export_file", { ...artifact, path: join(folder, "copy") }),
  },
  "HTTP upload, 1 GiB": {
    async work({ server }) {
      const { url } = await server.call("create_upload_session", { ...artifact, size: GiB });
      await send("PUT", url, body);
    },
  },
  "HTTP download, 1 GiB": {
    prepare: ({ server, source }) => importFile(server, source),
    async work({ server }) {
      const { url } = await server.call("get_artifact", artifact);
      await receive(url, GiB);
    },
  },
  [`${unreadAnswers} answers of 1 MB that nobody reads`]: {
    prepare: saveText,
    work: ({ server }) => leaveUnread(server),
  },
  "the same, once they are read": {
    prepare: saveText,
    work: async ({ server }) => void (await leaveUnread(server)),
  },
};

/** @param {RawServer} server @param {string} path */
const importFile = (server, path) => server.call("import_file", { ...artifact, path });

/** @param {RawServer} server */
async function sendChunks(server) {
  const { id: session_id } = await server.call("create_upload_session", artifact);
  for (let n = 0; n < chunk.times; n += 1) {
    const data = randomBytes(chunk.bytes).toString("base64");
    const args = { session_id, offset: n * chunk.bytes, encoding: "base64", data };
    await server.sendAll([message("tools/call", { name: "upload_chunk", arguments: args }, n)]);
  }
}

/**
 * Sends all requests at once. Reads no answer until the memory stops growing, and then reads all.
 *
 * @param {RawServer} server @returns {Promise<number>} the peak before it reads, in MiB
 */
async function leaveUnread(server) {
  const args = { ...artifact, length: MiB };
  const asked = Array.from({ length: unreadAnswers }, (_, id) =>
    message("tools/call", { name: "read_artifact", arguments: args }, id),
  );
  server.pauseReading();
  const answered = server.sendAll(asked, unreadAnswers);
  let peak = memoryOf(server.pid, "VmHWM");
  for (let last = 0; peak > last; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    last = peak;
    peak = memoryOf(server.pid, "VmHWM");
  }
  server.resumeReading();
  await answered;
  return peak;
}

/** Returns the idle size and the peak beyond it, in MiB. @param {string} program @param {string} source @param {(typeof works)[string]} what */
function measure(program, source, { prepare = async () => undefined, work }) {
  return withWorkFolder(async (folder) => {
    const command = [process.execPath, program, "--root", join(folder, "store"), "--log-level", "error"];
    const http = ["--http", "127.0.0.1:0", "--http-token", randomBytes(16).toString("hex")];
    const options = [...http, "--max-chunk-bytes", String(32 * MiB)];
    const allowed = ["--allow-path", join(source, ".."), "--allow-path", folder];
    // Another process prepares the store: its memory does not count.
    const first = new RawServer([...command, ...options, ...allowed]);
    await first.initialize();
    await prepare({ server: first, source, folder });
    await first.close();
    const server = new RawServer([...command, ...options, ...allowed]);
    await server.initialize();
    await server.call("save_artifact", { bucket: "bench", key: "note.txt", content: "hello" });
    const idle = memoryOf(server.pid, "VmRSS");
    const found = await work({ server, source, folder });
    const peak = (typeof found === "number" ? found : memoryOf(server.pid, "VmHWM")) - idle;
    await server.close();
    return { idle, peak };
  });
}

/** @param {{ idle: number, peak: number }} found */
const total = ({ idle, peak }) => idle + peak;

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export function run() {
  if (process.platform !== "linux") {
    return Promise.resolve({ tables: [], targets: [], skipped: ["memory: only Linux counts a process's peak"] });
  }
  return withWorkFolder(async (folder) => {
    const source = join(folder, "source");
    await writeRandomFile(source);
    const idles = [];
    const rows = [];
    for (const [work, what] of Object.entries(works)) {
      const found = [];
      const earlier = [];
      for (let round = 0; round < rounds; round += 1) {
        found.push(await measure(main, source, what));
        earlier.push(await onEarlier(async (program) => total(await measure(program, source, what)))());
      }
      idles.push(...found.map(({ idle }) => idle));
      rows.push({ work, values: [median(found.map(({ peak }) => peak)), median(found.map(total)), median(earlier)] });
    }
    const againstEarlier = rows.flatMap(({ work, values: [, ours, theirs] }) =>
      targetsAgainstEarlier(`memory: ${work}`, "MiB", { ours, theirs }),
    );
    const targets = rows
      .filter(({ work }) => work.includes("GiB") || work.includes("nobody"))
      .map(({ work, values: [value = Number.NaN] }) => {
        return { work: `memory: ${work}`, against: "idle", value, wanted: { atMost: 64 } };
      });
    const about = `The largest resident size of the process during the work, minus its idle size after one call: ${median(idles).toFixed(0)} MiB.`;
    const subjects = ["over idle", "whole", `whole, ${earlierName}`];
    return {
      tables: [{ title: "Memory", about, unit: "MiB", subjects, rows, isUncompared: true }],
      targets: [...targets, ...againstEarlier],
      skipped: skippedEarlier,
    };
  });
}
