import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { processSpace } from "../../../src/engines/user-files/process-space.js";
import { runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { canMount, memoryDisk, needsMounts } from "../../support/disks.js";
import { builtServer, startServer } from "../../support/server-process.js";

const MiB = 1024 * 1024;
const largeBytes = 96 * MiB;
let base: string;
let root: string;
beforeEach(async () => {
  base = await temporaryDirectory();
  root = join(base, "store");
});

const at = (...names: string[]): string => join(base, ...names);
const json = (...args: string[]) => {
  const { stdout, stderr, status } = runCommand([...args, "--json", "--root", root]);
  expect(stderr, args.join(" ")).toBe("");
  return { ...JSON.parse(stdout), status };
};

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

function begin(...args: string[]): Running {
  const child = spawn(process.execPath, [builtServer, ...args, "--root", root], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  return { child, ended: once(child, "close").then(([code]) => ({ code: code as number | null, ...texts })) };
}

/** Runs a command again and again, killed later each time, until it ends by itself. Returns how often it was killed. */
async function killedUntilDone(...args: string[]): Promise<number> {
  for (let kills = 0, mostMs = 300; ; kills += 1, mostMs *= 1.3) {
    const { child, ended } = begin(...args);
    const waited = setTimeout(randomInt(100, Math.ceil(mostMs)), "kill" as const);
    if ((await Promise.race([ended, waited])) === "kill") child.kill("SIGKILL");
    const { code, stderr } = await ended;
    if (code === 0) return kills;
    expect([code, stderr]).toEqual([null, ""]);
  }
}

/** Kills a command as soon as `look` says so. Returns false if it ended before. */
async function killedWhen(look: () => Promise<boolean>, ...args: string[]): Promise<boolean> {
  const { child, ended } = begin(...args);
  let isOver = false;
  const over = ended.then(({ code }) => {
    isOver = true;
    return code;
  });
  while (!isOver && !(await look())) await setTimeout(2);
  child.kill("SIGKILL");
  return (await over) === null;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of createReadStream(path)) hash.update(block);
  return hash.digest("hex");
}

async function digests(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found: Record<string, string> = {};
  for (const path of files.sort()) found[path.slice(folder.length + 1)] = await sha256(path);
  return found;
}

/** A folder of 400 small files and two large ones. */
async function plantTree(folder: string): Promise<void> {
  const small = Array.from({ length: 400 }, (_, n) => [`part ${n % 9}/${n}.bin`, n * 150] as const);
  for (const [name, bytes] of [...small, ["large/1.bin", 20 * MiB], ["large/2.bin", 20 * MiB]] as const) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), randomBytes(bytes));
  }
}

const partsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".part"));

/** A server of the same store that saves until the test ends. Returns the keys that it has saved. */
async function busyServer(): Promise<{ stop(): Promise<number> }> {
  const server = await startServer(root);
  let isOver = false;
  const work = (async () => {
    let saved = 0;
    for (; !isOver; saved += 1)
      await server.call("save_artifact", { bucket: "b", key: `other/${saved % 50}`, content: `${saved}` });
    return saved;
  })();
  return {
    async stop() {
      isOver = true;
      const saved = await work;
      await server.close();
      return saved;
    },
  };
}

describe("a large file", () => {
  it("put goes on with its upload after kills", async () => {
    await writeFile(at("big"), randomBytes(largeBytes));
    const server = await startServer(root);
    const offset = async (): Promise<number> => {
      const { data } = await server.call("list_upload_sessions", { bucket: "b", key: "big" });
      return (data as never as { offset: number }[])[0]?.offset ?? 0;
    };
    expect(await killedWhen(async () => (await offset()) > 16 * MiB, "put", at("big"), "b/big")).toBe(true);
    const begun = await offset();
    expect(begun).toBeGreaterThan(16 * MiB);
    expect(await killedWhen(async () => (await offset()) > begun + 16 * MiB, "put", at("big"), "b/big")).toBe(true);
    const { data } = await server.call("list_upload_sessions", { bucket: "b" });
    expect(data).toHaveLength(1); // the second put went on with the session of the first
    expect(json("put", at("big"), "b/big")).toMatchObject({ saved: 1, artifact: { version: 1, bytes: largeBytes } });
    expect(json("put", at("big"), "b/big")).toMatchObject({ already_saved: 1, artifact: { version: 1 } });
    expect(json("get", "b/big", at("back"))).toMatchObject({ written: 1 });
    expect(await sha256(at("back"))).toBe(await sha256(at("big")));
  });

  it("get goes on with its hidden file after kills, and leaves none", async () => {
    await writeFile(at("big"), randomBytes(largeBytes));
    json("put", at("big"), "b/big");
    await mkdir(at("out"));
    const size = async (): Promise<number> => {
      const [part] = await partsIn(at("out"));
      return part === undefined ? 0 : ((await stat(at("out", part)).catch(() => undefined))?.size ?? 0);
    };
    expect(await killedWhen(async () => (await size()) > 10 * MiB, "get", "b/big", at("out/"))).toBe(true);
    const [left = ""] = await partsIn(at("out"));
    expect(left).toMatch(/^\.big\.[0-9a-f]{16}-[0-9a-f]{8}-\d+-[0-9a-f]{8}\.part$/);
    const { ino } = await stat(at("out", left));
    expect(json("get", "b/big", at("out/"))).toMatchObject({ written: 1, unchanged: 0 });
    expect(await readdir(at("out"))).toEqual(["big"]);
    expect((await stat(at("out", "big"))).ino).toBe(ino); // the same file went on
    expect(await sha256(at("out", "big"))).toBe(await sha256(at("big")));
  });

  it("get begins again if the hidden file is wrong, or is of another version", async () => {
    await writeFile(at("big"), randomBytes(8 * MiB));
    json("put", at("big"), "b/big");
    await mkdir(at("out"));
    const started = async (): Promise<boolean> => (await partsIn(at("out"))).length > 0;
    expect(await killedWhen(started, "get", "b/big", at("out/"))).toBe(true);
    const [left = ""] = await partsIn(at("out"));
    await writeFile(at("out", left), randomBytes(3 * MiB));
    expect(json("get", "b/big", at("out/"))).toMatchObject({ written: 1 });
    expect(await digests(at("out"))).toEqual({ big: await sha256(at("big")) });
    await rm(at("out", "big"));
    expect(await killedWhen(started, "get", "b/big", at("out/"))).toBe(true);
    await writeFile(at("big"), randomBytes(8 * MiB));
    json("put", at("big"), "b/big");
    expect(json("get", "b/big", at("out/"))).toMatchObject({ written: 1 });
    expect(await digests(at("out"))).toEqual({ big: await sha256(at("big")) });
  });

  it("two gets of one target at once do not mix, and neither do two puts", async () => {
    await writeFile(at("big"), randomBytes(largeBytes));
    const puts = [begin("put", at("big"), "b/big"), begin("put", at("big"), "b/big")];
    for (const { ended } of puts) expect(await ended).toMatchObject({ code: 0, stderr: "" });
    const gets = Array.from({ length: 3 }, () => begin("get", "b/big", at("out/")));
    for (const { ended } of gets) expect(await ended).toMatchObject({ code: 0, stderr: "" });
    expect(await digests(at("out"))).toEqual({ big: await sha256(at("big")) });
    const listed = JSON.parse(runCommand(["versions", "b/big", "--json", "--root", root]).stdout);
    expect(JSON.stringify(listed).match(/"version":/g)).toHaveLength(1);
  });

  it("get takes over no hidden file of a process that runs", async () => {
    await writeFile(at("big"), randomBytes(4 * MiB));
    json("put", at("big"), "b/big");
    await mkdir(at("out"));
    const digest = (await sha256(at("big"))).slice(0, 16);
    const mine = `.big.${digest}-${processSpace()}-${process.pid}-0123abcd.part`;
    await writeFile(at("out", mine), "not the content");
    expect(json("get", "b/big", at("out/"))).toMatchObject({ written: 1 });
    expect(await readFile(at("out", mine), "utf8")).toBe("not the content");
    expect(await sha256(at("out", "big"))).toBe(await sha256(at("big")));
  });
});

describe("a folder, on a store that a server writes to", () => {
  it("put -r and get -r reach the same end after kills at any time", async () => {
    await plantTree(at("src"));
    const server = await busyServer();
    const kills = await killedUntilDone("put", "-r", at("src"), "b/run");
    expect(json("put", "-r", at("src"), "b/run")).toMatchObject({
      files: 402,
      saved: 0,
      already_saved: 402,
      status: 0,
    });
    const getKills = await killedUntilDone("get", "-r", "b/run", at("out"));
    expect(await digests(at("out"))).toEqual(await digests(at("src")));
    expect(json("get", "-r", "b/run", at("out"))).toMatchObject({ written: 0, unchanged: 402, status: 0 });
    expect(kills + getKills).toBeGreaterThan(0);
    expect(await server.stop()).toBeGreaterThan(0);
    expect(runCommand(["verify", "--root", root]).status).toBe(0);
  });

  it("sync reaches the same end both ways after kills at any time", async () => {
    await plantTree(at("src"));
    const server = await busyServer();
    json("put", "-r", at("src"), "b/run");
    await rename(at("src", "large"), at("src", "renamed"));
    for (let n = 0; n < 400; n += 3) await writeFile(at("src", `part ${n % 9}`, `${n}.bin`), `changed ${n}`);
    await rm(at("src", "part 1"), { recursive: true });
    const up = ["sync", at("src"), "b/run", "--delete", "--yes"];
    let kills = await killedUntilDone(...up);
    expect(json(...up)).toMatchObject({ copied: 0, deleted: 0, status: 0 });
    await mkdir(at("out", "part 1"), { recursive: true });
    for (let n = 0; n < 100; n += 1)
      await writeFile(at("out", `part ${n % 9 === 1 ? 2 : 1}`, `${n}.old`), "old").catch(() => undefined);
    const down = ["sync", "b/run", at("out"), "--delete", "--yes"];
    kills += await killedUntilDone(...down);
    expect(json(...down)).toMatchObject({ copied: 0, deleted: 0, status: 0 });
    expect(await digests(at("out"))).toEqual(await digests(at("src")));
    expect(kills).toBeGreaterThan(0);
    expect(await server.stop()).toBeGreaterThan(0);
    expect(runCommand(["verify", "--root", root]).status).toBe(0);
  });

  it("two puts and two gets of the same folder at once end with the same", async () => {
    await plantTree(at("src"));
    const puts = [begin("put", "-r", at("src"), "b/run"), begin("put", "-r", at("src"), "b/run")];
    for (const { ended } of puts) expect(await ended).toMatchObject({ code: 0, stderr: "" });
    const gets = [begin("get", "-r", "b/run", at("out")), begin("get", "-r", "b/run", at("out"))];
    for (const { ended } of gets) expect(await ended).toMatchObject({ code: 0, stderr: "" });
    expect(await digests(at("out"))).toEqual(await digests(at("src")));
  });

  it("SIGINT ends a put with 130, and the same command goes on", async () => {
    await plantTree(at("src"));
    const { child, ended } = begin("put", "-r", at("src"), "b/run");
    await setTimeout(700);
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect([0, 130, null]).toContain(code); // null: before it listened to signals
    if (code === 130) expect(stderr).toMatch(/^(?:artifacts-mcp: [^\n]*the same command goes on with the others\n)?$/);
    expect(json("put", "-r", at("src"), "b/run")).toMatchObject({ files: 402, status: 0 });
  });

  it("a file that keeps changing is named, and the others are saved", async () => {
    await plantTree(at("src"));
    const file = await open(at("src", "large", "1.bin"), "r+");
    let isOver = false;
    const writing = (async () => {
      for (let n = 0; !isOver; n += 1) {
        await file.write(Buffer.of(n), 0, 1, 19 * MiB);
        await setTimeout(1);
      }
    })();
    const { code, stderr, stdout } = await begin("put", "-r", at("src"), "b/run", "--json").ended;
    isOver = true;
    await writing;
    await file.close();
    expect(stderr).toMatch(/^artifacts-mcp: large\/1\.bin: The file changed while it was read[^\n]*\n$/);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { files: 401, failed: [{ name: "large/1.bin" }] }]);
  });
});

describe.skipIf(!canMount)(`get to a full disk ${canMount ? "" : needsMounts}`, () => {
  it("ends in one line, and goes on when there is room", async () => {
    await plantTree(at("src"));
    json("put", "-r", at("src"), "b/run");
    const disk = await memoryDisk(64 * MiB);
    await writeFile(join(disk.path, "filler"), Buffer.alloc(30 * MiB));
    const ran = runCommand(["get", "-r", "b/run", join(disk.path, "out"), "--root", root]);
    expect(ran.stderr).toMatch(/(?:^|\n)artifacts-mcp: [^\n]*the disk is full[^\n]*\n/);
    expect(ran.stderr).not.toContain("--overwrite");
    expect(ran.stderr.split("\n").length).toBeLessThan(6);
    expect(ran.status).toBe(1);
    const found = Object.entries(await digests(join(disk.path, "out"))).filter(([name]) => !name.endsWith(".part"));
    const whole = await digests(at("src"));
    for (const [name, digest] of found) expect(digest, name).toBe(whole[name]);
    await rm(join(disk.path, "filler"));
    const again = runCommand(["get", "-r", "b/run", join(disk.path, "out"), "--root", root]);
    expect([again.stderr, again.status]).toEqual(["", 0]);
    expect(await digests(join(disk.path, "out"))).toEqual(whole);
  });
});
