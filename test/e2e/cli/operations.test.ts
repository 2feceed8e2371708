import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { StoreCommandName } from "../../../src/cli/options/command-names.js";
import { expectRefusal, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { bearer, token } from "../../support/http-client.js";
import { originOf, startService, startServiceIn } from "../../support/http-process.js";
import { initialize, spawnRaw, startServer, toolCall } from "../../support/server-process.js";

const newRoot = async (): Promise<string> => join(await temporaryDirectory(), "store");

/** The lines of a log at level `info` about artifacts, without their times. */
const changesIn = (log: string): string[] =>
  [...log.matchAll(/^\S+ info ((?:saved|completed|copied|moved|updated|deleted|expired) .*)$/gm)].map(
    ([, line = ""]) => line,
  );

describe("a store of a newer format", () => {
  /** Words with which each command gets as far as the store. */
  const words: Readonly<Record<StoreCommandName, readonly string[]>> = {
    ls: [],
    tree: [],
    search: ["word"],
    versions: ["b/k"],
    du: [],
    uploads: [],
    cat: ["b/k"],
    describe: ["b/k"],
    diff: ["b/k", "b/other"],
    put: ["FOLDER/file", "b/k"],
    get: ["b/k", "FOLDER/got"],
    sync: ["FOLDER", "b/folder"],
    cp: ["b/k", "b/other"],
    mv: ["b/k", "b/other"],
    rm: ["b/k"],
    bucket: ["set", "b", "--max-bytes", "5"],
    export: ["FOLDER/exported"],
    import: ["FOLDER"],
    backup: ["FOLDER/backup"],
    restore: ["FOLDER/made"],
  };

  async function newerStore() {
    const folder = await temporaryDirectory();
    const root = join(folder, "store");
    await (await startServer(root)).close();
    expect(runCommand(["backup", join(folder, "made"), "--root", root])).toMatchObject({ status: 0 });
    const format = await readFile(join(root, "format"), "utf8");
    await writeFile(join(root, "format"), format.replace(/^2/, "3"));
    await writeFile(join(folder, "file"), "text");
    return { folder, root };
  }

  it("is refused by every command in one line, with exit code 1", async () => {
    const { folder, root } = await newerStore();
    for (const [command, rest] of Object.entries(words)) {
      const args = rest.map((word) => word.replace("FOLDER", folder));
      expectRefusal(
        runCommand([command, ...args, "--root", root]),
        1,
        "has format 3",
        "newer version of artifacts-mcp",
      );
    }
  });

  it("is refused by a server and by verify too, and doctor names it", async () => {
    const { root } = await newerStore();
    for (const args of [[], ["--read-only"], ["--no-stdio", "--http", "127.0.0.1:0"]]) {
      expectRefusal(runCommand(["--root", root, ...args]), 1, "has format 3");
    }
    for (const args of [[], ["--repair"], ["--compact"]]) {
      expectRefusal(runCommand(["verify", "--root", root, ...args]), 2, "has format 3");
    }
    const { status, stdout } = runCommand(["doctor", "--root", root]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^.*has format 3, and this program reads format 2.*$/m);
  });
});

describe("the log of changes", () => {
  it("has one line for each change over HTTP, and none for a repeated one", async () => {
    const server = await startService(await newRoot());
    const { ask } = server;
    const put = () => ask("PUT", "/v1/content/b/k", { body: "secret content" });
    await put();
    await put();
    const sent = { "content-type": "application/json" };
    const change = (body: object) => ({ headers: sent, body: JSON.stringify(body) });
    await ask("PUT", "/v1/content/b/large", { body: "x".repeat(300_000) });
    await ask("PATCH", "/v1/artifacts/b/k", change({ metadata: { note: "secret note" } }));
    await ask("POST", "/v1/copies", change({ bucket: "b", key: "k", to_key: "copy" }));
    await ask("POST", "/v1/copies", change({ bucket: "b", key: "copy", to_bucket: "c", move: true }));
    await ask("DELETE", "/v1/artifacts/b/k");
    const { confirm } = (await ask("DELETE", "/v1/artifacts/c?prefix=")).json;
    await ask("DELETE", `/v1/artifacts/c?prefix=&confirm=${confirm}`);
    expect(changesIn(server.stderr())).toEqual([
      'saved {"bucket":"b","key":"k","version":1,"bytes":14,"by":"http"}',
      'completed {"bucket":"b","key":"large","version":1,"bytes":300000,"by":"http"}',
      'updated {"bucket":"b","key":"k","version":1,"bytes":14,"by":"http"}',
      'copied {"bucket":"b","key":"copy","version":1,"bytes":14,"by":"http","from_bucket":"b","from_key":"k","from_version":1}',
      'moved {"bucket":"c","key":"copy","version":1,"bytes":14,"by":"http","from_bucket":"b","from_key":"copy","from_version":1}',
      'deleted {"bucket":"b","key":"k","version":1,"bytes":14,"by":"http"}',
      'deleted {"bucket":"c","key":"copy","version":1,"bytes":14,"by":"http"}',
    ]);
    expect(server.stderr()).not.toMatch(new RegExp(`secret|signature|${token}`));
  });
});

it("a command logs its changes with --log-level info, by the command line", async () => {
  const folder = await temporaryDirectory();
  const root = join(folder, "store");
  await writeFile(join(folder, "file"), "text");
  const put = runCommand(["put", join(folder, "file"), "b/k", "--root", root, "--log-level", "info"]);
  expect(changesIn(put.stderr)).toEqual([expect.stringMatching(/^\w+ \{"bucket":"b","key":"k",.*"by":"command line"/)]);
  const removed = runCommand(["rm", "b/k", "--yes", "--root", root, "--log-level", "info"]);
  expect(changesIn(removed.stderr)).toEqual([
    'deleted {"bucket":"b","key":"k","version":1,"bytes":4,"by":"command line"}',
  ]);
});

describe("two servers on one data directory, the second with --read-only", () => {
  it("read the same store with different tokens, and only the first one writes", async () => {
    const root = await newRoot();
    const writer = await startService(root);
    const readerToken = "a-token-for-readers";
    const reader = await startServiceIn({ ARTIFACTS_HTTP_TOKEN: readerToken }, root, 0, "--read-only");
    const asReader = { headers: { authorization: `Bearer ${readerToken}` } };
    const saved = await writer.ask("PUT", "/v1/content/b/k", { body: "one" });
    expect((await reader.ask("GET", "/v1/content/b/k", asReader)).text).toBe("one");
    expect((await reader.ask("PUT", "/v1/content/b/k", { ...asReader, body: "two" })).status).toBe(403);
    expect((await reader.ask("DELETE", "/v1/artifacts/b/k", asReader)).status).toBe(403);
    expect((await writer.ask("GET", "/v1/content/b/k", asReader)).status).toBe(401);
    expect((await reader.ask("GET", "/v1/content/b/k")).status).toBe(401); // the token of the writer
    // Signed URLs hold at both servers, because both sign with the key of the data directory.
    const url = new URL(String(saved.json["url"]));
    const noToken = { headers: { authorization: "" } };
    expect((await reader.ask("GET", `${url.pathname}${url.search}`, noToken)).text).toBe("one");
    // A reader must get no upload URL: the writer would take it.
    const sent = { headers: { "content-type": "application/json" }, body: '{"bucket":"b","key":"up","size":6}' };
    const { id, url: uploadUrl } = (await writer.ask("POST", "/v1/artifacts", sent)).json;
    const signature = String(uploadUrl).split(".").at(-1) ?? "";
    for (const path of ["/v1/sessions", `/v1/sessions/${id}`, `/v1/artifacts/session:${id}.x`]) {
      const seen = await reader.ask("GET", path, asReader);
      expect(seen.text).toContain(String(id));
      expect(`${seen.text}${JSON.stringify(seen.headers)}`, path).not.toContain(signature);
    }
    const metrics = await reader.ask("GET", "/metrics", asReader);
    expect(metrics.text).toContain("artifacts_mcp_store_artifacts 1\n");
  });
});

describe("a new token", () => {
  it("leaves signed URLs valid; removing signing-key makes them void, and uploads get new ones", async () => {
    const root = await newRoot();
    const before = await startService(root);
    const saved = await before.ask("PUT", "/v1/content/b/k", { body: "one" });
    const sent = { headers: { "content-type": "application/json" }, body: '{"bucket":"b","key":"up","size":6}' };
    const upload = await before.ask("POST", "/v1/artifacts", sent);
    const [download, append] = [saved.json["url"], upload.json["url"]].map((url) => new URL(String(url)));
    if (download === undefined || append === undefined) throw new Error("no URLs");
    before.child.kill();
    await before.exited;

    const second = "the-second-token-of-all";
    const rotated = await startServiceIn({ ARTIFACTS_HTTP_TOKEN: second }, root);
    const noToken = { headers: { authorization: "" } };
    expect((await rotated.ask("GET", "/v1/artifacts")).status).toBe(401); // the old token
    expect((await rotated.ask("GET", `${download.pathname}${download.search}`, noToken)).text).toBe("one");
    const part = { headers: { authorization: "", "upload-offset": "0", "content-type": "text/plain" }, body: "abc" };
    expect((await rotated.ask("POST", append.pathname, part)).status).toBeLessThan(300);
    rotated.child.kill();
    await rotated.exited;

    await rm(join(root, "signing-key"));
    const renewed = await startServiceIn({ ARTIFACTS_HTTP_TOKEN: second }, root);
    const withToken = { headers: { authorization: `Bearer ${second}` } };
    expect((await renewed.ask("GET", `${download.pathname}${download.search}`, noToken)).status).toBe(401);
    expect((await renewed.ask("POST", append.pathname, part)).status).toBe(401);
    const again = await renewed.ask("GET", `/v1/sessions/${String(upload.json["id"])}`, withToken);
    expect(again.json).toMatchObject({ offset: 3 });
    const path = new URL(String(again.json["url"])).pathname;
    expect(path).not.toBe(append.pathname);
    const rest = { headers: { ...part.headers, "upload-offset": "3" }, body: "def" };
    expect((await renewed.ask("POST", path, rest)).json).toMatchObject({ key: "up", bytes: 6 });
    expect((await renewed.ask("GET", "/v1/content/b/up", withToken)).text).toBe("abcdef");
  });
});

describe("GET /metrics of a running server", () => {
  it("counts only the buckets that its clients see, if it has a bucket prefix", async () => {
    const root = await newRoot();
    const whole = await startService(root);
    const prefixed = await startService(root, 0, "--bucket-prefix", "team-");
    await whole.ask("PUT", "/v1/content/others/k", { body: "text" });
    await prefixed.ask("PUT", "/v1/content/b/k", { body: "text" });
    expect((await whole.ask("GET", "/metrics")).text).toContain("artifacts_mcp_store_artifacts 2\n");
    const { text } = await prefixed.ask("GET", "/metrics");
    expect(text).toContain("artifacts_mcp_store_up 1\n");
    expect(text).toContain("artifacts_mcp_store_artifacts 1\n");
  });

  it("counts calls of the tools that exist", async () => {
    const root = await newRoot();
    const server = spawnRaw(["--root", root, "--http", "127.0.0.1:0"], { ARTIFACTS_HTTP_TOKEN: token });
    server.send(initialize, { method: "notifications/initialized" });
    server.send(toolCall(1, "list_buckets", {}), toolCall(2, "get_artifact", { bucket: "none", key: "none" }));
    server.send(toolCall(3, "no_such_tool", {}));
    await Promise.all([server.answer(1), server.answer(2), server.answer(3)]);
    const answer = await fetch(`${await originOf(server)}/metrics`, { headers: bearer });
    const text = await answer.text();
    expect(text).not.toContain("no_such_tool");
    expect(text).toContain('artifacts_mcp_tool_calls_total{tool="list_buckets",outcome="done"} 1\n');
    expect(text).toContain('artifacts_mcp_tool_calls_total{tool="get_artifact",outcome="error"} 1\n');
  });
});
