import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultKeepVersions } from "../../src/store/model/limits.js";
import type { VerifyReport } from "../../src/store/maintenance/verify.js";
import { temporaryDirectory } from "../support/directories.js";
import { Dead } from "../support/faults.js";
import { openEngines } from "../support/mcp-client.js";
import { builtServer, startServer } from "../support/server-process.js";
import { bytesOf, saveText, storeOn, textOf } from "../support/stores.js";

function verify(root: string, ...args: string[]) {
  const options = { encoding: "utf8", input: "", timeout: 30_000 } as const;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [builtServer, "verify", "--root", root, ...args],
    options,
  );
  return { status, stdout, stderr };
}

const reportOf = (stdout: string): VerifyReport => JSON.parse(stdout);

/** A store with two artifacts, and the path of each one's blob. */
async function storeWithContent() {
  const root = join(await temporaryDirectory(), "store");
  const server = await startServer(root);
  const blobs: Record<string, string> = {};
  for (const key of ["one", "two"]) {
    const before = await blobPaths(root);
    await server.call("save_artifact", { bucket: "b", key, content: `content of ${key}` });
    blobs[key] = (await blobPaths(root)).find((path) => !before.includes(path)) ?? "";
  }
  return { root, server, blobs };
}

async function blobPaths(root: string): Promise<string[]> {
  const shelves = await readdir(join(root, "blobs"));
  const names = await Promise.all(shelves.map((shelf) => readdir(join(root, "blobs", shelf))));
  return shelves.flatMap((shelf, n) => (names[n] ?? []).map((name) => join("blobs", shelf, name)));
}

describe("artifacts-mcp verify", () => {
  it("finds nothing wrong with a sound store, while a server works on it: exit 0", async () => {
    const { root, server } = await storeWithContent();
    await server.call("create_upload_session", { bucket: "b", key: "three" });
    const { status, stdout, stderr } = verify(root);
    expect(stdout).toBe("no faults (2 artifacts, 2 versions, 1 unfinished upload, 28 bytes read)\n");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(reportOf(verify(root, "--json").stdout)).toMatchObject({ artifacts: 2, faults: [] });
  });

  it("names each fault with its kind, bucket, key and version: exit 1", async () => {
    const { root, server, blobs } = await storeWithContent();
    const { one = "", two = "" } = blobs;
    await writeFile(join(root, one), "Content of one");
    await rename(join(root, two), join(root, "blobs", "astray"));
    await utimes(join(root, "blobs", "astray"), 1, 1);
    const { status, stdout } = verify(root);
    expect(stdout).toContain("corrupt: b/one, version 1: ");
    expect(stdout).toContain("missing: b/two, version 1: ");
    expect(stdout).toContain("orphan: blobs/astray: ");
    expect(stdout).toContain("3 faults (");
    expect(status).toBe(1);
    for (const [tool, key] of [
      ["read_artifact", "one"],
      ["read_artifact", "two"],
    ] as const) {
      expect(await server.call(tool, { bucket: "b", key })).toMatchObject({ error: { code: "corrupt", key } });
    }
    const read = server.client.readResource({ uri: "artifact://b/one" });
    await expect(read).rejects.toMatchObject({ data: { code: "corrupt", key: "one", version: 1 } });
  });

  it("--repair moves orphans out, and leaves what a row names", async () => {
    const { root, blobs } = await storeWithContent();
    const { one = "", two = "" } = blobs;
    await writeFile(join(root, two), "Content of two");
    const strays = [join("blobs", "ff", "f".repeat(32)), join("uploads", "e".repeat(32), "0-0000000000000000")];
    for (const stray of strays) {
      await mkdir(join(root, stray, ".."), { recursive: true });
      await copyFile(join(root, one), join(root, stray));
      await utimes(join(root, stray), 1, 1);
    }
    expect(verify(root).stdout).toContain("3 faults (");
    const { status, stdout } = verify(root, "--repair");
    expect(stdout).toContain("orphan (repaired): blobs/ff/ffff");
    expect(stdout).toContain("corrupt: b/two, version 1: ");
    expect(status).toBe(1); // what is corrupt stays so
    expect(await readFile(join(root, two), "utf8")).toBe("Content of two");
    const [time = ""] = await readdir(join(root, "orphans"));
    expect(await readFile(join(root, "orphans", time, strays[0] ?? ""), "utf8")).toBe("content of one");
    expect(verify(root).stdout).toContain("1 fault (");
  });

  it("--repair finishes an upload that was left behind, and pushes no version out for it", async () => {
    const root = join(await temporaryDirectory(), "store");
    const { metadata, blobs } = await openEngines(root);
    const dying = { ...metadata };
    const anHourAgo = { keepVersions: defaultKeepVersions + 10, now: () => Date.now() - 60 * 60 * 1000 };
    const store = storeOn({ metadata: dying, blobs }, anHourAgo);
    for (let n = 1; n <= defaultKeepVersions; n += 1) await saveText(store, "b", "k", `text ${n}`);
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, bytesOf("left behind"));
    dying.replace = async (key, ...rest) => {
      if (key.startsWith("artifact:")) throw new Dead();
      return metadata.replace(key, ...rest);
    };
    await expect(store.uploads.complete(id)).rejects.toThrow(Dead);
    const { status, stdout } = verify(root, "--repair");
    expect(stdout).toContain(`(1 artifact, ${defaultKeepVersions + 1} versions, 0 unfinished uploads, `);
    expect(status).toBe(0);
    expect(await textOf(store, "b", "k")).toBe("left behind");
    expect(await textOf(store, "b", "k", 1)).toBe("text 1");
  });

  it("says where there is no store, or one that cannot be opened, and changes nothing: exit 2", async () => {
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
