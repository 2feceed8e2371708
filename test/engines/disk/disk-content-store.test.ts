import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createDiskContentStore } from "../../../src/engines/disk/disk-content-store.js";
import { writeFormat } from "../../../src/engines/disk/format-file.js";
import { makeShards } from "../../../src/engines/disk/shards.js";
import type { ContentStore } from "../../../src/store/ports/content-store.js";
import { contentStoreContract } from "../../contracts/content-store-contract.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

const session = "0123456789abcdef0123456789abcdef";
const other = "fedcba9876543210fedcba9876543210";

async function begin() {
  const root = await temporaryDirectory();
  await makeShards(root);
  await writeFormat(root);
  return { root, content: join(root, "content"), store: createDiskContentStore(root, silentLog) };
}

async function put(store: ContentStore, text: string, of = session): Promise<string> {
  const writer = await store.createPiece(of, 0);
  await writer.write(Buffer.from(text));
  await writer.sync();
  await writer.close();
  return writer.name;
}

contentStoreContract("the disk", async () => (await begin()).store);

describe("the disk content store", () => {
  it("stores pieces at the paths of the format, for the owner alone", async () => {
    const { root, content, store } = await begin();
    const name = await put(store, "content");
    expect(await readdir(join(content, "0"))).toEqual([`${session}.${name}`]);
    const file = await stat(join(content, "0", `${session}.${name}`));
    expect(file.size).toBe(7);
    expect(file.mode & 0o777).toBe(0o600);
    const shards = await readdir(content);
    expect(shards).toHaveLength(16);
    expect(shards.sort()).toEqual(await store.shards());
    expect((await stat(join(content, "f"))).mode & 0o777).toBe(0o700);
    expect((await readdir(root)).sort()).toEqual(["content", "format"]);
  });

  it("fails with an error of the port, whose cause is the error of the system", async () => {
    const { content, store } = await begin();
    const name = "0-0000000000000000";
    await mkdir(join(content, "0", `${session}.${name}`));
    const reader = await store.openPiece(session, { name, bytes: 1 });
    const failure = { name: "ArtifactError", code: "internal", cause: { code: "EISDIR" } };
    await expect(reader?.read(0, 1)).rejects.toMatchObject(failure);
    await reader?.close();
  });

  it("makes a missing shard or content/ again, but not a missing root", async () => {
    const { root, content, store } = await begin();
    for (const folder of [join(content, "0"), content]) {
      await rm(folder, { recursive: true });
      const name = await put(store, "content");
      expect(await readdir(join(content, "0"))).toEqual([`${session}.${name}`]);
      await rm(join(content, "f"), { recursive: true, force: true });
      const copy = await store.copy(session, { name, bytes: 7 }, other, 0);
      expect(await readdir(join(content, "f"))).toEqual([`${other}.${copy}`]);
    }
    await rm(root, { recursive: true });
    await expect(store.createPiece(session, 0)).rejects.toMatchObject({ code: "internal" });
    await expect(stat(root)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("accepts session ids that are not hexadecimal, and makes their shard", async () => {
    const { store } = await begin();
    const name = await put(store, "content", "session.1");
    expect(await store.shards()).toContain("s");
    expect(await store.listShard("s")).toMatchObject([{ piece: { session: "session.1", name } }]);
    expect(await store.strayFiles()).toEqual([]);
  });

  it("sync() of a piece fails if its shard was removed", async () => {
    const { content, store } = await begin();
    const writer = await store.createPiece(session, 0);
    await rm(join(content, "0"), { recursive: true });
    await expect(writer.sync()).rejects.toMatchObject({ code: "internal", cause: { code: "ENOENT" } });
    await writer.close();
  });

  it("a copy shares the file of its source if no bytes follow the named length, and has a new time", async () => {
    const { content, store } = await begin();
    const name = await put(store, "content");
    const source = join(content, "0", `${session}.${name}`);
    await utimes(source, 1, 1);
    const whole = await store.copy(session, { name, bytes: 7 }, other, 0);
    const part = await store.copy(session, { name, bytes: 6 }, other, 0);
    const inode = async (of: string | undefined) => (await stat(join(content, "f", `${other}.${of}`))).ino;
    expect(await inode(whole)).toBe((await stat(source)).ino);
    expect(await inode(part)).not.toBe((await stat(source)).ino);
    for (const { written_at } of await store.listShard("f")) expect(written_at).toBeGreaterThan(1_000_000);
  });

  it("a copy whose bytes have to be written stops when its signal is aborted, and leaves nothing", async () => {
    const { store } = await begin();
    const name = await put(store, "content");
    const signal = AbortSignal.abort();
    expect(await store.copy(session, { name, bytes: 6 }, other, 0, signal)).toBeUndefined();
    expect(await store.listShard("f")).toEqual([]);
  });

  it("lists files in content/ that are not pieces", async () => {
    const { root, content, store } = await begin();
    const name = await put(store, "content");
    const notPieces = [
      "0-0000000000000000", // has no session
      ".0-0000000000000000",
      `${session}.0-000`,
      `${session}.x-0000000000000000`,
      `${other}.0-0000000000000000`, // belongs to another shard
      `${session}.${name}.part`,
    ];
    for (const file of notPieces) await writeFile(join(content, "0", file), "x");
    await symlink("nowhere", join(content, "0", "link"));
    await mkdir(join(content, "0", `${session}.1-0000000000000000`));
    await mkdir(join(content, "elsewhere", "below"), { recursive: true });
    for (const path of ["astray", "elsewhere/astray", "elsewhere/below/not-seen"]) {
      await writeFile(join(content, path), "astray");
    }
    const listed = await store.listShard("0");
    expect(listed.filter(({ piece }) => piece).map(({ path }) => path)).toEqual([`content/0/${session}.${name}`]);
    const others = listed.filter(({ piece }) => piece === undefined).map(({ path }) => path);
    expect(others.sort()).toEqual([...notPieces, "link"].map((file) => `content/0/${file}`).sort());
    const stray = await store.strayFiles();
    expect(stray.map(({ path, bytes }) => ({ path, bytes }))).toEqual([
      { path: "content/astray", bytes: 6 },
      { path: "content/elsewhere/astray", bytes: 6 },
    ]);
    for (const { path } of stray) expect(await store.setAside(path)).toBe(true);
    await store.keepAside("rows.json", "[]");
    await store.keepAside("piece", Buffer.from([0, 255]));
    const [time = ""] = await readdir(join(root, "orphans"));
    const aside = join(root, "orphans", time);
    expect(await readFile(join(aside, "content/elsewhere/astray"), "utf8")).toBe("astray");
    expect(await readFile(join(aside, "rows.json"), "utf8")).toBe("[]");
    expect(await readFile(join(aside, "piece"))).toEqual(Buffer.from([0, 255]));
  });

  it("keeps the mark in the second line of the format file, which is whole at any moment", async () => {
    const { root, store } = await begin();
    const file = join(root, "format");
    expect(await readFile(file, "utf8")).toBe("2\n\n");
    await writeFile(file, "2\n"); // the line of the mark may be missing
    expect(await store.readMark()).toBeUndefined();
    let isWriting = true;
    const writing = (async () => {
      for (let generation = 1; generation <= 200; generation += 1) {
        await Promise.all([store.writeMark(`id ${generation}`), store.writeMark(`id ${generation}`)]);
      }
      isWriting = false;
    })();
    while (isWriting) expect(await readFile(file, "utf8")).toMatch(/^2\n(?:id \d+\n)?$/);
    await writing;
    expect(await readFile(file, "utf8")).toBe("2\nid 200\n");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(root)).sort()).toEqual(["content", "format"]);
    await expect(store.writeMark("two\nlines")).rejects.toMatchObject({ code: "internal" });
  });

  it("writeFormat() does not overwrite the mark", async () => {
    const { root, store } = await begin();
    await store.writeMark("id 1");
    await writeFormat(root);
    expect(await store.readMark()).toBe("id 1");
    await writeFile(join(root, "format"), "");
    await writeFormat(root);
    expect(await readFile(join(root, "format"), "utf8")).toBe("2\n\n");
  });

  it("removes drafts of the mark that are older than an hour", async () => {
    const { root, store } = await begin();
    for (const [draft, secondsAgo] of [
      ["format-old", 3_700],
      ["format-new", 3_500],
    ] as const) {
      await writeFile(join(root, draft), "2\nha");
      const then = Date.now() / 1000 - secondsAgo;
      await utimes(join(root, draft), then, then);
    }
    await store.writeMark("id 1");
    expect((await readdir(root)).sort()).toEqual(["content", "format", "format-new"]);
  });
});
