// put and get of the command line, against the tools for local files and against cp.
import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../lib/commands.mjs";
import { main } from "../lib/programs.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { ratio } from "../lib/report.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { GiB } from "../lib/sizes.mjs";
import { warmMemory } from "../lib/warm-memory.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";
import { writeRandomFile } from "./files.mjs";

const rounds = 3;
const files = 10_000;
const fileBytes = 10 * 1000;
const subjects = ["artifacts-mcp", "import_file, export_file", "cp -r, sync"];

/** @param {string} folder */
async function writeRandomFiles(folder) {
  await mkdir(folder);
  for (let n = 0; n < files; n += 1) await writeFile(join(folder, `${n}.bin`), randomBytes(fileBytes));
}

/**
 * Megabytes a second.
 *
 * @param {number} bytes @param {() => Promise<unknown>} work
 */
async function throughput(bytes, work) {
  await withWorkFolder((folder) => warmMemory(folder, bytes));
  return bytes / 1e6 / ((await millisecondsOf(work)) / 1e3);
}

/** The command, from its start to its end. @param {string} root @param {readonly string[]} args */
const command = (root, ...args) => runCommand(process.execPath, main, ...args, "--root", root);

/** @param {string} folder @param {(server: RawServer, root: string) => Promise<number>} work */
function withServer(folder, work) {
  return withWorkFolder(async (place) => {
    const root = join(place, "store");
    const server = new RawServer([
      process.execPath,
      main,
      "--root",
      root,
      "--log-level",
      "error",
      "--allow-path",
      folder,
    ]);
    await server.initialize();
    try {
      return await work(server, root);
    } finally {
      await server.close();
    }
  });
}

/**
 * The subjects of one source.
 *
 * @param {string} folder with the source in it @param {string} name of the source @param {number} bytes
 * @param {boolean} isFolder
 */
function subjectsOf(folder, name, bytes, isFolder) {
  const source = join(folder, name);
  const copy = join(folder, "copy");
  const flag = isFolder ? ["-r"] : [];
  const place = { bucket: "bench", [isFolder ? "prefix" : "key"]: "work" };
  /** @param {() => Promise<unknown>} work */
  const copying = async (work) => {
    const found = await throughput(bytes, work);
    await rm(copy, { recursive: true });
    return found;
  };
  const cp = () =>
    copying(async () => {
      await runCommand("cp", "-r", source, copy);
      await runCommand("sync");
    });
  /** With a store that is there already, as the server has one. @param {(root: string) => Promise<number>} work */
  const withStore = (work) =>
    withWorkFolder(async (place) => {
      const root = join(place, "store");
      const small = join(place, "small");
      await writeFile(small, "");
      await command(root, "put", small, "bench/small");
      return work(root);
    });
  return {
    put: {
      ours: () => withStore((root) => throughput(bytes, () => command(root, "put", ...flag, source, "bench/work"))),
      tool: () =>
        withServer(folder, (server) =>
          throughput(bytes, () => server.call("import_file", { bucket: "bench", key: "work", path: source })),
        ),
      cp,
    },
    get: {
      ours: () =>
        withStore(async (root) => {
          await command(root, "put", ...flag, source, "bench/work");
          return copying(() => command(root, "get", ...flag, "bench/work", copy));
        }),
      tool: () =>
        withServer(folder, async (server) => {
          await server.call("import_file", { bucket: "bench", key: "work", path: source });
          return copying(() => server.call("export_file", { ...place, path: copy }));
        }),
      cp,
    },
  };
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export function run() {
  return withWorkFolder(async (folder) => {
    await writeRandomFile(join(folder, "large"));
    await writeRandomFiles(join(folder, "small"));
    const sources = [
      { work: "1 GiB", ...subjectsOf(folder, "large", GiB, false) },
      { work: "10,000 files of 10 KB", ...subjectsOf(folder, "small", files * fileBytes, true) },
    ];
    const rows = [];
    for (const name of /** @type {const} */ (["put", "get"])) {
      for (const { work, ...of } of sources) {
        const { ours, tool, cp } = await medians(rounds, of[name]);
        rows.push({ work: `${name}, ${work}`, values: [ours, tool, cp] });
      }
    }
    const about =
      "The commands run from the start of their process to its end, on a store that is there. The tools run in a server that is there already. All sources are in the page cache.";
    const targets = rows.flatMap(({ work, values }) =>
      [0.8, 0.5].map((atLeast, n) => ({
        work,
        against: subjects[n + 1] ?? "",
        value: ratio("MB/s", values[0], values[n + 1]),
        wanted: { atLeast },
      })),
    );
    return { tables: [{ title: "The command line", about, unit: "MB/s", subjects, rows }], targets };
  });
}
