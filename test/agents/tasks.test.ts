import { describe, expect, it } from "vitest";
import { type Arguments, connect, refusalIn, textOf } from "../support/mcp-client.js";
import { png } from "../support/media.js";
import { createMemoryFiles } from "../support/memory-files.js";
import { createMemoryEngines } from "../support/stores.js";
import { createAgent, factOf } from "./agent.js";

/*
 * What tasks cost an agent: an upper bound of calls, and of characters of arguments and answers. A change that makes an
 * agent pay more fails here. The arguments are those that an agent would write who knows the tool list alone.
 */

async function setup() {
  const engines = createMemoryEngines();
  const connection = await connect(engines);
  return { ...connection, engines, agent: createAgent(connection) };
}

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
