import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../src/engines/data-directory.js";
import { endedSessionMs } from "../../src/store/model/limits.js";
import { parseArtifactRow } from "../../src/store/model/records.js";
import { artifactPrefix } from "../../src/store/model/row-keys.js";
import { temporaryDirectory } from "../support/directories.js";
import { type ServerProcess, startServer } from "../support/server-process.js";
import { silentLog } from "../support/silent-log.js";
import { storeOn } from "../support/stores.js";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const chunkBytes = 64 * 1024;

function chunkOf(content: Buffer, id: string, offset: number, bytes = chunkBytes) {
  const data = content.subarray(offset, offset + bytes).toString("base64");
  return { session_id: id, offset, data, encoding: "base64" };
}

/** Sends chunks one after the other until the upload is complete, or `enough` returns true. */
async function upload(server: ServerProcess, content: Buffer, id: string, enough = (_offset: number) => false) {
  let session = await server.call("get_upload_session", { session_id: id });
  while (session["status"] === "open" && !enough(session["offset"] ?? 0)) {
    session = await server.call("upload_chunk", chunkOf(content, id, session["offset"] ?? 0));
  }
  return session as unknown as { offset: number; status: string; artifact?: { sha256: string; version: number } };
}

async function create(server: ServerProcess, content: Buffer, options = {}): Promise<string> {
  const made = await server.call("create_upload_session", {
    bucket: "b",
    key: "k.bin",
    size: content.length,
    ...options,
  });
  return made["id"] ?? "";
}

async function readBack(server: ServerProcess, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < bytes; offset += 1024 * 1024) {
    const uri = `artifact://b/k.bin?offset=${offset}&length=${1024 * 1024}`;
    const { contents } = await server.client.readResource({ uri });
    const [content] = contents;
    parts.push(Buffer.from(content && "blob" in content ? content.blob : "", "base64"));
  }
  return Buffer.concat(parts);
}

/** Every row and byte is right, and once what the dead have left was swept away, nothing else is there. */
async function expectSound(root: string): Promise<void> {
  const directory = await openDataDirectory(root, { mustExist: true }, silentLog);
  const store = storeOn(directory, { now: () => Date.now() + 9 * endedSessionMs });
  expect((await store.verify()).faults).toEqual([]);
  for (let pass = 1; pass <= 2; pass += 1) {
    expect(await store.sweep.run({ graceMs: 0, trustsClock: true })).toMatchObject({ failed: 0 });
  }
  expect((await store.verify({ graceMs: 0 })).faults).toEqual([]);
  const rows = await directory.metadata.range(artifactPrefix, { limit: 1_000 });
  const named = rows.flatMap((row) => parseArtifactRow(row).value.versions.flatMap(({ pieces }) => pieces));
  const files = await readdir(join(root, "content"), { recursive: true, withFileTypes: true });
  const inRows = await directory.metadata.listPieces({ limit: 1_000 });
  expect(files.filter((entry) => entry.isFile()).length + inRows.length).toBe(named.length);
  await store.close();
  await directory.close();
}

describe("an upload across processes", () => {
  it("continues from every acknowledged byte after kill -9 during a chunk, until it is complete", async () => {
    const root = await temporaryDirectory();
    const content = randomBytes(1_500_000);
    let server = await startServer(root);
    const id = await create(server, content, { sha256: sha256(content) });
    let acknowledged = 0;
    for (let round = 0; round < 3; round += 1) {
      const until = acknowledged + 300_000;
      acknowledged = (await upload(server, content, id, (offset) => offset >= until)).offset;
      // The process dies while it handles the chunk. The next process says whether the chunk is stored.
      const lost = server.call("upload_chunk", chunkOf(content, id, acknowledged, 250_000));
      const answer = lost.catch(() => undefined); // or the answer came right before the kill
      await server.kill();
      const answered = (await answer)?.["offset"];
      server = await startServer(root);
      const { offset } = (await server.call("get_upload_session", { session_id: id })) as unknown as { offset: number };
      expect([acknowledged, acknowledged + 250_000]).toContain(offset);
      if (answered !== undefined) expect(offset).toBe(answered);
      acknowledged = offset;
    }
    const done = await upload(server, content, id);
    expect(done).toMatchObject({ status: "complete", artifact: { version: 1, sha256: sha256(content) } });
    expect(sha256(await readBack(server, content.length))).toBe(sha256(content));
    await server.close();
    await expectSound(root);
  });

  it("can be continued by a second process while the first still runs, in turns", async () => {
    const root = await temporaryDirectory();
    const content = randomBytes(10 * chunkBytes + 17);
    const servers = [await startServer(root), await startServer(root)] as const;
    const id = await create(servers[0], content);
    for (let offset = 0, turn = 0; offset < content.length; turn += 1) {
      const server = servers[turn % 2 === 0 ? 0 : 1];
      const answer = await server.call("upload_chunk", chunkOf(content, id, offset));
      expect(answer.error).toBeUndefined();
      offset = answer["offset"] ?? 0;
    }
    for (const server of servers) {
      const session = (await server.call("get_upload_session", { session_id: id })) as unknown;
      expect(session).toMatchObject({ status: "complete", artifact: { sha256: sha256(content), version: 1 } });
    }
  });

  it("never stores different bytes twice at the same offset", async () => {
    const root = await temporaryDirectory();
    const servers = await Promise.all(Array.from({ length: 3 }, () => startServer(root)));
    const [first] = servers as [ServerProcess];
    const id = (await first.call("create_upload_session", { bucket: "b", key: "k.txt" }))["id"] ?? "";
    let expected = "";
    for (let round = 0; round < 15; round += 1) {
      const offset = expected.length;
      const texts = servers.map((_, n) => `round ${round} by ${n} `);
      const calls = servers.map((server, n) =>
        server.call("upload_chunk", { session_id: id, offset, data: texts[n] ?? "" }),
      );
      const answers = await Promise.all(calls);
      const winners = texts.filter((_, n) => answers[n]?.error === undefined);
      expect(winners).toHaveLength(1);
      expected += winners[0];
      for (const { error } of answers)
        if (error) expect(error).toMatchObject({ code: "offset_conflict", offset: expected.length });
    }
    // The last chunk of this server may have lost, so it must say that nothing is missing.
    const done = await first.call("complete_upload_session", { session_id: id, size: Buffer.byteLength(expected) });
    expect(done["artifact"]).toMatchObject({ sha256: sha256(Buffer.from(expected)) });
  });

  it("is found by bucket and key if its id was lost", async () => {
    const root = await temporaryDirectory();
    const before = await startServer(root);
    const id = (await before.call("create_upload_session", { bucket: "b", key: "k.txt" }))["id"] ?? "";
    await before.call("upload_chunk", { session_id: id, offset: 0, data: "half" });
    await before.kill();
    const after = await startServer(root);
    const found = await after.call("list_upload_sessions", { bucket: "b", key: "k.txt" });
    expect(found["data"]).toMatchObject([{ id, offset: 4, status: "open" }]);
  });

  it("is published once if several processes complete it at once", async () => {
    const root = await temporaryDirectory();
    const servers = await Promise.all(Array.from({ length: 4 }, () => startServer(root)));
    const [first] = servers as [ServerProcess];
    for (let round = 1; round <= 5; round += 1) {
      const id = (await first.call("create_upload_session", { bucket: "b", key: "k.txt" }))["id"] ?? "";
      await first.call("upload_chunk", { session_id: id, offset: 0, data: `content ${round}` });
      const answers = await Promise.all(
        servers.map((server) => server.call("complete_upload_session", { session_id: id })),
      );
      for (const answer of answers) expect(answer["artifact"]).toMatchObject({ version: round });
    }
    await Promise.all(servers.map((server) => server.close()));
    await expectSound(root);
  });
});

describe("several processes on one directory", () => {
  it("can all start on a directory that does not exist yet", async () => {
    const root = join(await temporaryDirectory(), "store");
    const servers = await Promise.all(Array.from({ length: 6 }, () => startServer(root)));
    await Promise.all(
      servers.map((server, n) => server.call("save_artifact", { bucket: "b", key: `k${n}`, content: "x" })),
    );
    const [first] = servers as [ServerProcess];
    expect((await first.call("list_artifacts", { bucket: "b" }))["data"]).toHaveLength(6);
  });

  it("give each save of one key its own version, and each guarded save to only one process", async () => {
    const root = await temporaryDirectory();
    const servers = await Promise.all(Array.from({ length: 3 }, () => startServer(root)));
    const save = (server: ServerProcess, content: string, options = {}) =>
      server.call("save_artifact", { bucket: "b", key: "k.txt", content, ...options });
    const guarded = await Promise.all(servers.map((server, n) => save(server, `first by ${n}`, { if_version: 0 })));
    expect(guarded.filter(({ error }) => error === undefined)).toHaveLength(1);
    expect(guarded.flatMap(({ error }) => (error ? [error.code] : []))).toEqual([
      "version_conflict",
      "version_conflict",
    ]);
    const saves = servers.flatMap((server, n) => Array.from({ length: 8 }, (_, m) => save(server, `text ${n} ${m}`)));
    const versions = (await Promise.all(saves)).map((answer) => Number(answer["version"]));
    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, n) => n + 2));
  });
});
