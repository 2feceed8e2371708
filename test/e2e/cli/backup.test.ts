import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { claimFolder } from "../../../src/engines/backup-folder/folder-claim.js";
import { loadSqliteDriver } from "../../../src/engines/sqlite/database/driver.js";
import type { BackupManifest } from "../../../src/store/backup/backup-manifest.js";
import { expectRefusal, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { startServer } from "../../support/server-process.js";
import { silentLog } from "../../support/silent-log.js";

const large = "content ".repeat(20_000);

/** A store with artifacts in rows and in files, versions, and an upload. Its server runs. */
async function running() {
  const above = await temporaryDirectory();
  const root = join(above, "store");
  const server = await startServer(root);
  const save = (key: string, content: string) => server.call("save_artifact", { bucket: "b", key, content });
  await save("large", large);
  await save("small", "first");
  await save("small", "second");
  await save("gone", "x");
  await server.call("delete_artifact", { bucket: "b", key: "gone" });
  const { id } = await server.call("create_upload_session", { bucket: "b", key: "up", mime_type: "text/plain" });
  await server.call("upload_chunk", { session_id: id, offset: 0, data: "hello " });
  return { above, root, server, save, id, path: join(above, "backup") };
}

const run = (root: string, ...args: string[]) => runCommand([...args, "--root", root]);

async function contentPaths(path: string): Promise<string[]> {
  const entries = await readdir(join(path, "content"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

it("a backup is made while a server runs, and restored on another machine, where an agent goes on", async () => {
  const { above, root, path, id, server, save } = await running();
  const first = run(root, "backup", path);
  expect(first).toMatchObject({ status: 0, stderr: "" });
  expect(first.stdout).toContain("2 artifacts, 3 versions, 1 unfinished upload");
  await save("new", "new");
  const second = run(root, "backup", path, "--json");
  expect(JSON.parse(second.stdout)).toMatchObject({
    artifacts: 3,
    versions: 4,
    gone: 1,
    unfinished_uploads: 1,
    skipped: [],
    failed: [],
    removed: 1,
  });
  await server.close();
  await rm(root, { recursive: true });
  const copy = join(above, "copy");
  const restored = run(copy, "restore", path);
  expect(restored).toMatchObject({ status: 0, stderr: "" });
  expect(restored.stdout).toContain("restored and verified");
  expect(run(copy, "verify").status).toBe(0);
  const other = await startServer(copy);
  expect(await other.call("get_upload_session", { session_id: id })).toMatchObject({ offset: 6, tail: "hello " });
  await other.call("upload_chunk", { session_id: id, offset: 6, data: "world" });
  expect(await other.call("complete_upload_session", { session_id: id })).toMatchObject({ status: "complete" });
  expect(await other.call("save_artifact", { bucket: "b", key: "gone", content: "again" })).toMatchObject({
    version: 2,
  });
  expect(run(copy, "cat", "b/small@1").stdout).toBe("first");
  expect(run(copy, "cat", "b/large").stdout).toBe(large);
});

it("what cannot be a backup, and what cannot be restored, is refused in one line", async () => {
  const { above, root, path } = await running();
  expectRefusal(run(root, "backup"), 2, "backup DIR");
  expectRefusal(run(root, "backup", path, "more"), 2, "unexpected argument");
  expectRefusal(run(root, "backup", join(root, "inside")), 1, "is in the data directory");
  const foreign = join(above, "foreign");
  await mkdir(foreign);
  await writeFile(join(foreign, "notes.txt"), "mine");
  expectRefusal(run(root, "backup", foreign), 1, "notes.txt", "Nothing was written");
  expect(await readdir(foreign)).toEqual(["notes.txt"]);
  expectRefusal(run(join(above, "none"), "backup", path), 1, "no store");
  expectRefusal(run(join(above, "new"), "restore", path), 1, "is no backup");
  expect(await readdir(above)).not.toContain("new"); // no store was made
  expect(run(root, "backup", path).status).toBe(0);
  expectRefusal(run(root, "restore", path), 1, "not empty");
  const claim = await claimFolder(path, "writer", silentLog);
  expectRefusal(run(root, "backup", path), 1, "in use");
  await claim?.release();
  const other = join(above, "other");
  expect(run(other, "restore", path).status).toBe(0);
  expectRefusal(run(other, "backup", path), 1, "another store");
  await writeFile(join(path, "backup.json"), (await readFile(join(path, "backup.json"), "utf8")).replace("1", "7"));
  expectRefusal(run(join(above, "new"), "restore", path), 1, "format 7", "newer version");
});

it("content that is missing or changed in the backup is named, and everything else is restored: exit 1", async () => {
  const { above, root, path } = await running();
  expect(run(root, "backup", path).status).toBe(0);
  for (const file of await contentPaths(path)) {
    const text = await readFile(file, "utf8");
    if (text === "first") await rm(file);
    if (text === large) await writeFile(file, large.replace("c", "C"));
  }
  const { status, stderr, stdout } = run(join(above, "copy"), "restore", path);
  expect(stderr.trimEnd().split("\n")).toEqual([
    expect.stringContaining("b/large, version 1: the content is not what was saved"),
    expect.stringContaining("b/small, version 1: the content is not in the backup"),
  ]);
  expect(stdout).toContain("2 problems");
  expect(status).toBe(1);
  expect(run(join(above, "copy"), "cat", "b/small").stdout).toBe("second");
  expect(run(join(above, "copy"), "verify").status).toBe(0);
  // The next backup of the store notices the missing content, and with --check the changed one too.
  expect(run(root, "backup", path, "--check").status).toBe(0);
  expect(run(join(above, "again"), "restore", path)).toMatchObject({ status: 0, stderr: "" });
});

it("content that is damaged in the store is named and left out: exit 1", async () => {
  const { above, root, path, server } = await running();
  const [piece = ""] = (await contentPaths(root)).filter((file) => !file.includes("format"));
  await writeFile(piece, large.replace("c", "C"));
  const { status, stderr } = run(root, "backup", path);
  expect(stderr).toBe(
    "artifacts-mcp: b/large, version 1: the content is not what was saved: its SHA-256 differs; the backup has not got it\n",
  );
  expect(status).toBe(1);
  const manifest: BackupManifest = JSON.parse(await readFile(join(path, "backup.json"), "utf8"));
  expect(manifest.damaged).toHaveLength(1);
  const restored = run(join(above, "copy"), "restore", path);
  expect(restored.stdout).toContain("restored and verified");
  expect(restored.stderr).toBe(
    "artifacts-mcp: b/large, version 1: it was damaged before the backup, which has not got it\n",
  );
  expect(restored.status).toBe(1);
  await server.close();
});

it("what the store has damaged is kept from the backup before, and stdout says so: exit 1", async () => {
  const { above, root, path, server } = await running();
  await server.close();
  expect(run(root, "backup", path).status).toBe(0);
  const { DatabaseSync } = await loadSqliteDriver();
  const database = new DatabaseSync(join(root, "metadata.sqlite"), { timeout: 10_000 });
  database.exec(
    `update keyv set value = replace(value, '"created_at"', '"created_xx"') where key like 'artifact%large'`,
  );
  database.close();
  const { status, stdout, stderr } = run(root, "backup", path);
  expect(stdout).toContain("kept from the backup before: artifact b large\n");
  expect(stdout).toContain("2 artifacts, 3 versions");
  expect(stderr).toBe("artifacts-mcp: artifact b large: cannot be read; the backup has it as the one before had it\n");
  expect(status).toBe(1);
  expect(run(join(above, "copy"), "restore", path).status).toBe(0);
  expect(run(join(above, "copy"), "cat", "b/large").stdout).toBe(large);
});

it("an older database does not replace the backup of a newer one", async () => {
  const { above, root, path, server } = await running();
  await server.close();
  const database = join(root, "metadata.sqlite");
  await cp(database, join(above, "old.sqlite"));
  await writeFile(join(above, "new.txt"), "new");
  expect(run(root, "put", join(above, "new.txt"), "b/new").status).toBe(0);
  expect(run(root, "verify").status).toBe(0);
  expect(run(root, "backup", path).status).toBe(0);
  for (const suffix of ["-wal", "-shm"]) await rm(database + suffix, { force: true });
  await cp(join(above, "old.sqlite"), database);
  expectRefusal(run(root, "backup", path), 1, "older than the content", "run verify first");
  expect(run(join(above, "copy"), "restore", path).status).toBe(0);
  expect(run(join(above, "copy"), "cat", "b/new").stdout).toBe("new");
});

it("no command prints a path that controls the terminal", async () => {
  const { above, root } = await running();
  const named = (name: string) => join(above, `${name}\u001b[31mred`);
  const commands = [
    ["backup", named("backup")],
    ["export", named("export"), "b"],
    ["get", "b/small", named("file")],
    ["get", "b/small", named("file"), "--json"],
    ["get", "b/large", join(named("none"), "none")],
    ["import", named("export")],
    ["put", named("none"), "b/k"],
    ["sync", named("export"), "b/synced"],
  ];
  const others = [
    ["restore", named("backup"), "--root", named("store")],
    ["verify", "--root", named("store")],
    ["verify", "--root", named("none")],
    ["ls", "--root", named("none")],
    ["doctor", "--root", named("none")],
    ["setup", "--root", named("store"), "claude-code"],
  ];
  for (const command of [...commands.map((words) => [...words, "--root", root]), ...others]) {
    const { stdout, stderr } = runCommand(command);
    expect(stdout + stderr).not.toBe("");
    expect(stdout + stderr, command.join(" ")).not.toContain("\u001b");
  }
});

it("a copy of a backup is a backup", async () => {
  const { above, root, path } = await running();
  expect(run(root, "backup", path).status).toBe(0);
  await cp(path, join(above, "moved"), { recursive: true });
  await rm(path, { recursive: true });
  expect(run(join(above, "copy"), "restore", join(above, "moved")).status).toBe(0);
});
