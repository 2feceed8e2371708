import { describe, expect, it } from "vitest";
import { connect } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

describe("artifact_not_found", () => {
  async function setup() {
    const connection = await connect(createMemoryEngines());
    for (const key of ["runs/1/results.csv", "runs/2/results.csv", "notes/x.md", "a", "b"]) {
      await connection.answer("save_artifact", { bucket: "b", key, content: "x" });
    }
    return connection;
  }

  it.each([
    ["get_artifact", {}],
    ["read_artifact", {}],
    ["update_artifact", { metadata: { a: "1" } }],
    ["copy_artifact", { to_key: "new" }],
    ["delete_artifact", {}],
  ])("of %s names keys that are near", async (tool, more) => {
    const { refusal } = await setup();
    expect(await refusal(tool, { bucket: "b", key: "runs/1/result.csv", ...more })).toMatchObject({
      code: "artifact_not_found",
      message: expect.stringMatching(
        /^There is no artifact .* in bucket "b"\..* Similar keys in this bucket: "runs\/1\/results\.csv"\.$/,
      ),
    });
  });

  it.each([
    ["Notes/X.md", /Similar keys in this bucket: "notes\/x\.md"\./],
    ["notes/x.txt", /Similar keys in this bucket: "notes\/x\.md"\./],
    ["runs/3/results.csv", /Similar keys in this bucket: "runs\/1\/results\.csv", "runs\/2\/results\.csv"\./],
    ["something/else.csv", /There is no artifact "something\/else\.csv" in bucket "b"\. search_artifacts/],
  ])("of key %s says what is near in another folder, if anything is", async (key, message) => {
    const { refusal } = await setup();
    expect(await refusal("get_artifact", { bucket: "b", key })).toMatchObject({
      message: expect.stringMatching(message),
    });
  });

  it("of the other artifact of a comparison is about its bucket", async () => {
    const { answer, refusal } = await setup();
    await answer("save_artifact", { bucket: "lab", key: "g/A.md", content: "x" });
    const { message } = await refusal("compare_artifacts", {
      bucket: "b",
      key: "a",
      to_bucket: "lab",
      to_key: "g/a.md",
    });
    expect(message).toBe('There is no artifact "g/a.md" in bucket "lab". Similar keys in this bucket: "g/A.md".');
    const other = await refusal("compare_artifacts", { bucket: "b", key: "a", to_bucket: "lab" });
    expect(other["message"]).toMatch(/^There is no artifact "a" in bucket "lab"\. search_artifacts/);
  });

  it("names the list of buckets if the bucket does not exist either", async () => {
    const { refusal } = await setup();
    expect(await refusal("read_artifact", { bucket: "none", key: "a" })).toMatchObject({
      code: "artifact_not_found",
      message: expect.stringMatching(/in bucket "none"\. search_artifacts .* list_buckets all buckets/),
    });
  });

  it("of a version names the versions, and no other keys", async () => {
    const { refusal } = await setup();
    const { message } = await refusal("get_artifact", { bucket: "b", key: "a", version: 2 });
    expect(message).toMatch(/there is version 1/);
    expect(message).not.toMatch(/Similar/);
  });
});

describe("bucket_not_found", () => {
  it.each([
    ["list_artifacts", {}],
    ["search_artifacts", { query: "x" }],
  ])("of %s names the nearest bucket", async (tool, more) => {
    const { answer, refusal } = await connect(createMemoryEngines());
    await answer("save_artifact", { bucket: "evals", key: "k", content: "x" });
    expect(await refusal(tool, { bucket: "eval", ...more })).toMatchObject({
      code: "bucket_not_found",
      message: expect.stringMatching(/A similar bucket is "evals"\.$/),
    });
  });
});

describe("a guard on a key that never existed", () => {
  it("does not say that somebody deleted it", async () => {
    const { refusal } = await connect(createMemoryEngines());
    const { message } = await refusal("save_artifact", { bucket: "b", key: "k", content: "x", if_version: "3" });
    expect(message).toMatch(/was never saved under this key.*if_version 0/);
  });
});
