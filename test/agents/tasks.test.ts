import { describe, expect, it } from "vitest";
import { type Arguments, connect, refusalIn, textOf } from "../support/mcp-client.js";
import { png } from "../support/media.js";
import { createMemoryFiles } from "../support/memory-files.js";
import { createMemoryEngines } from "../support/stores.js";
import { createAgent } from "./agent.js";

/*
 * What tasks cost an agent: an upper bound of calls, and of characters of arguments and answers. A change that makes an
 * agent pay more fails here. The arguments are those that an agent would write who knows the tool list alone.
 */

async function setup() {
  const engines = createMemoryEngines();
  const connection = await connect(engines);
  return { ...connection, engines, agent: createAgent(connection) };
}

/** A value of the JSON that an answer begins with. */
const factOf = (text: string, name: string): unknown => JSON.parse(text.split("\n")[0] ?? "")[name];

const kilobyte = `${"0123456789".repeat(100)}${"\n".repeat(24)}`;

describe("the cost of a task", () => {
  it("to save 2 KB and read it back", async () => {
    const { agent } = await setup();
    const content = kilobyte.repeat(2);
    const here = { bucket: "notes", key: "2026/plan.md" };
    await agent.call("save_artifact", { ...here, content });
    expect(await agent.call("read_artifact", here)).toContain(kilobyte);
    agent.expectAtMost(2, 2 * content.length + 330);
  });

  it("to upload 120 KB in chunks of 24 KB", async () => {
    const { agent, store } = await setup();
    const chunk = kilobyte.repeat(24);
    const here = { bucket: "data", key: "large.csv" };
    const id = factOf(await agent.call("create_upload_session", here), "id");
    let offset: unknown = 0;
    for (let n = 0; n < 5; n += 1) {
      offset = factOf(await agent.call("upload_chunk", { session_id: id, offset, data: chunk }), "offset");
    }
    await agent.call("complete_upload_session", { session_id: id });
    expect(await store.artifacts.get("data", "large.csv")).toMatchObject({ bytes: 5 * chunk.length });
    const sent = 5 * JSON.stringify(chunk).length;
    agent.expectAtMost(7, sent + 1_050);
  });

  it("to go on in a new conversation with nothing but the key", async () => {
    const { call, engines } = await setup();
    const here = { bucket: "reports", key: "june.md" };
    const begun = await call("create_upload_session", here);
    const { id } = begun.structuredContent as { id: string };
    await call("upload_chunk", { session_id: id, offset: 0, data: "# June\n\nThe first half of the text. " });

    const agent = createAgent(await connect(engines));
    const page = await agent.call("list_upload_sessions", here);
    const [, line = ""] = page.split("\n");
    const [found, at, , tail] = line.split("\t");
    expect(tail).toBe('tail "# June\\n\\nThe first half of the text. "');
    const offset = Number(/^open at offset (\d+)$/.exec(at ?? "")?.[1]);
    await agent.call("upload_chunk", { session_id: found, offset, data: "The second half.\n" });
    await agent.call("complete_upload_session", { session_id: found });
    expect(await agent.call("read_artifact", here)).toMatch(/first half of the text\. The second half\./);
    agent.expectAtMost(4, 700);
  });

  it("to be told of the unfinished upload by a creation", async () => {
    const { call, agent } = await setup();
    const here = { bucket: "reports", key: "june.md" };
    const { id } = (await call("create_upload_session", here)).structuredContent as { id: string };
    await call("upload_chunk", { session_id: id, offset: 0, data: "half" });
    const created = await agent.call("create_upload_session", here);
    expect(created).toMatch(/The new session can be used\. .* Only if it is yours, .*\tbegun \d{4}-/s);
    expect(created).toContain(`upload_chunk {"session_id":"${id}","offset":4} with what comes after its tail`);
    await agent.call("abort_upload_session", { session_id: factOf(created, "id") });
    await agent.call("upload_chunk", { session_id: id, offset: 4, data: " done" });
    await agent.call("complete_upload_session", { session_id: id });
    agent.expectAtMost(4, 980);
  });

  it("to write beside another agent without losing its work", async () => {
    const { agent, call } = await setup();
    const here = { bucket: "team", key: "todo.md" };
    await agent.call("save_artifact", { ...here, content: "- one\n" });
    await call("save_artifact", { ...here, content: "- one\n- theirs\n", if_version: "1" });
    const refused = await call("save_artifact", { ...here, content: "- one\n- mine\n", if_version: "1" });
    expect(refusalIn(textOf(refused)).message).toMatch(/Read the newest version, merge .* with if_version 2/);
    expect(await agent.call("read_artifact", here)).toContain("- theirs");
    await agent.call("save_artifact", { ...here, content: "- one\n- theirs\n- mine\n", if_version: "2" });
    agent.expectAtMost(3, 420);
  });

  it("to find the evaluation results of the run in March, as CSV, among 300", async () => {
    let now = Date.parse("2026-01-01T00:00:00Z");
    const connection = await connect(createMemoryEngines(), { now: () => now });
    for (let n = 0; n < 300; n += 1) {
      const kind = ["eval", "train", "notes"][n % 3];
      const extension = ["csv", "json", "md"][Math.floor(n / 3) % 3];
      const key = `${kind}/run-${String(n).padStart(3, "0")}/results.${extension}`;
      const bytes = Buffer.from(`${n}\n`);
      await connection.store.artifacts.save({ bucket: "models", key, bytes, defaultMimeType: "text/plain" });
      now += 12 * 60 * 60 * 1000;
    }
    const agent = createAgent(connection);
    const found = await agent.call("search_artifacts", {
      query: "eval results csv",
      created_after: "2026-03-01",
      created_before: "2026-03-31",
    });
    const lines = found.split("\n").slice(1);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line).toMatch(/^models\teval\/run-\d+\/results\.csv\t\d B\t2026-03-/);
    const [bucket, key] = (lines[0] ?? "").split("\t");
    await agent.call("read_artifact", { bucket, key });
    agent.expectAtMost(2, 680);
  });

  it("to rename, to copy, and to delete 50", async () => {
    const { agent, store } = await setup();
    const save = (key: string) =>
      store.artifacts.save({ bucket: "b", key, bytes: Buffer.from(key), defaultMimeType: "text/plain" });
    for (let n = 0; n < 50; n += 1) await save(`tmp/part-${n}.json`);
    await save("draft.md");
    await agent.call("copy_artifact", { bucket: "b", key: "draft.md", to_key: "final.md", move: true });
    await agent.call("copy_artifact", { bucket: "b", key: "final.md", to_bucket: "archive" });
    const counted = await agent.call("delete_artifact", { bucket: "b", prefix: "tmp/" });
    const [, next = ""] = /delete_artifact (\{.*\})$/.exec(counted) ?? [];
    expect(await agent.call("delete_artifact", JSON.parse(next))).toMatch(/^50 artifacts/);
    const left = await agent.call("list_artifacts", { bucket: "b" });
    expect(left).toMatch(/^1 entry .*\nfinal\.md\t/);
    agent.expectAtMost(5, 820); // 60 of them are names of keys that the deletion would delete
  });

  it("to keep a picture from the disk, and to look at it", async () => {
    const files = createMemoryFiles();
    files.files.set("/data/plot.png", { bytes: png(20, 10), change: 0 });
    const { call } = await connect(createMemoryEngines(), { files, allowPaths: ["/data"] });
    const agent = createAgent({ call });
    const here = { bucket: "plots", key: "june.png" };
    await agent.call("import_file", { path: "/data/plot.png", ...here });
    expect(await agent.call("read_artifact", here)).toMatch(/a PNG image of 20 x 10 pixels/);
    agent.expectAtMost(2, 600);
  });

  it.each([1_000, 1_000_000])("to append three rows to %i bytes: under 600 characters", async (bytes) => {
    const { agent, store } = await setup();
    const here = { bucket: "experiments", key: "2026/03/run-131/measurements.csv" };
    const metadata = { run: "131", model: "resnet-50", source: "lab 3, second floor" };
    const rows = "2026-03-01,17.25,ok\n".repeat(bytes / 20);
    await store.artifacts.save({ ...here, bytes: Buffer.from(rows), metadata, defaultMimeType: "text/csv" });
    const created = await agent.call("create_upload_session", { ...here, from: "newest" });
    const [id, offset] = [factOf(created, "id"), factOf(created, "offset")];
    expect(factOf(created, "tail")).toMatch(/17\.25,ok\n$/);
    const data = "2026-03-02,17.5,ok\n2026-03-03,17.75,ok\n2026-03-04,18,ok\n";
    await agent.call("upload_chunk", { session_id: id, offset, data });
    await agent.call("complete_upload_session", { session_id: id });
    expect(await store.artifacts.get(here.bucket, here.key)).toMatchObject({
      version: 2,
      bytes: bytes + data.length,
    });
    agent.expectAtMost(3, 585);
  });
});

/** Facts of the answers that programs rely on. */
it("of the text has what a program reads from it", async () => {
  const { call } = await setup();
  const here: Arguments = { bucket: "b", key: "k.csv" };
  const created = JSON.parse(textOf(await call("create_upload_session", { ...here, size: 2 })));
  expect(created).toMatchObject({ id: expect.any(String), offset: 0, size: 2 });
  await call("upload_chunk", { session_id: created.id, offset: 0, data: "ab" });
  const info = JSON.parse(textOf(await call("get_artifact", here)));
  expect(info).toMatchObject({ ...here, mime_type: "text/csv", bytes: 2, created_at: expect.any(String) });
});
