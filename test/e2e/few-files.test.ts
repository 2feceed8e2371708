import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { quiet, type ServerProcess, startServer, startServerUnder } from "../support/server-process.js";

const hasLimit = spawnSync("prlimit", ["--version"]).status === 0;
const hasDescriptors = existsSync("/proc/self/fd");
const bucket = "b";

/** Starts a server with a limit on its open files. Without any upload it has about 24 files open. */
async function startWith(files: number): Promise<ServerProcess> {
  return startServerUnder([...quiet, "prlimit", `--nofile=${files}:${files}`], await temporaryDirectory());
}

/** Content of this size is too large for a row. Two of these and three bytes are one upload. */
const part = "in a file".repeat(8_000);
const size = 2 * part.length + 3;

async function create(server: ServerProcess, key: string): Promise<string> {
  const { id = "", error } = await server.call("create_upload_session", { bucket, key, size });
  expect(error).toBeUndefined();
  return id;
}

const chunk = (session_id: string, offset: number, data: string) => ({ session_id, offset, data });

it.skipIf(!hasLimit)("64 open files are enough for any number of uploads (needs prlimit of util-linux)", async () => {
  const server = await startWith(64);
  const keys = Array.from({ length: 100 }, (_, number) => `k${number}`);
  const ids = await Promise.all(keys.map((key) => create(server, key)));
  for (const [offset, data] of [
    [0, "abc"],
    [3, part],
    [3 + part.length, part],
  ] as const) {
    for (const id of ids) expect((await server.call("upload_chunk", chunk(id, offset, data))).error).toBeUndefined();
    for (const content of [data, `${part}${data}`]) {
      expect((await server.call("save_artifact", { bucket, key: "saved", content })).error).toBeUndefined();
    }
  }
  expect((await server.call("list_artifacts", { bucket, prefix: "k" }))["data"]).toHaveLength(keys.length);
});

it.skipIf(!hasLimit)(
  "a server that cannot open more files says so, and keeps working (needs prlimit of util-linux)",
  async () => {
    const server = await startWith(40);
    const ids = await Promise.all(Array.from({ length: 100 }, (_, number) => create(server, `k${number}`)));
    const answers = await Promise.all(ids.map((id) => server.call("upload_chunk", chunk(id, 0, part))));
    const refusals = answers.flatMap(({ error }) => (error === undefined ? [] : [error]));
    expect(refusals.length).toBeGreaterThan(0);
    for (const { code, message } of refusals) {
      expect(code).toBe("internal");
      expect(message).toContain("abort uploads");
    }
    const open = ids.map((id, number) => ({ id, number, isAccepted: answers[number]?.error === undefined }));
    for (const { id, isAccepted } of open) {
      const session = await server.call("get_upload_session", { session_id: id });
      expect(session["offset"]).toBe(isAccepted ? part.length : 0);
    }
    // When the accepted uploads have ended, the refused ones can be sent.
    for (const { id } of open.filter(({ isAccepted }) => isAccepted)) {
      expect((await server.call("upload_chunk", chunk(id, part.length, `${part}abc`)))["status"]).toBe("complete");
    }
    for (const { id } of open.filter(({ isAccepted }) => !isAccepted)) {
      expect((await server.call("upload_chunk", chunk(id, 0, `${part}${part}abc`)))["status"]).toBe("complete");
    }
  },
);

it.skipIf(!hasDescriptors)("servers that take turns on uploads keep few files open (needs /proc)", async () => {
  const root = await temporaryDirectory();
  const servers = [await startServer(root), await startServer(root)] as const;
  const before = servers.map(openFiles);
  const { id = "" } = await servers[0].call("create_upload_session", { bucket, key: "k" });
  for (let turn = 0; turn < 40; turn += 1) {
    const { error } = await servers[turn % 2 === 0 ? 0 : 1].call("upload_chunk", chunk(id, turn * part.length, part));
    expect(error).toBeUndefined();
  }
  for (const [n, server] of servers.entries()) expect(openFiles(server) - (before[n] ?? 0)).toBeLessThan(12);
});

const openFiles = ({ pid }: ServerProcess): number => readdirSync(`/proc/${pid}/fd`).length;
