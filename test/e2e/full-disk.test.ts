import { randomBytes, randomInt } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../src/engines/data-directory.js";
import { loadSqliteDriver } from "../../src/engines/sqlite/database/driver.js";
import { canMount, memoryDisk, needsMounts } from "../support/disks.js";
import { sha256Of } from "../support/mcp-client.js";
import { quiet, type ServerProcess, startServerUnder } from "../support/server-process.js";
import { silentLog } from "../support/silent-log.js";

const MiB = 1024 * 1024;
const bucket = "b";
const isLong = process.env["ARTIFACTS_LONG"] === "1";

const base64 = (bytes: Buffer) => ({ content: bytes.toString("base64"), encoding: "base64" });
const chunk = (session_id: string, offset: number, bytes: Buffer) => ({
  session_id,
  offset,
  encoding: "base64",
  data: bytes.toString("base64"),
});

async function open(bytes: number) {
  const disk = await memoryDisk(bytes);
  const root = join(disk.path, "store");
  return { root, server: await startServerUnder(quiet, root) };
}

/** Saves smaller and smaller content until nothing more fits. Returns the saved keys with their digests. */
async function fill(server: ServerProcess, name: string): Promise<Map<string, string>> {
  const saved = new Map<string, string>();
  let bytes = MiB;
  for (let number = 0; bytes > 100; number += 1) {
    const content = randomBytes(bytes);
    const key = `${name}-${number}`;
    const { error } = await server.call("save_artifact", { bucket, key, ...base64(content) });
    if (error === undefined) {
      saved.set(key, sha256Of(content));
      continue;
    }
    expect(error.code).toBe("storage_full");
    expect(error.message).toContain("delete_artifact");
    bytes = Math.floor(bytes / 2);
  }
  return saved;
}

async function digestOf(server: ServerProcess, key: string): Promise<string> {
  const parts: Buffer[] = [];
  for (;;) {
    const offset = parts.reduce((sum, { length }) => sum + length, 0);
    const { contents } = await server.client.readResource({
      uri: `artifact://${bucket}/${key}?offset=${offset}&length=${MiB}`,
    });
    const [content] = contents;
    const part = Buffer.from(content && "blob" in content ? content.blob : "", "base64");
    if (part.length === 0) return sha256Of(Buffer.concat(parts));
    parts.push(part);
  }
}

async function readAndDelete(server: ServerProcess, key: string, saved: Map<string, string>): Promise<void> {
  expect(await digestOf(server, key)).toBe(saved.get(key));
  expect((await server.call("delete_artifact", { bucket, key })).error).toBeUndefined();
  saved.delete(key);
}

/** Sends the rest of an upload after `acknowledged`. Deletes one saved artifact whenever the disk is full. */
async function finish(
  server: ServerProcess,
  id: string,
  content: Buffer,
  acknowledged: number,
  saved: Map<string, string>,
): Promise<void> {
  let isFull = false;
  for (let offset = acknowledged; ; ) {
    const next = content.subarray(offset, offset + randomInt(1, 600_000));
    const { error } = await server.call("upload_chunk", chunk(id, offset, next));
    const now = await server.call("get_upload_session", { session_id: id });
    if (now["status"] === "complete") return;
    for (const { code } of [error, now.error].filter((failure) => failure !== undefined)) {
      expect(code).toBe("storage_full");
    }
    if (error === undefined) offset += next.length;
    // The last chunk may be stored although its publication failed. Then get_upload_session publishes again, and fails.
    isFull ||= offset + next.length >= content.length;
    if (now.error === undefined) expect(now["offset"]).toBe(offset);
    else expect(isFull).toBe(true);
    const [key] = saved.keys();
    if (error !== undefined) await readAndDelete(server, key ?? "", saved);
  }
}

describe.skipIf(!canMount)(`on a full disk ${needsMounts}`, () => {
  it("an upload stays at its acknowledged offset, and completes when something is deleted", async () => {
    const { root, server } = await open(12 * MiB);
    for (let round = 0; round < (isLong ? 100 : 8); round += 1) {
      const content = randomBytes(randomInt(200_000, 2 * MiB));
      const about = { bucket, key: `upload-${round}`, size: content.length, sha256: sha256Of(content) };
      const { id = "" } = await server.call("create_upload_session", about);
      const begun = randomInt(2) * randomInt(1, 100_000);
      await server.call("upload_chunk", chunk(id, 0, content.subarray(0, begun)));
      const saved = await fill(server, `fill-${round}`);
      await finish(server, id, content, begun, saved);
      expect(await digestOf(server, about.key)).toBe(about.sha256);
      for (const key of saved.keys()) await readAndDelete(server, key, saved);
      expect((await server.call("delete_artifact", { bucket, key: about.key })).error).toBeUndefined();
      await expectNothingLeft(root);
    }
  });

  it("a server starts, reads, and frees space", async () => {
    const { root, server } = await open(8 * MiB);
    const content = randomBytes(MiB); // with smaller content, a store has no reserve
    await server.call("save_artifact", { bucket, key: "kept", ...base64(content) });
    await server.close();
    const { DatabaseSync } = await loadSqliteDriver();
    const database = new DatabaseSync(join(root, "metadata.sqlite"));
    database.exec("SELECT 1 FROM sqlite_schema");
    database.close(); // the last connection that closes removes the files of the log
    await expect(writeFile(join(root, "..", "fill"), randomBytes(8 * MiB))).rejects.toMatchObject({ code: "ENOSPC" });
    const next = await startServerUnder(quiet, root);
    const saved = new Map([["kept", sha256Of(content)]]);
    await readAndDelete(next, "kept", saved);
    expect((await next.call("list_buckets", {}))["data"]).toEqual([]);
  });

  it("failed saves leave nothing behind, and many concurrent deletions all succeed", async () => {
    const { root, server } = await open(8 * MiB);
    for (let round = 0; round < (isLong ? 50 : 4); round += 1) {
      const saved = await fill(server, `fill-${round}`);
      const again = await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          server.call("save_artifact", { bucket, key: `more-${n}`, ...base64(randomBytes(MiB)) }),
        ),
      );
      expect(again.map(({ error }) => error?.code)).toEqual(again.map(() => "storage_full"));
      const deleted = await Promise.all(
        [...saved.keys()].map((key) => server.call("delete_artifact", { bucket, key })),
      );
      expect(deleted.filter(({ error }) => error !== undefined)).toEqual([]);
      await expectNothingLeft(root);
    }
  });

  it("small deletions keep working, although the freed space is used at once", async () => {
    const { root, server: before } = await open(6 * MiB);
    const keys = Array.from({ length: isLong ? 1_000 : 200 }, (_, number) => `small-${number}`);
    for (const key of keys) await before.call("save_artifact", { bucket, key, content: key });
    await before.close();
    // From here the log of the database starts empty. It must not grow with every deletion.
    const server = await startServerUnder(quiet, root);
    await fill(server, "fill");
    for (const key of keys) {
      expect((await server.call("delete_artifact", { bucket, key })).error).toBeUndefined();
      for (let isFull = false, number = 0; !isFull; number += 1) {
        const more = { bucket, key: `more-${key}-${number}`, ...base64(randomBytes(500)) };
        isFull = (await server.call("save_artifact", more)).error !== undefined;
      }
    }
  });

  it("space that deletions free in rows is used again at once", async () => {
    const { server } = await open(8 * MiB);
    const saved = await fill(server, "fill");
    const small = async (key: string) => server.call("save_artifact", { bucket, key, ...base64(randomBytes(20_000)) });
    // Deleting the content in files makes room for the database, which then fills with small content.
    for (const key of saved.keys()) await readAndDelete(server, key, saved);
    const keys: string[] = [];
    for (let isFull = false; !isFull; ) {
      isFull = (await small(`small-${keys.length}`)).error !== undefined;
      if (!isFull) keys.push(`small-${keys.length}`);
    }
    expect(keys.length).toBeGreaterThan(50);
    // The first deletions make the room that is reserved for deletions.
    const remove = async (key: string) => (await server.call("delete_artifact", { bucket, key })).error;
    for (const key of keys.slice(0, 5)) expect(await remove(key)).toBeUndefined();
    for (const key of keys.slice(5, 45)) {
      expect(await remove(key)).toBeUndefined();
      expect((await small(`again-${key}`)).error).toBeUndefined();
    }
  });

  it("filled by metadata, rows are refused with the same error, and aborts free space again", async () => {
    const { server, root } = await open(8 * MiB);
    await writeFile(join(root, "ballast"), randomBytes(5 * MiB));
    const ids: string[] = [];
    for (;;) {
      const metadata = { note: "x".repeat(2_000) };
      const { id, error } = await server.call("create_upload_session", { bucket, key: `k${ids.length}`, metadata });
      if (error !== undefined) {
        expect(error.code).toBe("storage_full");
        break;
      }
      ids.push(id ?? "");
    }
    expect((await server.call("list_upload_sessions", { limit: 1 }))["data"]).toHaveLength(1);
    for (const id of ids) expect((await server.call("abort_upload_session", { session_id: id })).error).toBeUndefined();
  });
});

/** Expects that all space is free again: no content, and no row that owns content. */
async function expectNothingLeft(root: string): Promise<void> {
  const entries = await readdir(join(root, "content"), { recursive: true, withFileTypes: true });
  expect(entries.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual([]);
  const { metadata, close } = await openDataDirectory(root, { isNamed: true }, silentLog);
  const rows = (prefix: string) => metadata.range(prefix, { limit: 1_000 });
  const isUnfinished = ({ text }: { text: string }) => !/"status":"(?:complete|aborted)"/.test(text);
  expect((await rows("session\t")).filter(isUnfinished)).toEqual([]);
  expect(await metadata.listPieces({ limit: 1 })).toEqual([]);
  await expect.poll(() => rows("freed\t")).toEqual([]); // these rows are removed a moment later
  await close();
}
