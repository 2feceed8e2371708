import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { quiet, type ServerProcess, startServerUnder } from "../support/server-process.js";

const hasLimit = spawnSync("prlimit", ["--version"]).status === 0;
const bucket = "b";

/** A server that may have only so many files open; it has about 24 open without any upload. */
async function startWith(files: number): Promise<ServerProcess> {
  return startServerUnder([...quiet, "prlimit", `--nofile=${files}:${files}`], await temporaryDirectory());
}

async function create(server: ServerProcess, key: string): Promise<string> {
  const { id = "", error } = await server.call("create_upload_session", { bucket, key, size: 6 });
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
    [3, "def"],
  ] as const) {
    for (const id of ids) expect((await server.call("upload_chunk", chunk(id, offset, data))).error).toBeUndefined();
    expect((await server.call("save_artifact", { bucket, key: "saved", content: data })).error).toBeUndefined();
  }
  expect((await server.call("list_artifacts", { bucket, prefix: "k" }))["data"]).toHaveLength(keys.length);
});

it.skipIf(!hasLimit)("past its open files a server says so, and goes on (needs prlimit of util-linux)", async () => {
  const server = await startWith(40);
  const ids = await Promise.all(Array.from({ length: 100 }, (_, number) => create(server, `k${number}`)));
  const answers = await Promise.all(ids.map((id) => server.call("upload_chunk", chunk(id, 0, "abc"))));
  const refusals = answers.flatMap(({ error }) => (error === undefined ? [] : [error]));
  expect(refusals.length).toBeGreaterThan(0);
  for (const { code, message } of refusals) {
    expect(code).toBe("internal");
    expect(message).toContain("abort uploads");
  }
  const open = ids.map((id, number) => ({ id, number, isAccepted: answers[number]?.error === undefined }));
  for (const { id, isAccepted } of open) {
    const session = await server.call("get_upload_session", { session_id: id });
    expect(session["offset"]).toBe(isAccepted ? 3 : 0);
  }
  // As many uploads as were refused may be open again once those that were not have ended.
  for (const { id } of open.filter(({ isAccepted }) => isAccepted)) {
    expect((await server.call("upload_chunk", chunk(id, 3, "def")))["status"]).toBe("complete");
  }
  for (const { id } of open.filter(({ isAccepted }) => !isAccepted)) {
    expect((await server.call("upload_chunk", chunk(id, 0, "abcdef")))["status"]).toBe("complete");
  }
});
