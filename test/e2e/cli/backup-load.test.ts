import { randomBytes, randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../../src/engines/data-directory.js";
import type { BackupManifest, LeftOut } from "../../../src/store/backup/backup-manifest.js";
import { parseRecord } from "../../../src/store/backup/backup-records.js";
import { temporaryDirectory } from "../../support/directories.js";
import { canMount, memoryDisk, needsMounts } from "../../support/disks.js";
import { sha256Of } from "../../support/mcp-client.js";
import { type ServerProcess, spawnRaw, startServer } from "../../support/server-process.js";
import { silentLog } from "../../support/silent-log.js";
import { factsIn } from "../../support/store-facts.js";

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command beside this process, and kills it after `killMs`. */
async function command(root: string, words: readonly string[], killMs?: number): Promise<Ended> {
  const { child, exited, stdout, stderr } = spawnRaw([...words, "--root", root]);
  if (killMs !== undefined) {
    await Promise.race([setTimeout(killMs), exited]);
    child.kill("SIGKILL");
  }
  const code = await exited;
  return { code, stdout: stdout(), stderr: stderr() };
}

async function factsAt(root: string): Promise<Facts> {
  const directory = await openDataDirectory(root, { mustExist: true }, silentLog);
  return factsIn(directory).finally(() => directory.close()) as Promise<Facts>;
}

/** The names of all that the records of a backup list, as `factsIn` names them. */
async function listedIn(path: string): Promise<{ manifest: BackupManifest; names: string[] }> {
  const manifest: BackupManifest = JSON.parse(await readFile(join(path, "backup.json"), "utf8"));
  const lines = (await readFile(join(path, manifest.records.name), "utf8")).trimEnd().split("\n");
  const names = lines.map(parseRecord).flatMap((record) => {
    switch (record.kind) {
      case "upload":
        return [`session\t${record.id}`];
      case "gone":
        return [`gone\t${record.bucket}\t${record.key}`];
      case "bucket":
        return [`bucket\t${record.bucket}`];
      case "artifact": {
        const place = `${record.bucket}/${record.key}`;
        return [`last of ${place}`, ...record.versions.map(({ version }) => `${place}@${version}`)];
      }
      default:
        return [];
    }
  });
  return { manifest, names: names.sort() };
}

/** Runs a command and kills it again and again, each time later, until it ends by itself. Returns how many kills it took. */
async function untilWhole(root: string, words: readonly string[]): Promise<number> {
  let killMs = 150;
  for (let kills = 0; ; kills += 1) {
    const ended = await command(root, words, kills < 12 ? killMs : undefined);
    if (ended.code !== null) {
      expect(ended).toMatchObject({ code: 0, stderr: "" });
      return kills;
    }
    killMs += randomInt(60);
    if (await hasStore(root)) expect((await command(root, ["verify"])).code).toBe(0);
  }
}

const hasStore = (root: string): Promise<boolean> =>
  readFile(join(root, "format")).then(
    (text) => text.length > 0,
    () => false,
  );

async function piecesIn(root: string): Promise<number> {
  const { content, close } = await openDataDirectory(root, { mustExist: true }, silentLog);
  const shards = await Promise.all((await content.shards()).map((shard) => content.listShard(shard)));
  await close();
  return shards.flat().length;
}

const textOf = (bytes: number): string => randomBytes(bytes / 2).toString("hex");

/** What six writers and a deleter do until they are stopped. */
function beginWork(servers: readonly ServerProcess[]) {
  let isStopped = false;
  let calls = 0;
  const loop = async (at: number, act: (server: ServerProcess, turn: number) => Promise<unknown>) => {
    const server = servers[at % servers.length] as ServerProcess;
    for (let turn = 0; !isStopped; turn += 1) {
      await act(server, turn);
      calls += 1;
    }
  };
  const key = () => `k${randomInt(30)}`;
  const size = () => [100, 5_000, 40_000, 300_000][randomInt(4)] ?? 0;
  const work = [
    loop(0, (server) => server.call("save_artifact", { bucket: "w", key: key(), content: textOf(size()) })),
    loop(1, (server) => server.call("save_artifact", { bucket: "w", key: key(), content: textOf(size()) })),
    loop(2, async (server) => {
      const { id, error } = await server.call("create_upload_session", { bucket: "w", key: key() });
      for (let part = 0, offset = 0; error === undefined && part < 4; part += 1) {
        const data = textOf(size());
        await server.call("upload_chunk", { session_id: id, offset, data });
        offset += data.length;
      }
      const end = ["complete_upload_session", "abort_upload_session", "get_upload_session"][randomInt(3)] ?? "";
      await server.call(end, { session_id: id });
      if (end === "get_upload_session" && randomInt(4) > 0)
        await server.call("abort_upload_session", { session_id: id });
    }),
    // Each mover is one content that goes from key to key.
    loop(0, async (server, turn) => {
      const mover = turn % movers;
      const [from, to] = Math.floor(turn / movers) % 2 === 0 ? ["a", "z"] : ["z", "a"];
      const args = { bucket: "moving", key: `${from}${mover}`, to_key: `${to}${mover}`, move: true };
      expect(await server.call("copy_artifact", args)).not.toHaveProperty("error");
    }),
    loop(1, (server) => server.call("copy_artifact", { bucket: "w", key: key(), to_bucket: "copies", to_key: key() })),
    loop(2, (server) =>
      server.call("update_artifact", { bucket: "w", key: key(), metadata: { n: String(randomInt(99)) } }),
    ),
    loop(0, (server) => server.call("delete_artifact", { bucket: ["w", "copies"][randomInt(2)], key: key() })),
  ];
  return {
    calls: () => calls,
    async stop() {
      isStopped = true;
      await Promise.all(work);
    },
  };
}

const movers = 8;

/** Saves artifacts `a0`, `a1`, ... of different sizes. Returns the digests of their contents, sorted. */
async function saveMany(server: ServerProcess, bucket: string, number: number): Promise<string[]> {
  const contents = Array.from({ length: number }, (_, n) => textOf(n % 2 === 0 ? 1_000 : 90_000));
  for (const [n, content] of contents.entries()) await server.call("save_artifact", { bucket, key: `a${n}`, content });
  return contents.map(sha256Of).sort();
}

type Facts = Record<string, { readonly sha256?: string; readonly found?: { readonly sha256: string } }>;

/** The digests of the versions in a bucket, sorted. */
function digestsIn(facts: Facts, bucket: string): (string | undefined)[] {
  const versions = Object.entries(facts).filter(([name]) => name.startsWith(`${bucket}/`));
  return versions.map(([, { sha256 }]) => sha256).sort();
}

/** Every version has the content that was saved. */
function expectWhole(facts: Facts): void {
  const versions = Object.entries(facts).filter(([name]) => name.includes("@"));
  for (const [name, { sha256, found }] of versions) expect(found?.sha256, name).toBe(sha256);
}

describe("backup and restore", () => {
  it("six writers and a deleter during ten backups: each restores sound, with exactly what it lists", async () => {
    const above = await temporaryDirectory();
    const root = join(above, "store");
    const servers = await Promise.all([0, 1, 2].map(() => startServer(root)));
    const [server] = servers as [ServerProcess];
    const still = await saveMany(server, "still", 20);
    const moving = await saveMany(server, "moving", movers);
    const work = beginWork(servers);
    const dropped: LeftOut[] = [];
    for (let n = 0; n < 10; n += 1) {
      const path = join(above, n % 2 === 0 ? "same" : `own ${n}`);
      const callsBefore = work.calls();
      const made = await command(root, ["backup", path, ...(n === 8 ? ["--check"] : [])]);
      expect(made.stderr).toBe("");
      expect(made.code).toBe(0);
      expect(work.calls()).toBeGreaterThan(callsBefore); // others were at work
      const copy = join(above, `copy ${n}`);
      const restored = await command(copy, ["restore", path]);
      expect(restored.stderr).toBe("");
      expect(restored.code).toBe(0);
      expect((await command(copy, ["verify"])).code).toBe(0);
      const { manifest, names } = await listedIn(path);
      const facts = await factsAt(copy);
      expect(Object.keys(facts).sort()).toEqual(names);
      expectWhole(facts);
      expect(digestsIn(facts, "still")).toEqual(still);
      expect(digestsIn(facts, "moving")).toEqual(moving); // each is there once, wherever it was
      dropped.push(...manifest.dropped);
    }
    await work.stop();
    for (const { bucket } of dropped) expect(["w", "copies"]).toContain(bucket);
    expect((await command(root, ["verify"])).code).toBe(0);
  });

  it("a killed backup and a killed restore go on with the same command", async () => {
    const above = await temporaryDirectory();
    const root = join(above, "store");
    const server = await startServer(root);
    for (let n = 0; n < 150; n += 1) {
      await server.call("save_artifact", {
        bucket: "b",
        key: `k${n}`,
        content: textOf([1_000, 50_000, 400_000][n % 3] ?? 0),
      });
    }
    const { id } = await server.call("create_upload_session", { bucket: "b", key: "up" });
    await server.call("upload_chunk", { session_id: id, offset: 0, data: textOf(100_000) });
    const wanted = await factsAt(root);
    const path = join(above, "backup");
    const copy = join(above, "copy");
    expect(await untilWhole(root, ["backup", path])).toBeGreaterThan(2);
    expect(await untilWhole(copy, ["restore", path])).toBeGreaterThan(2);
    expect(await factsAt(copy)).toEqual(wanted);
    expect((await command(copy, ["verify"])).code).toBe(0);
    expect(await piecesIn(copy)).toBe(await piecesIn(root)); // nothing of the killed restores is left
  });

  it.skipIf(!canMount)(
    `on a full disk the backup before stays, and the next one continues ${canMount ? "" : needsMounts}`,
    async () => {
      const above = await temporaryDirectory();
      const root = join(above, "store");
      const disk = await memoryDisk(4 * 1024 * 1024);
      const path = join(disk.path, "backup");
      const server = await startServer(root);
      await server.call("save_artifact", { bucket: "b", key: "first", content: textOf(1_000_000) });
      expect((await command(root, ["backup", path])).code).toBe(0);
      for (let n = 0; n < 5; n += 1)
        await server.call("save_artifact", { bucket: "b", key: `k${n}`, content: textOf(1_000_000) });
      const full = await command(root, ["backup", path]);
      expect(full).toMatchObject({ code: 1, stderr: expect.stringMatching(/^artifacts-mcp: .*the disk is full.*\n$/) });
      const copy = join(above, "copy");
      expect((await command(copy, ["restore", path])).code).toBe(0);
      expect(Object.keys(await factsAt(copy))).toEqual(
        ["b/first@1", "last of b/first"].sort((a, b) => (a < b ? 1 : -1)),
      );
      for (let n = 0; n < 4; n += 1) await server.call("delete_artifact", { bucket: "b", key: `k${n}` });
      expect(await command(root, ["backup", path])).toMatchObject({ code: 0, stderr: "" });
      const small = join(disk.path, "store");
      const stopped = await command(small, ["restore", path]);
      expect(stopped).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^artifacts-mcp: .*disk is full[^\n]*free disk space[^\n]*\n$/),
      });
    },
  );
});
