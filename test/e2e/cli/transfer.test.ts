import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { expectRefusal, type Ran, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { patience } from "../../support/patience.js";
import { builtServer } from "../../support/server-process.js";

let base: string;
let root: string;
beforeEach(async () => {
  base = await temporaryDirectory();
  root = join(base, "store");
});

const run = (...args: string[]): Ran => runCommand([...args, "--root", root]);
const json = (...args: string[]) => {
  const { stdout, stderr, status } = run(...args, "--json");
  return { ...JSON.parse(stdout), stderr, status };
};
const at = (...names: string[]): string => join(base, ...names);

async function plant(folder: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** The files below a folder, hidden ones too, with their content. */
async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.map(async (path) => [path.slice(folder.length + 1), await readFile(path, "latin1")] as const);
  return Object.fromEntries((await Promise.all(pairs)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const tree = {
  "a.txt": "a",
  empty: "",
  ".hidden": "h",
  "sub/b c.csv": "1,2\n",
  "sub/deep/é报告.bin": "x".repeat(70_000),
};

describe("put and get of one file", () => {
  it("keep content, type, metadata, and say which version it is", async () => {
    await plant(base, { "data.csv": "a,b\n1,2\n" });
    const saved = json(
      "put",
      at("data.csv"),
      "b/runs/",
      "--metadata",
      "run=42",
      "--metadata",
      "by=x=y",
      "--expires-in",
      "7d",
    );
    expect(saved).toMatchObject({ files: 1, bytes: 8, saved: 1, already_saved: 0, skipped: [], failed: [], status: 0 });
    expect(saved.artifact).toMatchObject({
      key: "runs/data.csv",
      version: 1,
      mime_type: "text/csv",
      metadata: { run: "42", by: "x=y" },
      saved_by: "command line",
      expires_at: expect.any(Number),
    });
    expect(run("put", at("data.csv"), "b/x.bin", "--mime-type", "text/plain").stdout).toBe("b/x.bin version 1, 8 B\n");
    expect(run("put", at("data.csv"), "b/x.bin", "--mime-type", "text/plain").stdout).toContain("already saved");
    const got = run("get", "b/runs/data.csv", at("out", "new.csv"));
    expect(got).toMatchObject({ stdout: `${at("out", "new.csv")} 8 B\n`, stderr: "", status: 0 });
    expect(await readFile(at("out", "new.csv"), "utf8")).toBe("a,b\n1,2\n");
    expect(run("get", "b/runs/data.csv", at("out")).status).toBe(0); // into a folder, with its own name
    expect(await readdir(at("out"))).toEqual(["data.csv", "new.csv"]);
  });

  it("take a guard, several files, a version, and stdin", async () => {
    await plant(base, { one: "1", two: "2" });
    expect(run("put", at("one"), "b/k", "--if-version", "0").status).toBe(0);
    expectRefusalOf(run("put", at("two"), "b/k", "--if-version", "0"), "the newest version of the key is 1");
    expect(run("put", at("two"), "b/k", "--if-version", "1").status).toBe(0);
    expect(run("put", at("one"), at("two"), "b/many/").stdout).toBe("2 files, 2 B: 2 saved\n");
    expect(run("get", "b/k@1", at("old")).status).toBe(0);
    expect(await readFile(at("old"), "utf8")).toBe("1");
    const big = randomBytes(20 * 1024 * 1024);
    const options = { input: big, encoding: "utf8", ...patience } as const;
    const piped = spawnSync(process.execPath, [builtServer, "put", "-", "b/piped.bin", "--root", root], options);
    expect(piped).toMatchObject({ status: 0, stderr: "", stdout: "b/piped.bin version 1, 20 MiB\n" });
    expect(run("get", "b/piped.bin", at("piped")).status).toBe(0);
    expect((await readFile(at("piped"))).equals(big)).toBe(true);
  });

  it("refuse in one line what cannot be meant", async () => {
    await plant(base, { f: "f", "dir/g": "g" });
    run("put", at("f"), "b/f");
    run("put", "-r", at("dir"), "b/dir");
    expectRefusal(run("put", at("f")), 2, "put needs a PATH and an address");
    expectRefusal(run("put", at("f"), at("dir")), 2, "is a path of this machine");
    expectRefusal(run("put", at("f"), "b/f@3"), 2, "takes no version");
    expectRefusal(run("put", at("f"), at("dir", "g"), "b/f"), 2, "end the address with a slash");
    expectRefusal(run("put", "-", "b/"), 2, "stdin has no name");
    expectRefusalOf(run("put", at("dir"), "b/"), "it is a folder: put -r");
    expectRefusalOf(run("put", at("none"), "b/"), "there is no such file");
    expectRefusalOf(run("put", at("f"), "B!/f"), "bucket");
    expectRefusal(run("get", "b", at("out")), 2, "get -r");
    expectRefusal(run("get", "b/dir/", at("out")), 2, "get -r");
    expectRefusal(run("get", "b/f", "-"), 2, "cat");
    expectRefusalOf(run("get", "b/dir", at("out")), "is a folder of keys: get -r");
    expectRefusalOf(run("get", "b/ff", at("out")), "b", "f");
    expectRefusalOf(run("get", "-r", "b/nothing", at("out")), "There is nothing under");
    expectRefusal(run("sync", "dir", "b"), 2, "write it as a path, like ./dir or ./b");
    expectRefusal(run("sync", "./dir", "./b"), 2, "are both paths");
    expectRefusal(run("sync", at("dir"), "b/dir", "--delete"), 2, "--yes");
  });
});

/** Expects exit 1, and one line on stderr. A summary may be on stdout. */
function expectRefusalOf(ran: Ran, ...parts: string[]): void {
  expect(ran.stderr).toMatch(/^artifacts-mcp: [^\n]+\n$/);
  for (const part of parts) expect(ran.stderr).toContain(part);
  expect(ran.status).toBe(1);
}

describe("put -r and get -r", () => {
  it("move the files below a folder, and do nothing twice", async () => {
    await plant(at("src"), tree);
    const bytes = Object.values(tree).join("").length;
    expect(json("put", "-r", at("src"), "b/run")).toMatchObject({
      files: 5,
      bytes,
      saved: 5,
      already_saved: 0,
      status: 0,
    });
    expect(json("put", "-r", at("src"), "b/run/")).toMatchObject({ saved: 0, already_saved: 5, status: 0 });
    expect(json("get", "-r", "b/run", at("out"))).toMatchObject({
      files: 5,
      bytes,
      written: 5,
      unchanged: 0,
      status: 0,
    });
    expect(await contents(at("out"))).toEqual(await contents(at("src")));
    expect(json("get", "-r", "b/run/", at("out"))).toMatchObject({ written: 0, unchanged: 5, status: 0 });
    expect(json("get", "-r", "b", at("all"))).toMatchObject({ written: 5, status: 0 });
    expect(await contents(at("all", "run"))).toEqual(await contents(at("src")));
  });

  it("get never replaces a file with other content unless it may", async () => {
    await plant(at("src"), tree);
    run("put", "-r", at("src"), "b");
    await plant(at("out"), { "a.txt": "mine", "kept.txt": "k", "sub/target": "t" });
    await symlink("sub/target", at("out", "empty"));
    const ran = json("get", "-r", "b", at("out"));
    expect(ran).toMatchObject({ written: 3, failed: [{ name: "a.txt" }, { name: "empty" }], status: 1 });
    expect(ran.stderr).toContain(
      "artifacts-mcp: a.txt: a file with other content is there (--overwrite replaces it)\n",
    );
    expect(await readFile(at("out", "a.txt"), "utf8")).toBe("mine");
    expect(await readlink(at("out", "empty"))).toBe("sub/target");
    expect(json("get", "-r", "b", at("out"), "--overwrite")).toMatchObject({ written: 2, unchanged: 3, status: 0 });
    expect((await lstat(at("out", "empty"))).isFile()).toBe(true);
    const expected = { ...(await contents(at("src"))), "kept.txt": "k", "sub/target": "t" };
    expect(await contents(at("out"))).toEqual(expected);
  });

  it("skip and name symlinks and special files; --follow follows, and finds loops", async () => {
    await plant(at("src"), { "a.txt": "a", "sub/b": "b" });
    await symlink("a.txt", at("src", "link"));
    await symlink("..", at("src", "sub", "up"));
    await symlink("nowhere", at("src", "broken"));
    spawnSync("mkfifo", [at("src", "pipe")]);
    const plain = json("put", "-r", at("src"), "b/plain");
    expect(plain).toMatchObject({ files: 2, status: 0 });
    expect(plain.skipped).toEqual([
      { name: "broken", kind: "symlink", message: "a symlink" },
      { name: "link", kind: "symlink", message: "a symlink" },
      { name: "pipe", kind: "fifo", message: "a FIFO (named pipe)" },
      { name: "sub/up", kind: "symlink", message: "a symlink" },
    ]);
    expect(plain.stderr).toContain("artifacts-mcp: link: skipped: a symlink\n");
    const followed = json("put", "-r", at("src"), "b/followed", "--follow");
    expect(followed).toMatchObject({ files: 3, status: 0 });
    const loop = { name: "sub/up", kind: "symlink", message: "a symlink to a folder that contains it" };
    expect(followed.skipped).toContainEqual(loop);
    expect(followed.skipped).toContainEqual({
      name: "broken",
      kind: "symlink",
      message: "a symlink that leads to no file",
    });
  });

  it("name what cannot be a key or a file, and --rename maps it", async () => {
    await plant(at("src"), { good: "1", "back\\slash": "2", "new\nline": "3", " lead": "4", "50%41": "5" });
    await writeFile(Buffer.concat([Buffer.from(`${at("src")}/raw-`), Buffer.of(0xff)]), "6");
    const plain = json("put", "-r", at("src"), "b/plain");
    expect(plain).toMatchObject({ files: 2, status: 1 });
    expect(plain.failed.map(({ name }: { name: string }) => name)).toEqual([
      " lead",
      "back\\slash",
      "new\nline",
      "raw-%FF",
    ]);
    expect(plain.stderr.split("\n")).toHaveLength(5);
    const mapped = json("put", "-r", at("src"), "b/mapped", "--rename");
    expect(mapped).toMatchObject({ files: 6, failed: [], status: 0 });
    expect(json("put", "-r", at("src"), "b/mapped", "--rename")).toMatchObject({ already_saved: 6 });
    expect(json("get", "-r", "b/mapped", at("same"), "--rename")).toMatchObject({ written: 6, status: 0 });
    expect(await contents(at("same"))).toEqual(await contents(at("src")));
    expect(json("get", "-r", "b/mapped", at("out"))).toMatchObject({ written: 6, status: 0 });
    expect(Object.keys(await contents(at("out")))).toEqual([
      "%20lead",
      "50%41",
      "back%5Cslash",
      "good",
      "new%0Aline",
      "raw-%FF",
    ]);
  });

  it("an artifact below another one cannot be a file below a file; --rename maps it", async () => {
    await plant(base, { f: "f", g: "g", h: "h" });
    run("put", at("f"), "b/a");
    run("put", at("g"), "b/a/b");
    run("put", at("h"), "b/a/c/d");
    const plain = json("get", "-r", "b", at("plain"));
    expect(plain).toMatchObject({ written: 1, failed: [{ name: "a/b" }, { name: "a/c/d" }], status: 1 });
    expect(plain.stderr).toContain("a file cannot be a folder");
    expect(json("get", "-r", "b", at("mapped"), "--rename")).toMatchObject({ written: 3, status: 0 });
    expect(await contents(at("mapped"))).toEqual({ a: "f", "a%2Fb": "g", "a%2Fc/d": "h" });
    run("put", at("f"), `b/${"x".repeat(300)}`);
    expect(json("get", "-r", "b", at("mapped"), "--rename")).toMatchObject({ unchanged: 3, status: 1 });
  });

  it("go on after a file that cannot be read, and skip the store's own directory", async () => {
    await plant(at("src"), { a: "a", b: "b" });
    run("put", at("src", "a"), "b/first");
    const whole = json("put", "-r", base, "b/all");
    expect(whole).toMatchObject({ files: 2, skipped: [{ name: "store", kind: "store" }] });
    expectRefusalOf(run("get", "-r", "b/all", join(root, "content")), "the store's own directory");
  });

  it.skipIf(process.getuid?.() === 0)("name files that may not be read", async () => {
    await plant(at("src"), { a: "a", b: "b" });
    await chmod(at("src", "a"), 0);
    expect(json("put", "-r", at("src"), "b")).toMatchObject({ files: 1, failed: [{ name: "a" }], status: 1 });
  });
});

describe("sync", () => {
  it("makes the store like a folder, and deletes only when told", async () => {
    await plant(at("src"), { a: "1", "sub/b": "2", "sub/c": "3" });
    expect(json("sync", at("src"), "b/run")).toMatchObject({ copied: 3, unchanged: 0, deleted: 0, status: 0 });
    await writeFile(at("src", "a"), "changed");
    await rm(at("src", "sub", "b"));
    run("put", at("src", "a"), "b/beside");
    expect(run("sync", at("src"), "b/run", "--delete", "--dry-run").stdout).toBe(
      "copy run/a\ndelete run/sub/b\nwould be: 2 files, 8 B: 1 copied, 1 unchanged, 1 deleted\n",
    );
    expect(json("sync", at("src"), "b/run")).toMatchObject({ copied: 1, unchanged: 1, deleted: 0, status: 0 });
    expect(json("sync", at("src"), "b/run", "--delete", "--yes")).toMatchObject({ copied: 0, deleted: 1, status: 0 });
    expect(json("get", "-r", "b", at("out"))).toMatchObject({ written: 3 });
    expect(await contents(at("out"))).toEqual({ beside: "changed", "run/a": "changed", "run/sub/c": "3" });
  });

  it("keeps type and metadata of what is the same, and what a symlink stands for", async () => {
    await plant(at("src"), { a: "1", b: "2" });
    run("put", at("src", "a"), "b/run/a", "--metadata", "x=y");
    run("put", at("src", "b"), "b/run/b");
    await rm(at("src", "b"));
    await symlink("a", at("src", "b"));
    const synced = json("sync", at("src"), "b/run", "--delete", "--yes");
    expect(synced).toMatchObject({ unchanged: 1, deleted: 0, skipped: [{ name: "b" }], status: 0 });
  });

  it("makes a folder like the store, and deletes only when told", async () => {
    await plant(at("src"), { a: "1", "sub/b": "2" });
    run("put", "-r", at("src"), "b/run");
    await plant(at("out"), { a: "old", "extra/x": "x", "extra/y/z": "z" });
    expect(run("sync", "b/run", at("out"), "--delete", "-n").stdout).toContain("delete extra/x\ndelete extra/y/z\n");
    expect(json("sync", "b/run", at("out"))).toMatchObject({ copied: 2, deleted: 0, status: 0 });
    expect(Object.keys(await contents(at("out")))).toEqual(["a", "extra/x", "extra/y/z", "sub/b"]);
    expect(json("sync", "b/run", at("out"), "--delete", "--yes")).toMatchObject({
      unchanged: 2,
      deleted: 2,
      status: 0,
    });
    expect(await contents(at("out"))).toEqual({ a: "1", "sub/b": "2" });
    expect(await readdir(at("out"))).toEqual(["a", "sub"]);
    expectRefusalOf(run("sync", "b/typo", at("out"), "--delete", "--yes"), "There is nothing under");
    expect(await contents(at("out"))).toEqual({ a: "1", "sub/b": "2" });
  });

  it("changes no store when it makes a folder like one", async () => {
    await plant(at("src"), { a: "1" });
    expectRefusal(run("sync", "b/run", at("out")), 1, "There is no store");
    run("put", "-r", at("src"), "b/run");
    const readOnly = (...args: string[]): Ran => runCommand([...args, "--root", root], { ARTIFACTS_READ_ONLY: "true" });
    expectRefusal(readOnly("sync", at("src"), "b/run"), 2, "ARTIFACTS_READ_ONLY");
    expect(readOnly("sync", "b/run", at("out")).status).toBe(0);
    expect(await contents(at("out"))).toEqual({ a: "1" });
  });
});
