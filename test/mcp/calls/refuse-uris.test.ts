import { describe, expect, it } from "vitest";
import { type Arguments, connect } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const uri = "artifact://six/dir/k%20%C3%A9?version=2";
const named = 'this is a URI: bucket "six", key "dir/k é", version 2.';

describe("a tool", () => {
  it.each<[string, Arguments, string, object]>([
    ["get_artifact", { bucket: "six", key: uri }, named, { argument: "key", suggestion: "dir/k é" }],
    ["read_artifact", { bucket: uri, key: "k" }, named, { argument: "bucket", suggestion: "six" }],
    ["read_artifact", { bucket: uri, key: uri }, named, { argument: "bucket", suggestion: "six" }],
    ["save_artifact", { bucket: "b", key: "artifact://six/k", content: "x" }, '"six", key "k".', { argument: "key" }],
    ["create_upload_session", { bucket: "b", key: "artifact://six/k" }, '"six", key "k".', { argument: "key" }],
    ["delete_artifact", { bucket: "b", key: " artifact://six/k " }, '"six", key "k".', { argument: "key" }],
    ["list_upload_sessions", { bucket: "artifact://six" }, 'URI: bucket "six".', { suggestion: "six" }],
    ["list_artifacts", { bucket: "artifact://six/" }, 'URI: bucket "six".', { suggestion: "six" }],
    ["list_artifacts", { bucket: "artifact://six?cursor=x" }, 'URI: bucket "six".', { suggestion: "six" }],
    ["get_artifact", { bucket: "b", key: "artifact://six/100%" }, '"six", key "100%".', { argument: "key" }],
  ])("%s that is given %j says what the URI names", async (tool, args, message, details) => {
    const { refusal, answer } = await connect(createMemoryEngines());
    const refused = await refusal(tool, args);
    expect(refused).toMatchObject({ code: "invalid_argument", ...details });
    expect(refused.message).toContain(message);
    expect(await answer("list_buckets")).toEqual({ data: [] });
  });

  it("takes a key that only contains the text of a URI's scheme", async () => {
    const { answer } = await connect(createMemoryEngines());
    const saved = await answer("save_artifact", { bucket: "b", key: "artifact:notes", content: "x" });
    expect(saved).toMatchObject({ key: "artifact:notes" });
  });
});
