import { describe, expect, it } from "vitest";
import type { ConnectOptions } from "../../support/mcp-client.js";
import { connect } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const created = 1_800_000_000;

async function setup(options: ConnectOptions = {}) {
  const connection = await connect(createMemoryEngines(), { now: () => created * 1000, ...options });
  const { artifacts } = connection.store;
  const save = (bucket: string, key: string, content = "x") =>
    artifacts.save({ bucket, key, bytes: Buffer.from(content), defaultMimeType: "text/plain" });
  return { ...connection, save };
}

describe("resources/list", () => {
  it("lists only the root of an empty store", async () => {
    const { client } = await setup();
    const { resources, nextCursor } = await client.listResources();
    expect(resources).toMatchObject([{ uri: "artifact:///", mimeType: "application/json" }]);
    expect(nextCursor).toBeUndefined();
  });

  it("lists the root, the buckets and the artifacts, each artifact with size, type and lastModified", async () => {
    const { client, save } = await setup();
    await save("two", "k.csv", "a,b");
    await save("one", "dir/k.json", "{}");
    await save("one", "dir/k.json", "{ }");
    const { resources } = await client.listResources();
    const annotations = { lastModified: new Date(created * 1000).toISOString() };
    expect(resources).toMatchObject([
      { uri: "artifact:///" },
      { uri: "artifact://one", name: "one", mimeType: "application/json" },
      { uri: "artifact://two", name: "two", mimeType: "application/json" },
      { uri: "artifact://one/dir/k.json", name: "one/dir/k.json", mimeType: "application/json", size: 3, annotations },
      { uri: "artifact://two/k.csv", name: "two/k.csv", mimeType: "text/csv", size: 3, annotations },
    ]);
  });

  it.each([
    [0, 270],
    [98, 1],
    [99, 1],
    [100, 150],
    [130, 130],
  ])("lists pages of 100 in order, with %i more buckets and %i artifacts", async (buckets, artifacts) => {
    const { client, save } = await setup();
    const uris: string[] = [];
    for (let n = 0; n < buckets; n += 1) uris.push((await save(`bucket${1000 + n}`, "k")).uri);
    for (let n = 0; n < artifacts; n += 1) uris.push((await save("many", `k${1000 + n}`)).uri);
    const names = [...new Set(uris.map((uri) => uri.replace(/(?<=\w)\/.*$/, "")))];
    const wanted = ["artifact:///", ...names.sort(), ...uris.sort()];
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const { resources, nextCursor } = await client.listResources(cursor === undefined ? {} : { cursor });
      expect(resources.length).toBeLessThanOrEqual(100);
      if (nextCursor !== undefined) expect(resources).toHaveLength(100);
      found.push(...resources.map(({ uri }) => uri));
      cursor = nextCursor;
    } while (cursor !== undefined);
    expect(found).toEqual(wanted);
  });

  it.each(["x", "b", "a!", "bAAAA", "aAAAA", "c"])("refuses the cursor %j", async (cursor) => {
    const { client, save } = await setup();
    await save("one", "k");
    await expect(client.listResources({ cursor })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringMatching(/cursor/),
    });
  });

  it("refuses a cursor of the buckets for the artifacts", async () => {
    const { client, save } = await setup();
    for (let n = 0; n < 101; n += 1) await save(`bucket${n}`, "k");
    const { nextCursor = "" } = await client.listResources();
    expect(nextCursor).toMatch(/^b/);
    await expect(client.listResources({ cursor: nextCursor.replace(/^b/, "a") })).rejects.toMatchObject({
      code: -32602,
    });
  });
});

describe("resources/templates/list", () => {
  it("offers buckets, artifacts, ranges of artifacts, and uploads", async () => {
    const { client } = await setup();
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      "artifact://{bucket}",
      "artifact://{bucket}/{+key}",
      "artifact://{bucket}/{+key}{?version,offset,length}",
      "artifact-upload://{id}",
    ]);
    for (const { name, title, description } of resourceTemplates) {
      for (const text of [name, title, description]) expect(text).toMatch(/\S/);
    }
  });
});

describe("completion/complete", () => {
  const keyUri = "artifact://{bucket}/{+key}";
  async function completing() {
    const connection = await setup();
    const complete = async (name: string, value: string, bucket?: string, uri = keyUri) => {
      const context = bucket === undefined ? {} : { context: { arguments: { bucket } } };
      const params = { ref: { type: "ref/resource" as const, uri }, argument: { name, value }, ...context };
      return (await connection.client.complete(params)).completion;
    };
    return { ...connection, complete };
  }

  it("completes a bucket from typed text, in every template with a bucket", async () => {
    const { save, complete } = await completing();
    for (const bucket of ["data", "data2", "Data", "other"]) await save(bucket, "k");
    expect((await complete("bucket", "da")).values.sort()).toEqual(["data", "data2"]);
    expect((await complete("bucket", "")).values).toHaveLength(4);
    for (const uri of ["artifact://{bucket}", "artifact://{bucket}/{+key}{?version,offset,length}"]) {
      expect((await complete("bucket", "oth", undefined, uri)).values).toEqual(["other"]);
    }
  });

  it("completes a key in the bucket that the context names", async () => {
    const { save, complete } = await completing();
    for (const key of ["a/1", "a/2", "b"]) await save("one", key);
    await save("two", "a/3");
    expect(await complete("key", "a", "one")).toMatchObject({ values: ["a/1", "a/2"], hasMore: false });
    expect((await complete("key", "a/", "two")).values).toEqual(["a/3"]);
    expect((await complete("key", "", "one")).values).toEqual(["a/1", "a/2", "b"]);
  });

  it("answers at most 100 values, and says that there are more", async () => {
    const { save, complete } = await completing();
    for (let n = 0; n < 101; n += 1) await save("many", `k${n}`);
    const { values, hasMore } = await complete("key", "k", "many");
    expect(values).toHaveLength(100);
    expect(hasMore).toBe(true);
  });

  it.each([
    ["bucket", "no such", undefined],
    ["bucket", "nothing", undefined],
    ["bucket", "x".repeat(64), undefined],
    ["key", "k", undefined],
    ["key", "k", "none"],
    ["key", "k", "not a bucket"],
    ["key", "not a key", "one"],
    ["key", "x".repeat(600), "one"],
    ["version", "1", "one"],
  ])("answers nothing, and no error, for the %s %j in the bucket %j", async (name, value, bucket) => {
    const { save, complete } = await completing();
    await save("one", "k");
    expect(await complete(name, value, bucket)).toMatchObject({ values: [], hasMore: false });
  });

  it.each(["artifact://{nothing}", "artifact://b/k", "", "file:///{path}"])(
    "refuses the unknown template %j",
    async (uri) => {
      const { complete } = await completing();
      await expect(complete("bucket", "", undefined, uri)).rejects.toMatchObject({ code: -32602 });
    },
  );

  it("refuses a prompt, because this server has none", async () => {
    const { client } = await completing();
    const ref = { type: "ref/prompt" as const, name: "bucket" };
    await expect(client.complete({ ref, argument: { name: "bucket", value: "" } })).rejects.toMatchObject({
      code: -32602,
    });
  });
});
