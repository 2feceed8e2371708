// Content over HTTP.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { command, isThere, whileRunning } from "../lib/commands.mjs";
import { installPeers } from "../lib/peers.mjs";
import { main, peer } from "../lib/programs.mjs";
import { each, receive, send, small } from "../lib/raw-http.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { ratio } from "../lib/report.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { GiB, KiB, MiB } from "../lib/sizes.mjs";
import { warmMemory } from "../lib/warm-memory.mjs";
import { workFolder } from "../lib/work-folder.mjs";

const rounds = 3;
/** What a disk takes in a second is another thing in the next: more rounds, where that is most of the work. */
const bigRounds = 6;
const big = { piece: randomBytes(MiB), times: GiB / MiB };
const files = Array.from({ length: 1000 }, () => randomBytes(10 * KiB));
const token = randomBytes(16).toString("hex");
const artifact = { bucket: "bench", key: "big.bin" };
const tusHeaders = { "Tus-Resumable": "1.0.0" };
const patchHeaders = { ...tusHeaders, "Content-Type": "application/offset+octet-stream", "Upload-Offset": 0 };

/** MB a second. @param {number} bytes @param {() => Promise<unknown>} work @returns {Promise<number>} */
async function throughput(bytes, work) {
  await workFolder((folder) => warmMemory(folder, bytes));
  return bytes / 1e6 / ((await millisecondsOf(work)) / 1e3);
}

/** @template Result @param {(server: RawServer) => Promise<Result>} work */
function withOurs(work) {
  return workFolder(async (folder) => {
    const args = ["--root", join(folder, "store"), "--log-level", "error"];
    const http = ["--http", "127.0.0.1:0", "--http-token", token];
    const server = new RawServer([process.execPath, main, ...args, ...http]);
    await server.initialize();
    const result = await work(server);
    await server.close();
    return result;
  });
}

/** @template Result @param {(url: string) => Promise<Result>} work */
const withTus = (work) =>
  workFolder((folder) => whileRunning([process.execPath, peer("tus-server.mjs"), folder], work));

/** A session's URL. @param {RawServer} server @returns {Promise<string>} */
const sessionUrl = async (server) => (await server.call("create_upload_session", { ...artifact, size: GiB })).url;

/** Where the 1 GiB goes. @param {string} url @returns {Promise<string>} */
async function tusUrl(url) {
  let location = "";
  await each(1, 1, async (agent) => {
    const created = await small(agent, "POST", url, { ...tusHeaders, "Upload-Length": GiB });
    location = String(created.location);
  });
  return new URL(location, url).href;
}

const uploads = {
  ours: () =>
    withOurs(async (server) => {
      const found = await throughput(GiB, async () => send("PUT", await sessionUrl(server), big));
      const { sha256 } = await server.call("get_artifact", artifact);
      if (sha256 !== digestOf(big)) throw new Error("another content is stored");
      return found;
    }),
  tus: () =>
    withTus((url) =>
      throughput(GiB, async () => {
        await send("PATCH", await tusUrl(url), big, patchHeaders);
        await command("sync");
      }),
    ),
  dd: () =>
    workFolder(async (folder) => {
      const [source, copy] = [join(folder, "source"), join(folder, "copy")];
      await writeFile(source, Buffer.concat(Array.from({ length: big.times }, () => big.piece)));
      await command("sync");
      return throughput(GiB, () => command("dd", `if=${source}`, `of=${copy}`, "bs=1M", "conv=fsync", "status=none"));
    }),
};

/** @param {typeof big} body */
function digestOf({ piece, times }) {
  const hash = createHash("sha256");
  for (let n = 0; n < times; n += 1) hash.update(piece);
  return hash.digest("hex");
}

/** Files a second are what counts here; as MB/s. @param {number} atOnce */
function smallUploads(atOnce) {
  const bytes = files.length * 10 * KiB;
  return {
    ours: () =>
      withOurs(async (server) => {
        const { origin } = new URL(await sessionUrl(server));
        const headers = { Authorization: `Bearer ${token}` };
        return throughput(bytes, () =>
          each(files.length, atOnce, (agent, n) =>
            small(agent, "PUT", `${origin}/v1/content/small/file-${n}`, headers, files[n]),
          ),
        );
      }),
    tus: () =>
      withTus((url) =>
        throughput(bytes, async () => {
          const headers = { ...patchHeaders, "Upload-Length": 10 * KiB };
          await each(files.length, atOnce, (agent, n) => small(agent, "POST", url, headers, files[n]));
          await command("sync");
        }),
      ),
    dd: () =>
      workFolder(async (folder) => {
        await Promise.all(files.map((file, n) => writeFile(join(folder, `source-${n}`), file)));
        await command("sync");
        const script = `for n in $(seq 0 ${files.length - 1}); do dd if=source-$n of=copy-$n conv=fsync status=none; done`;
        return throughput(bytes, () => command("sh", "-c", `cd ${folder} && ${script}`));
      }),
  };
}

/** A port that was free a moment ago. @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** nginx without sendfile, for one folder. @template Result @param {string} folder @param {(url: string) => Promise<Result>} work */
async function withNginx(folder, work) {
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path temp;`);
  const server = `server { listen 127.0.0.1:${port}; root ${folder}; sendfile off; output_buffers 2 512k; }`;
  // As root it would drop its rights, and could not read a folder of root's.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const config = `${user} daemon off; pid nginx.pid; error_log stderr error; worker_processes 1; events {} http { access_log off; ${temporary.join(" ")} ${server} }`;
  await writeFile(join(folder, "nginx.conf"), config);
  await mkdir(join(folder, "temp"), { recursive: true });
  const script = `echo starting; exec nginx -p ${folder} -c nginx.conf`;
  return whileRunning(["sh", "-c", script], async () => {
    const url = `http://127.0.0.1:${port}`;
    await listening(port);
    return work(url);
  });
}

/** @param {number} port */
async function listening(port) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answered = await receive(`http://127.0.0.1:${port}/nginx.conf`, 1).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("nginx does not listen");
}

const downloads = {
  ours: () =>
    withOurs(async (server) => {
      await send("PUT", await sessionUrl(server), big);
      const { url } = await server.call("get_artifact", artifact);
      return throughput(GiB, () => receive(url, GiB));
    }),
  tus: () =>
    withTus(async (url) => {
      const upload = await tusUrl(url);
      await send("PATCH", upload, big, patchHeaders);
      return throughput(GiB, () => receive(upload, GiB));
    }),
  nginx: () =>
    workFolder((folder) =>
      withNginx(folder, async (url) => {
        await writeFile(join(folder, "big.bin"), Buffer.concat(Array.from({ length: big.times }, () => big.piece)));
        return throughput(GiB, () => receive(`${url}/big.bin`, GiB));
      }),
    ),
};

/** @param {number} atOnce */
function smallDownloads(atOnce) {
  const bytes = files.length * 10 * KiB;
  /** @param {(n: number) => string} urlOf @param {Record<string, string>} [headers] */
  const all = (urlOf, headers = {}) =>
    throughput(bytes, () => each(files.length, atOnce, (agent, n) => small(agent, "GET", urlOf(n), headers)));
  return {
    ours: () =>
      withOurs(async (server) => {
        const { origin } = new URL(await sessionUrl(server));
        const headers = { Authorization: `Bearer ${token}` };
        const urlOf = (/** @type {number} */ n) => `${origin}/v1/content/small/file-${n}`;
        await each(files.length, 8, (agent, n) => small(agent, "PUT", urlOf(n), headers, files[n]));
        return all(urlOf, headers);
      }),
    tus: () =>
      withTus(async (url) => {
        const headers = { ...patchHeaders, "Upload-Length": 10 * KiB };
        /** @type {string[]} */
        const urls = [];
        await each(files.length, 8, async (agent, n) => {
          const created = await small(agent, "POST", url, headers, files[n]);
          urls[n] = new URL(String(created.location), url).href;
        });
        return all((n) => urls[n] ?? "");
      }),
    nginx: () =>
      workFolder((folder) =>
        withNginx(folder, async (url) => {
          await Promise.all(files.map((file, n) => writeFile(join(folder, `file-${n}`), file)));
          return all((n) => `${url}/file-${n}`);
        }),
      ),
  };
}

/**
 * @param {(atOnce: number) => Record<"ours" | "tus" | "nginx", () => Promise<number>>} subjectsOf
 * @param {boolean} hasNginx
 */
async function downloaded(subjectsOf, hasNginx, atOnce = 1) {
  const { ours, tus, nginx } = subjectsOf(atOnce);
  const found = await medians(rounds, hasNginx ? { ours, tus, nginx } : { ours, tus, nginx: async () => Number.NaN });
  return [found.ours, found.tus, found.nginx];
}

/** @param {Record<"ours" | "tus" | "dd", () => Promise<number>>} subjects */
async function uploaded(subjects, times = rounds) {
  const found = await medians(times, subjects);
  return [found.ours, found.tus, found.dd];
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  await installPeers();
  const hasNginx = isThere("nginx", "-v");
  const up = [
    { work: "1 GiB", values: await uploaded(uploads, bigRounds) },
    { work: "1,000 files of 10 KB, one after the other", values: await uploaded(smallUploads(1)) },
    { work: "1,000 files of 10 KB, eight at a time", values: await uploaded(smallUploads(8)) },
  ];
  const down = [
    { work: "1 GiB", values: await downloaded(() => downloads, hasNginx) },
    { work: "1,000 files of 10 KB, one after the other", values: await downloaded(smallDownloads, hasNginx) },
    { work: "1,000 files of 10 KB, eight at a time", values: await downloaded(smallDownloads, hasNginx, 8) },
  ];
  /** @param {string} work @param {string} against @param {readonly number[]} values @param {number} index @param {number} atLeast */
  const target = (work, against, values, index, atLeast) => {
    const value = ratio("MB/s", values[0], values[index]);
    return { work, against, value, wanted: { atLeast } };
  };
  const [bigUp, bigDown] = [up[0]?.values ?? [], down[0]?.values ?? []];
  const targets = [
    target("HTTP upload, 1 GiB", "@tus/server, sync", bigUp, 1, 1),
    target("HTTP upload, 1 GiB", "dd conv=fsync", bigUp, 2, 0.5),
    ...(hasNginx ? [target("HTTP download, 1 GiB", "nginx, no sendfile", bigDown, 2, 0.7)] : []),
  ];
  return {
    tables: [
      {
        title: "HTTP upload",
        about:
          "One request a file. Ours syncs and digests what it acknowledges, each file by itself; @tus/server does neither, and is followed by one `sync` in the end. dd copies a local file, each in a process of its own.",
        unit: "MB/s",
        subjects: ["artifacts-mcp", "@tus/server, sync", "dd conv=fsync"],
        rows: up,
      },
      {
        title: "HTTP download",
        about: "From the page cache, to a client that counts bytes.",
        unit: "MB/s",
        subjects: ["artifacts-mcp", "@tus/server", "nginx, no sendfile"],
        rows: down,
      },
    ],
    targets,
    skipped: hasNginx ? [] : ["nginx: it is not installed on this machine"],
  };
}
