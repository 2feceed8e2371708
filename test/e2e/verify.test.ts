import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, utimes, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { loadSqliteDriver } from "../../src/engines/sqlite/database/driver.js";
import type { VerifyReport } from "../../src/store/maintenance/verify-report.js";
import { defaultKeepVersions } from "../../src/store/model/limits.js";
import { temporaryDirectory } from "../support/directories.js";
import { Dead } from "../support/faults.js";
import { openEngines } from "../support/mcp-client.js";
import { patience } from "../support/patience.js";
import { builtServer, startServer } from "../support/server-process.js";
import { bytesOf, saveText, storeOn, textOf } from "../support/stores.js";

function verify(root: string, ...args: string[]) {
  const options = { encoding: "utf8", input: "", ...patience } as const;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [builtServer, "verify", "--root", root, ...args],
    options,
  );
  return { status, stdout, stderr };
}

const reportOf = (stdout: string): VerifyReport => JSON.parse(stdout);

/** Content of this size is too large for a row. */
const contentOf = (key: string): string => `content of ${key} `.repeat(3_000);

/** A store with two artifacts in files and one in a row, and the paths of the files. */
async function storeWithContent() {
  const root = join(await temporaryDirectory(), "store");
  const server = await startServer(root);
  const paths: Record<string, string> = {};
  for (const key of ["one", "two"]) {
    const before = await piecePaths(root);
    await server.call("save_artifact", { bucket: "b", key, content: contentOf(key) });
    paths[key] = (await piecePaths(root)).find((path) => !before.includes(path)) ?? "";
  }
  await server.call("save_artifact", { bucket: "b", key: "small", content: "content of small" });
  return { root, server, paths };
}

async function piecePaths(root: string): Promise<string[]> {
  const entries = await readdir(join(root, "content"), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)));
}

/** Runs an SQL statement on the database of a store. */
async function change(root: string, sql: string): Promise<void> {
  const { DatabaseSync } = await loadSqliteDriver();
  const database = new DatabaseSync(join(root, "metadata.sqlite"), { timeout: 10_000 });
  database.exec(sql);
  database.close();
}

describe("artifacts-mcp verify", () => {
  it("finds no fault in a sound store while a server works on it: exit 0", async () => {
    const { root, server } = await storeWithContent();
    await server.call("create_upload_session", { bucket: "b", key: "three" });
    const { status, stdout, stderr } = verify(root);
    const bytes = 2 * contentOf("one").length + "content of small".length;
    expect(stdout).toBe(`no faults (3 artifacts, 3 versions, 1 unfinished upload, ${bytes} bytes read)\n`);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(reportOf(verify(root, "--json").stdout)).toMatchObject({ artifacts: 3, faults: [] });
  });

  it("names each fault with its kind, bucket, key and version, and says what to do: exit 1", async () => {
    const { root, server, paths } = await storeWithContent();
    const { one = "", two = "" } = paths;
    await writeFile(join(root, one), contentOf("One"));
    await rename(join(root, two), join(root, "content", "astray"));
    await utimes(join(root, "content", "astray"), 1, 1);
    await change(root, "UPDATE pieces SET bytes = CAST('Content of small' AS BLOB)");
    const { status, stdout } = verify(root);
    expect(stdout).toMatch(/^corrupt: b\/one, version 1: .*Restore it from a backup, or delete this version\.$/m);
    expect(stdout).toMatch(/^missing: b\/two, version 1: .*Restore it from a backup, or delete this version\.$/m);
    expect(stdout).toMatch(/^corrupt: b\/small, version 1: /m);
    expect(stdout).toMatch(/^orphan: content\/astray: .*Run verify with --repair\.$/m);
    expect(stdout).toContain("4 faults (");
    expect(status).toBe(1);
    const { faults } = reportOf(verify(root, "--json").stdout);
    expect(faults.find(({ kind }) => kind === "orphan")).toMatchObject({
      path: "content/astray",
      next: "repair",
      repaired: false,
      message: expect.stringMatching(/^No row names this file/),
    });
    for (const key of ["two", "small"]) {
      const args = { bucket: "b", key };
      expect(await server.call("read_artifact", args)).toMatchObject({ error: { code: "corrupt", key } });
    }
    const read = server.client.readResource({ uri: "artifact://b/one" });
    await expect(read).rejects.toMatchObject({ data: { code: "corrupt", key: "one", version: 1 } });
  });

  it("--repair moves orphans out of the store, and keeps content that a row names", async () => {
    const { root, paths } = await storeWithContent();
    const { one = "", two = "" } = paths;
    await writeFile(join(root, two), contentOf("Two"));
    const strays = [
      join("content", "f", `${"f".repeat(32)}.0-0000000000000000`),
      join("content", "e", "no piece"),
      join("content", "elsewhere", "file"),
    ];
    for (const stray of strays) {
      await mkdir(join(root, stray, ".."), { recursive: true });
      await copyFile(join(root, one), join(root, stray));
      await utimes(join(root, stray), 1, 1);
    }
    await change(root, "INSERT INTO pieces (name, bytes) VALUES ('nobody/0-piece', x'00ff')");
    expect(verify(root).stdout).toContain("5 faults (");
    const { status, stdout } = verify(root, "--repair");
    expect(stdout).toContain("orphan (repaired): content/f/ffff");
    expect(stdout).toContain("orphan (repaired): the store: No row names the piece nobody/0-piece (2 bytes).\n");
    expect(stdout).toContain("corrupt: b/two, version 1: ");
    expect(stdout).toContain("5 faults, 4 of them repaired (");
    expect(status).toBe(1); // corrupt content stays corrupt
    expect(await readFile(join(root, two), "utf8")).toBe(contentOf("Two"));
    const [time = ""] = await readdir(join(root, "orphans"));
    for (const stray of strays) {
      expect(await readFile(join(root, "orphans", time, stray), "utf8")).toBe(contentOf("one"));
    }
    expect(await readFile(join(root, "orphans", time, "nobody.0-piece.piece"))).toEqual(Buffer.from([0, 255]));
    expect(verify(root).stdout).toContain("1 fault (");
  });

  it("--repair publishes an upload that was left behind, and removes no version for it", async () => {
    const root = join(await temporaryDirectory(), "store");
    const { metadata, content } = await openEngines(root);
    const dying = { ...metadata };
    let hoursAgo = 2;
    const now = () => Date.now() - hoursAgo * 60 * 60 * 1000;
    const store = storeOn({ metadata: dying, content }, { keepVersions: defaultKeepVersions + 10, now });
    for (let n = 1; n <= defaultKeepVersions; n += 1) await saveText(store, "b", "k", `text ${n}`);
    hoursAgo = 1;
    const { id } = await store.uploads.create({ bucket: "b", key: "k", size: "left behind".length });
    dying.change = async (rows, pieces) => {
      if (rows.some(({ key }) => key.startsWith("artifact\t"))) throw new Dead();
      return metadata.change(rows, pieces);
    };
    await expect(store.uploads.append(id, 0, bytesOf("left behind"))).rejects.toThrow(Dead);
    const { status, stdout } = verify(root, "--repair");
    expect(stdout).toContain(`(1 artifact, ${defaultKeepVersions + 1} versions, 0 unfinished uploads, `);
    expect(status).toBe(0);
    expect(await textOf(store, "b", "k")).toBe("left behind");
    expect(await textOf(store, "b", "k", 1)).toBe("text 1");
  });

  it("says if there is no store or it cannot be opened, and changes nothing: exit 2", async () => {
    const root = await temporaryDirectory();
    const none = verify(root);
    expect(none).toMatchObject({ status: 2, stdout: "" });
    expect(none.stderr).toMatch(/^artifacts-mcp: There is no store in [^\n]+--root[^\n]*\n$/);
    expect(await readdir(root)).toEqual([]);
    const { root: damaged, server } = await storeWithContent();
    await server.close();
    const garbage = randomBytes(5_000);
    await writeFile(join(damaged, "metadata.sqlite"), garbage);
    const { status, stderr } = verify(damaged);
    expect(stderr).toMatch(/^artifacts-mcp: [^\n]*metadata\.sqlite is damaged[^\n]*restore it from a backup[^\n]*\n$/);
    expect(status).toBe(2);
    expect(await readFile(join(damaged, "metadata.sqlite"))).toEqual(garbage);
  });
});
