import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { openDataDirectory } from "../../../src/engines/data-directory.js";
import { bucketLimitsMs } from "../../../src/store/model/limits.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { expectRefusal, type Ran, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { builtServer, startServer } from "../../support/server-process.js";
import { silentLog } from "../../support/silent-log.js";
import { saveText, storeOn, textOf } from "../../support/stores.js";

let root: string;
/** How far the clocks of this process are ahead of the others. */
let aheadMs: number;
let store: Store;

/** A store of this process, as in a server. */
async function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  const { metadata, content, close } = await openDataDirectory(root, { isNamed: true }, silentLog);
  const clocks = { now: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
  const opened = storeOn({ metadata, content }, { ...clocks, ...options });
  onTestFinished(async () => {
    await opened.close();
    await close();
  });
  return opened;
}

beforeEach(async () => {
  root = join(await temporaryDirectory(), "store");
  aheadMs = 0;
  store = await open();
});

const run = (...args: readonly string[]): Ran => runCommand([...args, "--root", root]);
function done(...args: readonly string[]): string {
  const ran = run(...args);
  expect([ran.stderr, ran.status]).toEqual(["", 0]);
  return ran.stdout;
}
const json = (...args: readonly string[]) => JSON.parse(done(...args, "--json"));

async function keysOf(bucket: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.artifacts.list({ bucket, limit: 1_000, cursor });
    keys.push(...page.data.map(({ key }) => key));
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return keys;
}
const keysOrNone = (bucket: string): Promise<string[]> => keysOf(bucket).catch(() => []);

/** Starts a command, and kills it as soon as `isFarEnough`. Returns false if it has ended itself before. */
async function killedWhen(isFarEnough: () => Promise<boolean>, ...args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [builtServer, ...args, "--root", root], { stdio: "ignore" });
  const ended = once(child, "close");
  while (child.exitCode === null && !(await isFarEnough())) await new Promise(setImmediate);
  child.kill("SIGKILL");
  const [, signal] = await ended;
  return signal === "SIGKILL";
}

/** Saves `count` artifacts under `run/` of bucket `a`. Returns the ends of their keys. */
async function saveRun(count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, n) => String(n).padStart(5, "0"));
  for (const name of names) await saveText(store, "a", `run/${name}`, name);
  return names;
}

describe("cp and mv", () => {
  it("copy and move an artifact to a key, into a folder, into a bucket, and bring an old version back", async () => {
    await saveText(store, "a", "k.txt", "one");
    await saveText(store, "a", "k.txt", "two!");
    expect(done("cp", "a/k.txt", "b/copy.txt")).toBe("a/k.txt -> b/copy.txt@1, 4 B\n");
    expect(done("cp", "s3://a/k.txt@1", "s3://b/in/")).toBe("a/k.txt@1 -> b/in/k.txt@1, 3 B\n");
    expect(done("cp", "a/k.txt", "b")).toBe("a/k.txt -> b/k.txt@1, 4 B\n");
    expect(done("cp", "a/k.txt", "b")).toBe("a/k.txt -> b/k.txt@1, which has this content already\n");
    expect(done("cp", "a/k.txt@1", "a/k.txt")).toBe("a/k.txt@1 -> a/k.txt@3, 3 B\n");
    expect(json("cp", "b/in/k.txt", "b/copy.txt")).toMatchObject({ version: 2, saved_by: "command line" });
    expect(done("mv", "a/k.txt", "c/moved.txt")).toBe("a/k.txt -> c/moved.txt@3, 3 versions, 3 B\n");
    expect(await textOf(store, "c", "moved.txt", 2)).toBe("two!");
    expect(await textOf(store, "b", "copy.txt")).toBe("one");
    expect(await keysOrNone("a")).toEqual([]);
  });

  it("a move onto a target that exists says what it needs, and --overwrite puts it on top", async () => {
    await saveText(store, "a", "k", "source");
    await saveText(store, "b", "k", "target");
    expectRefusal(run("mv", "a/k", "b/"), 1, "b/k exists already, with version 1", "mv --overwrite");
    expect(await textOf(store, "a", "k")).toBe("source");
    expect(done("mv", "--overwrite", "a/k", "b/")).toBe("a/k -> b/k@2, 6 B\n");
    expect(await textOf(store, "b", "k")).toBe("source");
    expect(await textOf(store, "b", "k", 1)).toBe("target");
    await saveText(store, "a", "new", "text");
    done("mv", "--overwrite", "a/new", "c/new");
  });

  it("-r takes all under a folder, and only that; one that fails has its line, and the others go on", async () => {
    for (const key of ["x/1", "x/2", "x/deep/3", "xy", "x"]) await saveText(store, "a", key, `text of ${key}`);
    expect(done("cp", "-r", "a/x", "b/copies").split("\n").slice(-2)).toEqual(["3 artifacts copied, 38 B", ""]);
    expect(await keysOf("b")).toEqual(["copies/1", "copies/2", "copies/deep/3"]);
    await saveText(store, "c", "2", "in the way");
    const ran = run("mv", "-r", "a/x/", "c");
    expect(ran.stdout.split("\n")).toEqual([
      "a/x/1 -> c/1@1, 11 B",
      "a/x/deep/3 -> c/deep/3@1, 16 B",
      "2 artifacts moved, 27 B",
      "",
    ]);
    expect(ran.stderr).toMatch(/^artifacts-mcp: a\/x\/2: c\/2 exists already.*\n.*1 artifact could not be moved\n$/);
    expect(ran.status).toBe(1);
    expect(await keysOf("a")).toEqual(["x", "x/2", "xy"]);
    const failed = [{ name: "a/x/2", message: expect.stringContaining("c/2 exists already") }];
    expect(JSON.parse(run("mv", "-r", "--json", "a/x", "c").stdout)).toEqual({
      artifacts: 0,
      bytes: 0,
      data: [],
      failed,
    });
    expect(json("mv", "-r", "--overwrite", "a/x", "c")).toMatchObject({
      artifacts: 1,
      bytes: 11,
      data: [{ key: "2", version: 2 }],
      failed: [],
    });
    done("cp", "-r", "a", "whole");
    expect(await keysOf("whole")).toEqual(["x", "xy"]);
  });

  it("-r lifts a folder into the one above, where names are repeated", async () => {
    const names = Array.from({ length: 60 }, (_, n) => `z${n}`);
    for (const name of names) await saveText(store, "a", `x/x/${name}`, name);
    done("mv", "-r", "a/x", "a/");
    expect(await keysOf("a")).toEqual(names.map((name) => `x/${name}`).sort());
  });

  it("say which command is meant for a path of this machine", async () => {
    await saveText(store, "a", "k", "text");
    const folder = await temporaryDirectory();
    await mkdir(join(folder, "results"));
    await writeFile(join(folder, "results", "out.csv"), "a,b");
    const at = (...args: readonly string[]) => run(...args);
    expectRefusal(
      at("cp", `${folder}/results/out.csv`, "a/k"),
      2,
      `run "artifacts-mcp put ${folder}/results/out.csv a/k"`,
    );
    expectRefusal(at("cp", "-r", `${folder}/results`, "a/k"), 2, `run "artifacts-mcp put -r ${folder}/results a/k"`);
    expectRefusal(at("mv", "a/k", "./here"), 2, 'run "artifacts-mcp get a/k ./here", and "artifacts-mcp rm a/k"');
    expectRefusal(at("cp", "~/x", "."), 2, "are paths of this machine");
    expectRefusal(at("cp", "src/cli", "a/k"), 1, 'run "artifacts-mcp put -r src/cli a/k"');
    expectRefusal(at("cp", "a/k", "docs/"), 1, 'run "artifacts-mcp get a/k docs/"', "write artifact://docs/");
    expect(done("cp", "a/k", "artifact://docs/")).toBe("a/k -> docs/k@1, 4 B\n");
    const prefixed = { ARTIFACTS_BUCKET_PREFIX: "p-" };
    await saveText(store, "p-docs", "k", "text of another bucket");
    expect(runCommand(["cp", "docs/k", "docs/in/", "--root", root], prefixed)).toMatchObject({
      stdout: "docs/k -> docs/in/k@1, 22 B\n",
      stderr: "",
    });
    expect(await textOf(store, "p-docs", "in/k")).toBe("text of another bucket");
    expectRefusal(at("rm", "./k"), 2, "rm deletes BUCKET/KEY in the store");
  });

  it("name what is near a name that is not there", async () => {
    await saveText(store, "reports", "summary.csv", "text");
    expectRefusal(run("cp", "reports/sumary.csv", "b/"), 1, "Similar keys", '"summary.csv"');
    expectRefusal(run("mv", "reports/summary.csv@9", "b/"), 1, "version 9");
    expectRefusal(run("cp", "report/summary.csv", "b/"), 1, '"report"', '"reports"');
    expectRefusal(run("cp", "-r", "reports/none", "b/"), 1, "Nothing in bucket reports is under none/");
    expectRefusal(run("mv", "-r", "report", "b/"), 1, 'no bucket "report"', '"reports"');
    expect(await keysOrNone("b")).toEqual([]);
  });
});

describe("a command that was killed, while a server saves", () => {
  it("mv -r goes on, and every artifact is there exactly once at any moment", async () => {
    const server = await startServer(root);
    let wasKilled = false;
    for (let count = 400; !wasKilled; count *= 2) {
      const names = await saveRun(count);
      const target = `b${count}`;
      const isFarEnough = async (): Promise<boolean> => (await keysOrNone(target)).length >= 20;
      wasKilled = await killedWhen(isFarEnough, "mv", "-r", "a/run", `${target}/done`);
      const [left, moved] = [await keysOrNone("a"), await keysOf(target)];
      const all = [...left.map((key) => key.slice("run/".length)), ...moved.map((key) => key.slice("done/".length))];
      expect(all.sort()).toEqual(names);
      await server.call("save_artifact", { bucket: "a", key: "run/new", content: "new" });
      done("mv", "-r", "a/run", `${target}/done`);
      expect(await keysOrNone("a")).toEqual([]);
      expect(await keysOf(target)).toHaveLength(count + 1);
      expect(await textOf(store, target, "done/00123")).toBe("00123");
    }
    expect((await store.verify()).faults).toEqual([]);
  });

  it("rm -r goes on, and what is saved meanwhile stays", async () => {
    const server = await startServer(root);
    let wasKilled = false;
    for (let count = 400; !wasKilled; count *= 2) {
      await saveRun(count);
      const isFarEnough = async (): Promise<boolean> => (await keysOrNone("a")).length <= count - 20;
      wasKilled = await killedWhen(isFarEnough, "rm", "-r", "--yes", "a/run");
    }
    await saveText(store, "a", "run/last", "text"); // so that something is left in any case
    const left = await keysOf("a");
    const saving = Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        server.call("save_artifact", { bucket: "a", key: `other/${n}`, content: "new" }),
      ),
    );
    const answer = json("rm", "-r", "--yes", "a/run");
    await saving;
    expect(answer).toMatchObject({ bucket: "a", prefix: "run/", deleted: left.length, kept: 0 });
    expect(await keysOf("a")).toHaveLength(40);
    expect((await store.verify()).faults).toEqual([]);
  });
});

describe("rm", () => {
  it("deletes a key, or one version, and says what was deleted", async () => {
    for (const text of ["one", "two", "three"]) await saveText(store, "a", "k", text);
    expect(done("rm", "--dry-run", "a/k")).toBe("would delete a/k, 3 versions\n");
    expect(json("rm", "-n", "a/k")).toMatchObject({ key: "k", deleted_versions: 3, dry_run: true });
    expect(done("rm", "a/k@2")).toBe("deleted a/k@2, 1 version\n");
    expect(done("rm", "a/k@2")).toBe("a/k@2 was deleted before\n");
    expect(json("rm", "a/k")).toMatchObject({
      bucket: "a",
      key: "k",
      version: 3,
      deleted_versions: 2,
      last_version: 3,
    });
    expect(json("rm", "a/k")).toEqual({ bucket: "a", key: "k", already_deleted: true });
  });

  it("-r shows what matches, needs --yes without a terminal, and deletes a folder or a bucket", async () => {
    for (let n = 0; n < 9; n += 1) await saveText(store, "a", `run1/${n}`, "text");
    await saveText(store, "a", "run10/1", "text");
    await saveText(store, "a", "run1", "text");
    expectRefusal(run("rm", "-r", "a/run1"), 2, "add --yes");
    expect(done("rm", "-r", "-n", "a/run1").split("\n").slice(0, 5)).toEqual([
      "would delete 9 artifacts in a/run1/, 36 B with all versions:",
      "  run1/0",
      "  run1/1",
      "  run1/2",
      "  ... 3 more",
    ]);
    expect(json("rm", "-r", "-n", "a/run1")).toMatchObject({ artifacts: 9, all_bytes: 36, dry_run: true });
    expect(done("rm", "-r", "--yes", "a/run1")).toBe("deleted 9 artifacts, 36 B\n");
    expect(await keysOf("a")).toEqual(["run1", "run10/1"]);
    expectRefusal(run("rm", "-r", "--yes", "a/run1"), 1, "Nothing in bucket a is under run1/");
    expect(done("rm", "-ry", "s3://a/")).toBe("deleted 2 artifacts, 8 B\n");
    expectRefusal(run("rm", "-r", "--yes", "a"), 1, 'no bucket "a"');
  });

  it("names what is near a name that is not there", async () => {
    await saveText(store, "reports", "summary.csv", "text");
    expectRefusal(run("rm", "reports/sumary.csv"), 1, "Similar keys", '"summary.csv"');
    expectRefusal(run("rm", "reports/summary.csv@9"), 1, "version 9");
    expect(await keysOf("reports")).toEqual(["summary.csv"]);
  });
});

describe("bucket", () => {
  it("sets limits, also of a bucket that holds nothing, shows them, and takes them away", async () => {
    await saveText(store, "a", "k", "text");
    await saveText(store, "a", "k", "text 2");
    expect(done("bucket", "set", "a", "--max-bytes", "1.5KiB", "--max-age", "36h").split("\n")).toEqual([
      "bucket      a",
      "max age     36h",
      "max bytes   1536 bytes (1.5 KiB)",
      "holds       1 artifact, 10 B with all versions, 0 B in unfinished uploads",
      "",
    ]);
    expect(json("bucket", "set", "new", "--max-bytes", "10GB")).toMatchObject({ max_bytes: 1e10, artifacts: 0 });
    expect(
      done("bucket")
        .split("\n")
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ["BUCKET", "ARTIFACTS", "SIZE", "UNFINISHED", "MAX BYTES", "MAX AGE"],
      ["a", "1", "10 B", "0 B", "1.5 KiB", "36h"],
      ["new", "0", "0 B", "0 B", "9.3 GiB", "-"],
      [""],
    ]);
    expect(json("bucket", "ls").data.map(({ name }: { name: string }) => name)).toEqual(["a", "new"]);
    done("bucket", "set", "new", "--max-bytes", "none");
    expect(json("bucket", "show", "new")).toMatchObject({ max_bytes: null, max_age: null });
    expect(json("bucket").data).toHaveLength(1);
    expect(done("bucket", "set", "a", "--max-bytes", "4")).toContain("6 B above max bytes");
    expect((await store.verify()).faults).toEqual([]);
  });

  it("--max-bytes refuses the next saves of a running server within a minute, until it is raised", async () => {
    await saveText(store, "a", "k", "12345");
    const { id } = await store.uploads.create({ bucket: "a", key: "upload" });
    await store.uploads.append(id, 0, Buffer.from("12345"));
    done("bucket", "set", "a", "--max-bytes", "8");
    aheadMs += bucketLimitsMs;
    await expect(saveText(store, "a", "l", "1")).rejects.toMatchObject({ code: "storage_full", next: "free_bucket" });
    await expect(store.uploads.append(id, 5, Buffer.from("6"))).rejects.toMatchObject({ code: "storage_full" });
    expect(await store.uploads.complete(id)).toMatchObject({ status: "complete" });
    await saveText(store, "b", "l", "another bucket");
    expectRefusal(
      run("cp", "b/l", "a/"),
      1,
      'Bucket "a" holds 10 of at most 8 bytes',
      'raise its limit with "artifacts-mcp bucket set"',
    );
    const server = await startServer(root);
    const refused = await server.call("save_artifact", { bucket: "a", key: "l", content: "123456789" });
    expect(refused.error).toMatchObject({ code: "storage_full" });
    expect(refused.error?.message).toContain("use another one");
    done("bucket", "set", "a", "--max-bytes", "none");
    aheadMs += bucketLimitsMs;
    await saveText(store, "a", "l", "123456789");
  });

  it("--max-age says how many artifacts will go, a server deletes them, and nothing once it is taken away", async () => {
    await saveText(store, "a", "old", "text");
    await saveText(store, "b", "old", "text");
    aheadMs += 60_000;
    await saveText(store, "a", "young", "text");
    const pass = () => store.ageLimits.run({ trustsClock: true });
    done("bucket", "set", "a", "--max-age", "50s");
    done("bucket", "set", "a", "--max-age", "none");
    expect(await pass()).toMatchObject({ artifacts: 0 });
    done("bucket", "set", "a", "--max-age", "50s");
    expect(await pass()).toMatchObject({ artifacts: 1 });
    expect(await keysOf("a")).toEqual(["young"]);
    expect(await keysOf("b")).toEqual(["old"]);
    aheadMs -= 2 * 60_000;
    await saveText(store, "a", "before", "text");
    const shown = done("bucket", "set", "a", "--max-age", "50s"); // no process has run for an hour here
    expect(shown).toContain(
      "too old     1 artifact: no clock has proved right yet, so a server deletes what it has itself seen",
    );
  });

  it("is refused what it writes where ARTIFACTS_READ_ONLY is set, and shows all the same", async () => {
    const environment = { ARTIFACTS_READ_ONLY: "true" };
    const readOnly = (...args: readonly string[]) => runCommand([...args, "--root", root], environment);
    expectRefusal(readOnly("bucket", "set", "a", "--max-age", "1d"), 2, "ARTIFACTS_READ_ONLY");
    expectRefusal(readOnly("rm", "a/k"), 2, "ARTIFACTS_READ_ONLY");
    expect(readOnly("bucket").status).toBe(0);
  });
});
