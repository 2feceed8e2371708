import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { expectRefusal, runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { patience } from "../support/patience.js";
import { initialize, spawnRaw, startServer, toolCall } from "../support/server-process.js";

const runs = Array.from({ length: 20 }, (_, number) => `run-${number}-`);
const table = `x,y\n${"1,2\n".repeat(20_000)}`;

/** Works as every agent does that is evaluated, and returns what it was told. */
async function work(root: string, prefix: string): Promise<string[]> {
  const { client, close } = await startServer(root, "--bucket-prefix", prefix);
  const told: string[] = [];
  const call = async (name: string, args: Record<string, unknown> = {}) => {
    const answer = (await client.callTool({ name, arguments: args }, undefined, patience)) as CallToolResult;
    expect(answer.isError, JSON.stringify(answer)).toBeUndefined();
    told.push(JSON.stringify(answer));
    return answer.structuredContent ?? {};
  };
  await call("save_artifact", { bucket: "answers", key: "report.md", content: "# Report\n", metadata: { run: "1" } });
  await call("save_artifact", { bucket: "answers", key: "report.md", content: "# Report\nLonger.\n" });
  const { id: session_id } = await call("create_upload_session", { bucket: "data", key: "t.csv", size: table.length });
  const half = table.length / 2;
  await call("upload_chunk", { session_id, offset: 0, data: table.slice(0, half) });
  await call("list_upload_sessions");
  await call("upload_chunk", { session_id, offset: half, data: table.slice(half) });
  await call("copy_artifact", { bucket: "data", key: "t.csv", to_bucket: "kept" });
  await call("list_buckets");
  await call("search_artifacts", { query: "run" });
  await call("search_artifacts", { query: "t.csv", order: "key" });
  await call("list_artifacts", { bucket: "answers" });
  await call("read_artifact", { bucket: "answers", key: "report.md" });
  await close();
  return told;
}

/** An answer without what differs between two runs. */
const withoutIds = (answer: string): string =>
  answer.replace(/[0-9a-f]{32}(?![0-9a-f])/g, "ID").replace(/(?<="\w+_at":)\d+|\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME");

it("servers with different prefixes share one store, and none sees what another one saves", async () => {
  const root = await temporaryDirectory();
  const [first = [], ...others] = (await Promise.all(runs.map((prefix) => work(root, prefix)))).map((told) =>
    told.map(withoutIds),
  );
  expect(first.join("\n")).not.toContain("run-");
  for (const other of others) expect(other).toEqual(first);

  const { stdout } = runCommand(["ls", "--json", "--root", root]);
  for (const prefix of runs) expect(stdout).toContain(`"${prefix}answers"`);
  expect(runCommand(["verify", "--root", root]).status).toBe(0);

  const manifests = runs.slice(0, 2).map((prefix) => {
    const folder = join(root, `../${prefix}export`);
    const environment = { ARTIFACTS_ROOT: root, ARTIFACTS_BUCKET_PREFIX: prefix };
    expect(runCommand(["export", folder], environment)).toMatchObject({ status: 0 });
    expect(runCommand(["cat", "kept/t.csv"], environment).stdout).toBe(table);
    return readFileSync(join(folder, "manifest.json"), "utf8");
  });
  expect(manifests[0]).toBe(manifests[1]);
  expect(manifests[0]).not.toContain("run-");
});

it("a prefix that no bucket can begin with is refused at the start", () => {
  for (const prefix of ["a b", ".a", "a..", "a/", "é", "x".repeat(63)]) {
    expectRefusal(runCommand(["--bucket-prefix", prefix]), 2, "--bucket-prefix must be the beginning", "like run7-");
  }
});

it("the operator reads the full name of a full bucket in the log, and nobody gets a command with another one", async () => {
  const root = await temporaryDirectory();
  const first = await startServer(root, "--bucket-prefix", "run-");
  await first.call("save_artifact", { bucket: "y", key: "k", content: "12345" });
  await first.close();
  expect(runCommand(["bucket", "set", "run-x", "--max-bytes", "4", "--root", root]).status).toBe(0);
  const server = spawnRaw(["--root", root, "--bucket-prefix", "run-"]);
  server.send(initialize, toolCall(1, "save_artifact", { bucket: "x", key: "k", content: "12345" }));
  const answer = JSON.stringify(await server.answer(1));
  expect(answer).toContain("storage_full");
  expect(answer).not.toContain("bucket set x");
  const [line = ""] = await server.heard(/tool_failed .*\n/);
  expect(line).toContain('"bucket":"run-x"');
  expect(line).toContain('"bucket_prefix":"run-"');
  server.child.stdin.end();
  await server.exited;
  const refused = runCommand(["cp", "y/k", "x/"], { ARTIFACTS_ROOT: root, ARTIFACTS_BUCKET_PREFIX: "run-" });
  expect(refused.stderr).toContain("raise its limit");
  expect(refused.stderr).not.toContain("bucket set x");
});
