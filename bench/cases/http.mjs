// Uploads and downloads over HTTP.
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand, whileRunning } from "../lib/commands.mjs";
import { digestOf, digestThroughput } from "../lib/digest.mjs";
import { earlierName, onEarlier, skippedEarlier, targetsAgainstEarlier } from "../lib/earlier-build.mjs";
import { findNginx, withNginx } from "../lib/nginx.mjs";
import { installPeers } from "../lib/peers.mjs";
import { main, peer } from "../lib/programs.mjs";
import { receive, requestOnce, runTimes, send } from "../lib/raw-http.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { ratio } from "../lib/report.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { GiB, KiB, MiB } from "../lib/sizes.mjs";
import { warmMemory } from "../lib/warm-memory.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 3;
/** The speed of a disk changes from second to second: more rounds, if the disk does most of the work. */
const bigRounds = 6;
const big = { piece: randomBytes(MiB), times: GiB / MiB };
const files = Array.from({ length: 1000 }, () => randomBytes(10 * KiB));
const token = randomBytes(16).toString("hex");
const artifact = { bucket: "bench", key: "big.bin" };
const tusHeaders = { "Tus-Resumable": "1.0.0" };
const patchHeaders = { ...tusHeaders, "Content-Type": "application/offset+octet-stream", "Upload-Offset": 0 };

/** MB a second. @param {number} bytes @param {() => Promise<unknown>} work @returns {Promise<number>} */
async function throughput(bytes, work) {
  await withWorkFolder((folder) => warmMemory(folder, bytes));
  return bytes / 1e6 / ((await millisecondsOf(work)) / 1e3);
}

/** @template Result @param {string} program @param {(server: RawServer) => Promise<Result>} work */
function withBuild(program, work) {
  return withWorkFolder(async (folder) => {
    const args = ["--root", join(folder, "store"), "--log-level", "error"];
    const http = ["--http", "127.0.0.1:0", "--http-token", token];
    const server = new RawServer([process.execPath, program, ...args, ...http]);
    await server.initialize();
    const result = await work(server);
    await server.close();
    return result;
  });
}

/** @template Result @param {(url: string) => Promise<Result>} work */
const withTus = (work) =>
  withWorkFolder((folder) => whileRunning([process.execPath, peer("tus-server.mjs"), folder], work));

/** Creates a session for 1 GiB, and returns its URL. @param {RawServer} server @returns {Promise<string>} */
const sessionUrl = async (server) => (await server.call("create_upload_session", { ...artifact, size: GiB })).url;

/** Creates a tus upload of 1 GiB, and returns its URL. @param {string} url @returns {Promise<string>} */
async function tusUrl(url) {
  let location = "";
  await runTimes(1, 1, async (agent) => {
    const created = await requestOnce(agent, "POST", url, { ...tusHeaders, "Upload-Length": GiB });
    location = String(created.location);
  });
  return new URL(location, url).href;
}

/** @param {string} program */
const uploadTo = (program) =>
  withBuild(program, async (server) => {
    const found = await throughput(GiB, async () => send("PUT", await sessionUrl(server), big));
    const { sha256 } = await server.call("get_artifact", artifact);
    if (sha256 !== digestOf(big)) throw new Error("the stored content is not what was sent");
    return found;
  });

const uploads = {
  ours: () => uploadTo(main),
  tus: () =>
    withTus((url) =>
      throughput(GiB, async () => {
        await send("PATCH", await tusUrl(url), big, patchHeaders);
        await runCommand("sync");
      }),
    ),
  dd: () =>
    withWorkFolder(async (folder) => {
      const [source, copy] = [join(folder, "source"), join(folder, "copy")];
      await writeFile(source, Buffer.concat(Array.from({ length: big.times }, () => big.piece)));
      await runCommand("sync");
      return throughput(GiB, () =>
        runCommand("dd", `if=${source}`, `of=${copy}`, "bs=1M", "conv=fsync", "status=none"),
      );
    }),
  digest: () => digestThroughput(big),
  earlier: onEarlier(uploadTo),
};

/** Uploads small files. The result is in MB/s, as in the other rows. @param {number} atOnce */
function smallUploads(atOnce) {
  const bytes = files.length * 10 * KiB;
  /** @param {string} program */
  const to = (program) =>
    withBuild(program, async (server) => {
      const { origin } = new URL(await sessionUrl(server));
      const headers = { Authorization: `Bearer ${token}` };
      return throughput(bytes, () =>
        runTimes(files.length, atOnce, (agent, n) =>
          requestOnce(agent, "PUT", `${origin}/v1/content/small/file-${n}`, headers, files[n]),
        ),
      );
    });
  return {
    ours: () => to(main),
    tus: () =>
      withTus((url) =>
        throughput(bytes, async () => {
          const headers = { ...patchHeaders, "Upload-Length": 10 * KiB };
          await runTimes(files.length, atOnce, (agent, n) => requestOnce(agent, "POST", url, headers, files[n]));
          await runCommand("sync");
        }),
      ),
    dd: () =>
      withWorkFolder(async (folder) => {
        await Promise.all(files.map((file, n) => writeFile(join(folder, `source-${n}`), file)));
        await runCommand("sync");
        const script = `for n in $(seq 0 ${files.length - 1}); do dd if=source-$n of=copy-$n conv=fsync status=none; done`;
        return throughput(bytes, () => runCommand("sh", "-c", `cd ${folder} && ${script}`));
      }),
    digest: async () => Number.NaN,
    earlier: onEarlier(to),
  };
}

/**
 * Measures nginx. Returns NaN if there is none.
 *
 * @param {string | undefined} program @param {(url: string, folder: string) => Promise<number>} work
 */
const throughNginx = async (program, work) =>
  program === undefined
    ? Number.NaN
    : withWorkFolder((folder) => withNginx(program, folder, (url) => work(url, folder)));

/** @param {string} program */
const downloadFrom = (program) =>
  withBuild(program, async (server) => {
    await send("PUT", await sessionUrl(server), big);
    const { url } = await server.call("get_artifact", artifact);
    return throughput(GiB, () => receive(url, GiB));
  });

/** @param {string | undefined} nginx */
const bigDownloads = (nginx) => ({
  ours: () => downloadFrom(main),
  tus: () =>
    withTus(async (url) => {
      const upload = await tusUrl(url);
      await send("PATCH", upload, big, patchHeaders);
      return throughput(GiB, () => receive(upload, GiB));
    }),
  nginx: () =>
    throughNginx(nginx, async (url, folder) => {
      await writeFile(join(folder, "big.bin"), Buffer.concat(Array.from({ length: big.times }, () => big.piece)));
      return throughput(GiB, () => receive(`${url}/big.bin`, GiB));
    }),
  digest: () => digestThroughput(big),
  earlier: onEarlier(downloadFrom),
});

/** @param {string | undefined} nginx @param {number} atOnce */
function smallDownloads(nginx, atOnce) {
  const bytes = files.length * 10 * KiB;
  /** @param {(n: number) => string} urlOf @param {Record<string, string>} [headers] */
  const all = (urlOf, headers = {}) =>
    throughput(bytes, () => runTimes(files.length, atOnce, (agent, n) => requestOnce(agent, "GET", urlOf(n), headers)));
  /** @param {string} program */
  const from = (program) =>
    withBuild(program, async (server) => {
      const { origin } = new URL(await sessionUrl(server));
      const headers = { Authorization: `Bearer ${token}` };
      const urlOf = (/** @type {number} */ n) => `${origin}/v1/content/small/file-${n}`;
      await runTimes(files.length, 8, (agent, n) => requestOnce(agent, "PUT", urlOf(n), headers, files[n]));
      return all(urlOf, headers);
    });
  return {
    ours: () => from(main),
    tus: () =>
      withTus(async (url) => {
        const headers = { ...patchHeaders, "Upload-Length": 10 * KiB };
        /** @type {string[]} */
        const urls = [];
        await runTimes(files.length, 8, async (agent, n) => {
          const created = await requestOnce(agent, "POST", url, headers, files[n]);
          urls[n] = new URL(String(created.location), url).href;
        });
        return all((n) => urls[n] ?? "");
      }),
    nginx: () =>
      throughNginx(nginx, async (url, folder) => {
        await Promise.all(files.map((file, n) => writeFile(join(folder, `file-${n}`), file)));
        return all((n) => `${url}/file-${n}`);
      }),
    digest: async () => Number.NaN,
    earlier: onEarlier(from),
  };
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  await installPeers();
  const nginx = await findNginx();
  /** Measures a row, in the order of the subjects. @param {string} work @param {Record<string, () => Promise<number>>} subjects */
  const row = async (work, subjects, times = rounds) => ({
    work,
    values: Object.values(await medians(times, subjects)),
  });
  const up = [
    await row("1 GiB", uploads, bigRounds),
    await row("1,000 files of 10 KB, one after the other", smallUploads(1)),
    await row("1,000 files of 10 KB, eight at a time", smallUploads(8)),
  ];
  const down = [
    await row("1 GiB", bigDownloads(nginx), bigRounds),
    await row("1,000 files of 10 KB, one after the other", smallDownloads(nginx, 1)),
    await row("1,000 files of 10 KB, eight at a time", smallDownloads(nginx, 8)),
  ];
  /** @param {string} work @param {string} against @param {readonly number[]} values @param {number} index @param {number} atLeast */
  const target = (work, against, values, index, atLeast) => {
    const value = ratio("MB/s", values[0], values[index]);
    return { work, against, value, wanted: { atLeast } };
  };
  const [bigUp, bigDown] = [up[0]?.values ?? [], down[0]?.values ?? []];
  /** @param {(typeof up)[number]} row */
  const againstEarlier = ({ work, values }) =>
    targetsAgainstEarlier(work, "MB/s", { ours: values[0], theirs: values.at(-1) });
  const [oneUp, eightUp] = [up[1]?.values ?? [], up[2]?.values ?? []];
  const [oneDown, eightDown] = [down[1]?.values ?? [], down[2]?.values ?? []];
  const [one, eight] = ["1,000 files of 10 KB, one after the other", "1,000 files of 10 KB, eight at a time"];
  const targets = [
    target("HTTP upload, 1 GiB", "@tus/server, sync", bigUp, 1, 1),
    target("HTTP upload, 1 GiB", "dd conv=fsync", bigUp, 2, 0.5),
    target(`HTTP upload, ${one}`, "@tus/server, sync", oneUp, 1, 1),
    target(`HTTP upload, ${eight}`, "@tus/server, sync", eightUp, 1, 1.5),
    ...(nginx
      ? [
          target("HTTP download, 1 GiB", "nginx, no sendfile", bigDown, 2, 0.7),
          target(`HTTP download, ${one}`, "nginx, no sendfile", oneDown, 2, 0.4),
          target(`HTTP download, ${eight}`, "nginx, no sendfile", eightDown, 2, 0.4),
        ]
      : []),
    ...againstEarlier({ work: "HTTP upload, 1 GiB", values: bigUp }),
    ...againstEarlier({ work: "HTTP download, 1 GiB", values: bigDown }),
  ];
  return {
    tables: [
      {
        title: "HTTP upload",
        about:
          "One request a file. Ours syncs and digests each file before it acknowledges it. @tus/server does neither, so one `sync` follows at the end. dd copies local files, with one process a file.",
        unit: "MB/s",
        subjects: ["artifacts-mcp", "@tus/server, sync", "dd conv=fsync", "SHA-256 alone", earlierName],
        rows: up,
      },
      {
        title: "HTTP download",
        about:
          "From the page cache, to a client that counts bytes. Ours checks the digest of everything that it sends, so it cannot be faster than the digest alone.",
        unit: "MB/s",
        subjects: ["artifacts-mcp", "@tus/server", "nginx, no sendfile", "SHA-256 alone", earlierName],
        rows: down,
      },
    ],
    targets,
    skipped: [...skippedEarlier, ...(nginx ? [] : ["nginx: this machine has none, and cannot get Debian's package"])],
  };
}
