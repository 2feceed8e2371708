// Import and export of local files.
import { randomBytes } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../lib/commands.mjs";
import { digestThroughput } from "../lib/digest.mjs";
import { earlierName, onEarlier, skippedEarlier, targetsAgainstEarlier } from "../lib/earlier-build.mjs";
import { main } from "../lib/programs.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { ratio } from "../lib/report.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { GiB, MiB } from "../lib/sizes.mjs";
import { warmMemory } from "../lib/warm-memory.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 3;
const bytes = GiB;
const subjects = ["artifacts-mcp", "cp, sha256sum, sync", "dd conv=fsync", "SHA-256 alone", earlierName];

/** @param {string} path */
export async function writeRandomFile(path) {
  const file = await open(path, "w");
  for (let n = 0; n < bytes / MiB; n += 1) await file.write(randomBytes(MiB));
  await file.sync();
  await file.close();
}

/** MB a second. @param {() => Promise<unknown>} work @returns {Promise<number>} */
async function throughput(work) {
  await withWorkFolder((folder) => warmMemory(folder, bytes));
  return bytes / 1e6 / ((await millisecondsOf(work)) / 1e3);
}

/** @param {string} program @param {string} folder @param {(server: RawServer, folder: string) => Promise<number>} work */
function withServer(program, folder, work) {
  return withWorkFolder(async (root) => {
    const args = ["--root", join(root, "store"), "--log-level", "error", "--allow-path", folder];
    const server = new RawServer([process.execPath, program, ...args]);
    await server.initialize();
    const result = await work(server, root);
    await server.close();
    return result;
  });
}

/** @param {string} folder with `source` in it */
function subjectsOf(folder) {
  const source = join(folder, "source");
  const copy = join(folder, "copy");
  const artifact = { bucket: "bench", key: "big.bin" };
  /** @param {() => Promise<unknown>} work */
  const copying = async (work) => {
    const found = await throughput(work);
    await rm(copy);
    return found;
  };
  const peers = {
    cp: () =>
      copying(async () => {
        await runCommand("cp", source, copy);
        await runCommand("sha256sum", copy);
        await runCommand("sync");
      }),
    dd: () => copying(() => runCommand("dd", `if=${source}`, `of=${copy}`, "bs=1M", "conv=fsync", "status=none")),
    digest: () => digestThroughput({ piece: randomBytes(MiB), times: bytes / MiB }),
  };
  const builds = {
    /** @param {string} program */
    import: (program) =>
      withServer(program, folder, (server) =>
        throughput(() => server.call("import_file", { ...artifact, path: source })),
      ),
    /** @param {string} program */
    export: (program) =>
      withServer(program, folder, async (server) => {
        await server.call("import_file", { ...artifact, path: source });
        return copying(() => server.call("export_file", { ...artifact, path: copy }));
      }),
  };
  return { peers, builds };
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export function run() {
  return withWorkFolder(async (folder) => {
    await writeRandomFile(join(folder, "source"));
    const { peers, builds } = subjectsOf(folder);
    const rows = [];
    for (const name of /** @type {const} */ (["import", "export"])) {
      const measure = builds[name];
      const found = await medians(rounds, { ours: () => measure(main), ...peers, earlier: onEarlier(measure) });
      const values = [found.ours, found.cp, found.dd, found.digest, found.earlier];
      rows.push({ work: `${name}_file, 1 GiB`, values });
    }
    const [imported] = rows;
    const value = ratio("MB/s", imported?.values[0], imported?.values[1]);
    const about =
      "Random bytes that are in the page cache. Ours copies, digests and syncs at the same time, and an export checks the digest. SHA-256 alone is measured in Node, on one processor; sha256sum is slower.";
    return {
      tables: [{ title: "Local files", about, unit: "MB/s", subjects, rows }],
      targets: [
        { work: "import_file, 1 GiB", against: subjects[1] ?? "", value, wanted: { atLeast: 1 } },
        ...rows.flatMap(({ work, values }) =>
          targetsAgainstEarlier(work, "MB/s", { ours: values[0], theirs: values.at(-1) }),
        ),
      ],
      skipped: skippedEarlier,
    };
  });
}
