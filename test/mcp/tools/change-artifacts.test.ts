import { describe, expect, it } from "vitest";
import type { Artifact } from "../../../src/store/model/artifact.js";
import { type Arguments, connect, pageTextOf, textOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const nowSeconds = 1_800_000_000;
const here = { bucket: "b", key: "k" };

async function setup() {
  let now = nowSeconds;
  const connection = await connect(createMemoryEngines(), { now: () => now * 1000 });
  const save = (content: string, more: Arguments = {}) =>
    connection.answer<Artifact>("save_artifact", { ...here, content, ...more });
  const read = async (more: Arguments = {}) => pageTextOf(await connection.call("read_artifact", { ...here, ...more }));
  const pass = (seconds: number): void => {
    now += seconds;
  };
  return { ...connection, save, read, pass };
}

describe("save_artifact", () => {
  it("keeps an artifact as long as expires_in says", async () => {
    const { save, answer, refusal, pass } = await setup();
    expect(await save("x", { expires_in: "12h" })).toMatchObject({ expires_at: nowSeconds + 12 * 3600 });
    pass(12 * 3600 - 1);
    expect(await answer("get_artifact", here)).toMatchObject({ version: 1 });
    pass(1);
    expect(await refusal("get_artifact", here)).toMatchObject({ code: "artifact_not_found" });
    expect(await save("y", { if_version: "0" })).toMatchObject({ version: 2 });
  });

  it("says what metadata the version before had if the new one has none", async () => {
    const { save, call } = await setup();
    await save("x", { metadata: { run: "1" } });
    const result = await call("save_artifact", { ...here, content: "y" });
    expect(JSON.parse(textOf(result))).toEqual({
      version: 2,
      mime_type: "text/plain",
      bytes: 1,
      previous_metadata: { run: "1" },
    });
  });

  it.each(["30m", "0h", "366d", "1.5h", "1 day", "never"])("refuses expires_in %s", async (expires_in) => {
    const { refusal } = await setup();
    expect(await refusal("save_artifact", { ...here, content: "x", expires_in })).toMatchObject({
      argument: "expires_in",
      message: expect.stringMatching(/1h to 365d/),
    });
  });

  it.each([3.1, "3.", "v3", "-1", "3.1.2", "0.1"])("refuses if_version %j", async (if_version) => {
    const { refusal } = await setup();
    expect(await refusal("save_artifact", { ...here, content: "x", if_version })).toMatchObject({
      argument: "if_version",
    });
  });
});

describe("update_artifact", () => {
  it("replaces metadata or merges it, and guards then see the edit", async () => {
    const { save, answer, refusal, call } = await setup();
    await save("x", { metadata: { a: "1", b: "2" } });
    const merged = await call("update_artifact", { ...here, metadata: { b: "", c: 3 }, merge: true, if_version: 1 });
    expect(JSON.parse(textOf(merged))).toEqual({
      version: 1,
      edit: 1,
      metadata: { a: "1", c: "3" },
      previous_metadata: { a: "1", b: "2" },
    });
    const refused = await refusal("save_artifact", { ...here, content: "y", if_version: "1" });
    expect(refused).toMatchObject({ code: "version_conflict", message: expect.stringMatching(/if_version 1\.1/) });
    expect(await answer("update_artifact", { ...here, metadata: {}, if_version: "1.1" })).toMatchObject({
      edit: 2,
      metadata: {},
    });
    expect(await save("y", { if_version: "1.2" })).toMatchObject({ version: 2 });
  });

  it("says what metadata and expiry it has replaced", async () => {
    const { save, call } = await setup();
    await save("x", { metadata: { a: "1", b: "2" }, expires_in: "1h" });
    const result = await call("update_artifact", { ...here, metadata: { c: "3" }, expires_in: "never" });
    expect(JSON.parse(textOf(result))).toEqual({
      version: 1,
      edit: 1,
      previous_metadata: { a: "1", b: "2" },
      previous_expires_at: new Date((nowSeconds + 3600) * 1000).toISOString().replace(".000", ""),
    });
  });

  it("sets an expiry and takes it away", async () => {
    const { save, answer } = await setup();
    await save("x");
    const set = await answer("update_artifact", { ...here, expires_in: "30d" });
    expect(set).toMatchObject({ expires_at: nowSeconds + 30 * 86400, edit: 1 });
    expect(await answer("update_artifact", { ...here, expires_in: "never" })).not.toHaveProperty("expires_at");
  });

  it("refuses to change nothing, and what is not there", async () => {
    const { refusal } = await setup();
    expect(await refusal("update_artifact", here)).toMatchObject({ message: expect.stringMatching(/give metadata/) });
    expect(await refusal("update_artifact", { ...here, metadata: {} })).toMatchObject({ code: "artifact_not_found" });
  });
});

describe("copy_artifact", () => {
  it("copies a version with its metadata, and says where it is", async () => {
    const { save, call, read } = await setup();
    await save("one", { metadata: { run: "1" } });
    await save("two");
    const copied = await call("copy_artifact", { ...here, version: 1, to_bucket: "c", to_key: "copy" });
    expect(JSON.parse(textOf(copied))).toEqual({
      bucket: "c",
      key: "copy",
      version: 1,
      mime_type: "text/plain",
      bytes: 3,
      metadata: { run: "1" },
    });
    expect(copied.structuredContent).toMatchObject({ uri: "artifact://c/copy", saved_by: "test 0" });
    expect([await read(), await read({ bucket: "c", key: "copy" })]).toEqual(["two", "one"]);
  });

  it("renames with all versions, and needs if_version on a key that exists", async () => {
    const { save, answer, refusal, read } = await setup();
    await save("one");
    await save("two");
    await save("other", { key: "taken" });
    const move = { ...here, move: true };
    const refused = await refusal("copy_artifact", { ...move, to_key: "taken" });
    expect(refused).toMatchObject({ code: "version_conflict", message: expect.stringMatching(/if_version 1/) });
    expect(await answer("copy_artifact", { ...move, to_key: "new" })).toMatchObject({ version: 2, moved_versions: 2 });
    expect(await refusal("get_artifact", here)).toMatchObject({ code: "artifact_not_found" });
    expect(await read({ key: "new", version: 1 })).toBe("one");
    const over = { bucket: "b", key: "new", to_key: "taken", move: true, all_versions: false, if_version: "1" };
    expect(await answer("copy_artifact", over)).toMatchObject({ version: 2, moved_versions: 1 });
  });

  it("brings an older version back as the newest of its own key", async () => {
    const { save, call, read } = await setup();
    await save("one");
    await save("two");
    const undone = await call("copy_artifact", { ...here, version: 1, if_version: "2" });
    expect(JSON.parse(textOf(undone))).toMatchObject({ version: 3, bytes: 3 });
    expect(await read()).toBe("one");
  });

  it("compares the source with from_if_version", async () => {
    const { save, refusal } = await setup();
    await save("one");
    const copy = { ...here, to_key: "new", from_if_version: "2" };
    expect(await refusal("copy_artifact", copy)).toMatchObject({ code: "version_conflict", from_if_version: 2 });
  });
});

describe("delete_artifact", () => {
  it("says how many versions it deleted, and that the artifact is gone already", async () => {
    const { save, call, answer, refusal } = await setup();
    await save("one");
    await save("two");
    const deleted = await call("delete_artifact", here);
    const facts = { version: 2, mime_type: "text/plain", bytes: 3, deleted_versions: 2, last_version: 2 };
    expect(JSON.parse(textOf(deleted))).toEqual(facts);
    expect(await answer("delete_artifact", here)).toEqual({ ...here, already_deleted: true });
    expect(await refusal("delete_artifact", { ...here, key: "never" })).toMatchObject({ code: "artifact_not_found" });
  });

  it("deletes under a guard only", async () => {
    const { save, answer, refusal } = await setup();
    await save("one");
    expect(await refusal("delete_artifact", { ...here, if_version: "2" })).toMatchObject({ code: "version_conflict" });
    expect(await answer("delete_artifact", { ...here, if_version: 1 })).toMatchObject({ deleted_versions: 1 });
  });

  it("with a prefix first says what matches, then deletes that and nothing newer", async () => {
    const { save, call, answer } = await setup();
    for (const key of ["tmp/a", "tmp/b", "keep"]) await save("x", { key });
    await save("yy", { key: "tmp/a" });
    const counted = await call("delete_artifact", { bucket: "b", prefix: "tmp/" });
    const [, next = ""] = /To delete them: delete_artifact (\{.*\})$/.exec(textOf(counted)) ?? [];
    expect(textOf(counted)).toMatch(/^2 artifacts \(4 bytes\) match\. Nothing is deleted yet\./);
    const { confirm } = counted.structuredContent as { confirm: string };
    const keys = { first_keys: ["tmp/a", "tmp/b"], last_keys: [] };
    const place = { bucket: "b", prefix: "tmp/" };
    expect(counted.structuredContent).toEqual({ ...place, artifacts: 2, bytes: 4, confirm, ...keys });
    expect(JSON.parse(next)).toEqual({ bucket: "b", prefix: "tmp/", confirm });
    await save("new", { key: "tmp/b" });
    const done = await call("delete_artifact", JSON.parse(next));
    expect(textOf(done)).toBe("1 artifact (3 bytes) deleted. 1 artifact under it was saved since, and stays.");
    expect(done.structuredContent).toMatchObject({ deleted: 1, bytes: 3, kept: 1 });
    expect(await answer("list_artifacts", { bucket: "b" })).toMatchObject({
      data: [{ key: "keep" }, { key: "tmp/b" }],
    });
  });

  it("takes / for the whole bucket, and finds nothing without an error", async () => {
    const { save, call } = await setup();
    await save("x");
    const nothing = await call("delete_artifact", { bucket: "b", prefix: "none/" });
    expect(nothing).toMatchObject({ structuredContent: { artifacts: 0, bytes: 0 } });
    expect(textOf(nothing)).toMatch(/^0 artifacts match/);
    expect(textOf(await call("delete_artifact", { bucket: "b", prefix: "tmp/*" }))).toMatch(/no wildcards/);
    expect(textOf(await call("delete_artifact", { bucket: "b", prefix: "/" }))).toMatch(/^1 artifact \(1 byte\) match/);
  });

  it.each<[Arguments, string]>([
    [{ bucket: "b" }, "key"],
    [{ ...here, prefix: "k" }, "key"],
    [{ bucket: "b", prefix: "k", version: 1 }, "version"],
    [{ bucket: "b", prefix: "k", if_version: "1" }, "if_version"],
    [{ bucket: "b", prefix: "k", confirm: "x" }, "confirm"],
    [{ ...here, confirm: "x" }, "confirm"],
    [{ bucket: "b", prefix: "" }, "prefix"],
  ])("refuses %j because of %s, and deletes nothing", async (args, argument) => {
    const { save, refusal, read } = await setup();
    await save("x");
    expect(await refusal("delete_artifact", args)).toMatchObject({ code: "invalid_argument", argument });
    expect(await read()).toBe("x");
  });

  it("says of confirm true where the right text comes from", async () => {
    const { save, refusal } = await setup();
    await save("x");
    for (const confirm of [true, "true"]) {
      expect(await refusal("delete_artifact", { bucket: "b", prefix: "k", confirm })).toMatchObject({
        argument: "confirm",
        message: expect.stringMatching(/call without confirm first, and pass the one that it answers/),
      });
    }
  });
});
