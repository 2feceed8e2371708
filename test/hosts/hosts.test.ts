import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { runCommand } from "../support/command.js";
import { builtServer } from "../support/server-process.js";
import { type Conversation, type Host, type InstalledHost, installHost } from "./host.js";
import { claudeCode, hosts } from "./hosts.js";
import { NotInstalledError } from "./installation.js";

const bucket = "hosts";

/** Three pages of text with non-ASCII characters. It is uploaded in two halves, and the first ends inside a line. */
const report = Buffer.from(
  Array.from({ length: 400 }, (_, line) => `${line}: Zwölf "Boxkämpfer" jagen Viktor.\n`).join(""),
);
const firstHalf = report.subarray(0, 7_003);
const secondHalf = report.subarray(7_003);

test.for(hosts)("$id shows our answers to its model, also after our server was killed", async (host, { skip }) => {
  const installed = await installOr(skip, host);
  const before = await installed.begin();
  await expectToolsOnce(before);
  await saveArtifact(before);
  const session = await uploadHalf(before);
  await killServer(before, installed, host);

  const after = await installed.begin();
  await resumeUpload(after, session);
  await readPages(after);
  await readWideText(after);
  await readJson(after);
  await readResources(after, host);
  await after.end();
  expect(runCommand(["verify", "--root", installed.root])).toMatchObject({ status: 0 });
});

async function installOr(skip: (why: string) => never, host: Host): Promise<InstalledHost> {
  try {
    return await installHost(host);
  } catch (error) {
    if (error instanceof NotInstalledError) skip(error.message);
    throw error;
  }
}

/** Expects each of our tools once: a host that is told of changes too early registers every tool twice. */
async function expectToolsOnce({ tools }: Conversation): Promise<void> {
  const offered = await tools();
  for (const name of toolNames) {
    expect(offered.filter((each) => each.endsWith(name))).toHaveLength(1);
  }
}

const toolNames = ["save_artifact", "upload_chunk", "get_upload_session", "list_upload_sessions", "read_artifact"];

/** Saves an artifact, and is told what to do about a conflict. */
async function saveArtifact({ call }: Conversation): Promise<void> {
  expect(await call("list_buckets")).toContain("0 entries on this page");
  const note = { bucket, key: "note.md", content: 'Grüße, "quoted"\nsecond line' };
  expect(await call("save_artifact", note)).toContain('"version":1');
  expect(await call("list_artifacts", { bucket })).toContain('"key":"note.md"');

  const conflict = await call("save_artifact", { ...note, content: "other", if_version: 0 });
  expect(conflict).toContain("version_conflict");
  expect(conflict).toContain('"version":1');
  expect(conflict).toContain("if_version 1");
  expect(await call("get_artifact", { bucket, key: "none" })).toContain("artifact_not_found");
}

/** @returns the session's id */
async function uploadHalf({ call }: Conversation): Promise<string> {
  const session_id = idIn(await call("create_upload_session", { bucket, key: "report.txt" }));
  const data = firstHalf.toString();
  expect(await call("upload_chunk", { session_id, offset: 0, data })).toContain(`"offset":${firstHalf.length}`);

  const gap = await call("upload_chunk", { session_id, offset: firstHalf.length + 1, data: "x" });
  expect(gap).toContain("offset_conflict");
  expect(gap).toContain(`"offset":${firstHalf.length}`);

  // Some hosts ask before a destructive call, although nobody can answer here.
  const mistake = idIn(await call("create_upload_session", { bucket, key: "mistake.txt" }));
  expect(await call("abort_upload_session", { session_id: mistake })).toContain('"status":"aborted"');
  return session_id;
}

/** The id of the session in an answer. */
function idIn(answer: string): string {
  const id = /"id":"([^"]+)"/.exec(answer)?.[1];
  if (id === undefined) throw new Error(`no id in ${answer}`);
  return id;
}

/** Kills the server. The host tells its model, or starts another server, and the conversation continues. */
async function killServer({ call, end }: Conversation, { root }: InstalledHost, host: Host): Promise<void> {
  const pids = serversAt(root);
  expect(pids).not.toEqual([]);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  expect(await call("list_upload_sessions", { bucket })).not.toBe("");
  if (host.restarts) {
    expect(await call("list_upload_sessions", { bucket })).toContain(`"offset":${firstHalf.length}`);
  }
  await end();
}

/** The process ids of our servers on this data directory. */
function serversAt(root: string): number[] {
  const lines = execFileSync("ps", ["-A", "-ww", "-o", "pid=,args="], { encoding: "utf8" }).split("\n");
  const ours = lines.filter((line) => line.includes(builtServer) && line.includes(root));
  return ours.map((line) => Number.parseInt(line, 10));
}

/** Continues the upload in new processes of host and server, with only what the store says. */
async function resumeUpload({ call }: Conversation, session_id: string): Promise<void> {
  const found = await call("list_upload_sessions", { bucket, key: "report.txt" });
  expect(found).toContain(session_id);
  expect(found).toContain(`at offset ${firstHalf.length}`);
  expect(await call("get_upload_session", { session_id })).toContain(`"offset":${firstHalf.length}`);

  const rest = { session_id, offset: firstHalf.length, data: secondHalf.toString() };
  expect(await call("upload_chunk", rest)).toContain(`"offset":${report.length}`);
  const complete = await call("complete_upload_session", { session_id });
  expect(complete).toContain('"status":"complete"');
  expect(complete).toContain(createHash("sha256").update(report).digest("hex"));
}

/** Reads page after page with the call that each answer names, as a model does. No host cuts a page. */
async function readPages({ call }: Conversation): Promise<void> {
  let next: object | undefined = { bucket, key: "report.txt" };
  let end = 0;
  while (next !== undefined) {
    const page: string = await call("read_artifact", next);
    const [, length = "", start = ""] = /(\d+) bytes from offset (\d+) as utf8/.exec(page) ?? [];
    expect(Number(start)).toBe(end);
    end += Number(length);
    expect(page).toContain(report.toString("utf8", Number(start), end).trim());
    const nextCall = /Next page: read_artifact (\{[^}]*\})/.exec(page)?.[1];
    next = nextCall === undefined ? undefined : JSON.parse(nextCall);
  }
  expect(end).toBe(report.length);
}

/** Hosts count bytes or characters. A whole page with three bytes per character reaches the model too. */
async function readWideText({ call }: Conversation): Promise<void> {
  const content = Buffer.from("報告書".repeat(5_000));
  await call("save_artifact", { bucket, key: "wide.txt", content: content.toString() });
  const page = await call("read_artifact", { bucket, key: "wide.txt" });
  const [, length] = /(\d+) bytes from offset 0 as utf8/.exec(page) ?? [];
  expect(Number(length)).toBeGreaterThan(7_000);
  expect(page).toContain(content.toString("utf8", 0, Number(length)));
}

/** Content that is JSON reaches the model as content. */
async function readJson({ call }: Conversation): Promise<void> {
  await call("save_artifact", { bucket, key: "list.json", content: "[1,[2],3]" });
  expect(await call("read_artifact", { bucket, key: "list.json" })).toContain("[1,[2],3]");
}

/** Reads resources that existed before the host started: some hosts know only the resources listed then. */
async function readResources({ call }: Conversation, { resources }: Host): Promise<void> {
  if (resources === undefined) return;
  expect(await call(resources.list.tool, resources.list.args)).toContain("artifact:///");
  const { tool, args } = resources.read(`artifact://${bucket}/note.md`);
  expect(await call(tool, args)).toContain('Grüße, "quoted"\nsecond line');
  const none = resources.read(`artifact://${bucket}/none`);
  expect(await call(none.tool, none.args)).toMatch(/(fail|not found).*artifact:\/\/hosts\/none/i); // most hosts use their own words
}

test("Claude Code shows its model the tools for uploads and reads at once, and a long page whole", async ({ skip }) => {
  const deferring: Host = {
    ...claudeCode,
    environment: (origin) => ({ ...claudeCode.environment(origin), ENABLE_TOOL_SEARCH: "true" }),
  };
  const { tools, call, end } = await (await installOr(skip, deferring)).begin();
  const shown = (await tools()).filter((name) => name.startsWith("mcp__artifacts__"));
  expect(shown.length).toBeLessThan(7);
  expect(shown).toEqual(expect.arrayContaining(neededTools.map((name) => `mcp__artifacts__${name}`)));

  const content = "0123456789".repeat(6_000);
  const created = await call("create_upload_session", { bucket, key: "long.txt" });
  const session_id = /"id": ?"([^"]+)"/.exec(created)?.[1];
  await call("upload_chunk", { session_id, offset: 0, data: content });
  await call("complete_upload_session", { session_id });
  expect(await call("read_artifact", { bucket, key: "long.txt", length: content.length })).toContain(content);
  await end();
});

const neededTools = [
  "save_artifact",
  "create_upload_session",
  "upload_chunk",
  "complete_upload_session",
  "search_artifacts",
  "read_artifact",
];
