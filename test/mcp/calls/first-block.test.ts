import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { type Arguments, connect, textOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

/**
 * Reads a result as Gemini CLI does: without structured content, a first text that is JSON is taken for it. The client
 * then checks it against the schema.
 */
function asGeminiReads(result: CallToolResult): CallToolResult {
  const [first] = result.content;
  if (result.structuredContent !== undefined || first?.type !== "text") return result;
  try {
    return { ...result, structuredContent: JSON.parse(first.text) };
  } catch {
    return result;
  }
}

async function setup() {
  const { answer, call } = await connect(createMemoryEngines());
  for (const key of ["a", "b", "c"]) await answer("save_artifact", { bucket: "b", key, content: "[1]" });
  await answer("save_artifact", { bucket: "b", key: "a", content: "[2]" });
  await answer("save_artifact", { bucket: "b2", key: "a", content: "[2]" });
  for (const key of ["x", "y"]) await answer("create_upload_session", { bucket: "b", key });
  return { answer, call };
}

describe("the first block", () => {
  it("of an error is its code and message, then a line of JSON with its details", async () => {
    const { call } = await setup();
    const result = await call("get_artifact", { bucket: "b", key: "none" });
    expect(result.content).toHaveLength(1);
    const [message, details, ...rest] = textOf(result).split("\n");
    expect(message).toMatch(/^artifact_not_found: .*list_artifacts/);
    expect(JSON.parse(details ?? "")).toMatchObject({ code: "artifact_not_found", bucket: "b", key: "none" });
    expect(rest).toEqual([]);
  });

  it.each<[string, Arguments]>([
    ["get_artifact", { bucket: "b", key: "none" }],
    ["get_artifact", { bucket: 7 }],
    ["upload_chunk", { session_id: "none", offset: 0, data: "x" }],
    ["import_file", { path: "/x", bucket: "b", key: "k" }],
    ["read_artifact", { bucket: "b", key: "a" }],
    ["read_artifact", { bucket: "b", key: "a", length: 1 }],
  ])("of %s %j is not JSON, so that no host takes it for structured content", async (tool, args) => {
    const { call } = await setup();
    const result = await call(tool, args);
    expect(asGeminiReads(result)).toEqual(result);
    expect(result).not.toHaveProperty("structuredContent");
  });

  it.each<[string, Arguments, first: string, last: string]>([
    ["list_buckets", { limit: 1 }, "1 entry on this page.", "1 entry on this page."],
    ["list_artifacts", { bucket: "b", delimiter: "/", limit: 2 }, "2 entries on this page.", "1 entry on this page."],
    ["list_artifacts", { bucket: "b", delimiter: "a", limit: 2 }, "2 entries on this page.", "1 entry on this page."],
    ["list_upload_sessions", { bucket: "b", limit: 1 }, "1 entry on this page.", "1 entry on this page."],
  ])("of %s %j counts the entries on the page and names the call for the next one", async (tool, args, first, last) => {
    const { call } = await setup();
    const page = await call(tool, args);
    expect(textOf(page)).toMatch(new RegExp(`^${first} Next page: ${tool} \\{.*\\}\n`));
    expect(page.content).toHaveLength(1);
    expect(JSON.stringify(page.structuredContent)).toMatch(/^{"next_cursor":/);
    const next = JSON.parse(textOf(page).split("\n")[0]?.split(` ${tool} `)[1] ?? "");
    expect(next).toEqual({ ...args, cursor: page.structuredContent?.["next_cursor"] });
    const rest = await call(tool, next);
    expect(textOf(rest).split("\n")[0]).toBe(`${last} This is the last page.`);
    expect(rest.structuredContent).not.toHaveProperty("next_cursor");
  });

  it("of content says where the page is, names the call for the next one, and is short", async () => {
    const { call } = await setup();
    const page = await call("read_artifact", { bucket: "b", key: "a", length: 2 });
    expect(textOf(page)).toBe(
      '2 bytes from offset 0 as utf8, of 3 (text/plain, version 2). Next page: read_artifact {"bucket":"b","key":"a","version":2,"offset":2,"length":2}',
    );
    expect(textOf(page, 1)).toBe("[2");
  });
});
