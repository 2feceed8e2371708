import type { McpError, ReadResourceResult } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { connect, contentsOf } from "../../support/mcp-client.js";
import { jpeg, png } from "../../support/media.js";
import { createMemoryEngines } from "../../support/stores.js";

const MiB = 1024 * 1024;
const notFound = -32002;
const invalidParams = -32602;

async function setup() {
  const engines = createMemoryEngines();
  const connection = await connect(engines);
  const { client, store } = connection;
  const save = (bucket: string, key: string, content: string | Uint8Array, type = "text/plain") =>
    store.artifacts.save({ bucket, key, bytes: Buffer.from(content), defaultMimeType: type, mime_type: type });
  const read = async (uri: string): Promise<ReadResourceResult["contents"][number]> => {
    const { contents } = await client.readResource({ uri });
    expect(contents).toHaveLength(1);
    return contents[0] as (typeof contents)[0];
  };
  const json = async (uri: string) => {
    const content = await read(uri);
    expect(content).toMatchObject({ uri, mimeType: "application/json" });
    return JSON.parse("text" in content ? content.text : "");
  };
  return { ...connection, engines, save, read, json };
}

describe("resources/read", () => {
  it("answers the root as list_buckets does, in pages by ?cursor=", async () => {
    const { save, json, answer } = await setup();
    for (let n = 0; n < 101; n += 1) await save(`bucket${1000 + n}`, "k", "x");
    const first = await json("artifact:///");
    expect(first).toEqual(await answer("list_buckets"));
    expect(first.data).toHaveLength(100);
    const rest = await json(`artifact:///?cursor=${first.next_cursor}`);
    expect(rest).toMatchObject({ data: [{ name: "bucket1100" }] });
  });

  it("answers a bucket as list_artifacts does, in pages by ?cursor=", async () => {
    const { save, json, answer } = await setup();
    for (let n = 0; n < 101; n += 1) await save("b", `dir/k${1000 + n}`, "x");
    const first = await json("artifact://b");
    expect(first).toEqual(await answer("list_artifacts", { bucket: "b" }));
    const rest = await json(`artifact://b?cursor=${first.next_cursor}`);
    expect(rest.data).toMatchObject([{ key: "dir/k1100" }]);
    expect(rest).not.toHaveProperty("next_cursor");
  });

  it("answers an upload as get_upload_session does", async () => {
    const { json, answer } = await setup();
    const session = await answer<{ id: string; url: string }>("create_upload_session", { bucket: "b", key: "k" });
    await answer("upload_chunk", { session_id: session.id, offset: 0, data: "hello" });
    expect(session.url).toBe(`artifact-upload://${session.id}`);
    expect(await json(session.url)).toEqual({
      ...session,
      offset: 5,
      tail: "hello",
      expires_at: expect.any(Number),
    });
  });

  it("answers the newest version of an artifact, or the one that ?version= names", async () => {
    const { save, read } = await setup();
    const { uri } = await save("b", "dir/k.md", "# one", "text/markdown");
    await save("b", "dir/k.md", "# two", "text/markdown");
    expect(await read(uri)).toEqual({ uri, mimeType: "text/markdown", text: "# two" });
    expect(await read(`${uri}?version=1`)).toMatchObject({ text: "# one" });
    expect(await read(`${uri}?version=2`)).toMatchObject({ text: "# two" });
  });

  it("answers the range of ?offset= and ?length=, up to the end of the content", async () => {
    const { save, read } = await setup();
    await save("b", "k", "0123456789");
    const ranges = {
      "offset=2&length=3": "234",
      "length=3": "012",
      "offset=8": "89",
      "offset=8&length=9": "89",
      "offset=10": "",
    };
    for (const [query, text] of Object.entries(ranges))
      expect(await read(`artifact://b/k?${query}`)).toMatchObject({ text });
    await save("b", "k", "newer");
    expect(await read("artifact://b/k?length=2&version=1&offset=4")).toMatchObject({ text: "45" });
  });

  it.each([
    ["text", "text/csv", "a,€\n", { text: "a,€\n" }],
    ["JSON", "application/json", "{}", { text: "{}" }],
    ["text with a byte order mark", "text/plain", "\ufeffx", { text: "\ufeffx" }],
    ["empty text", "text/plain", "", { text: "" }],
    ["text that is not UTF-8", "text/plain", Uint8Array.of(0xff, 0x61), { blob: "/2E=" }],
    ["bytes", "application/octet-stream", "hello", { blob: "aGVsbG8=" }],
    ["an image", "image/png", png(2, 1), { blob: png(2, 1).toString("base64") }],
  ])("answers %s of type %s as text or as a blob", async (_what, mimeType, content, wanted) => {
    const { save, read } = await setup();
    const { uri } = await save("b", "k", content, mimeType);
    expect(await read(uri)).toEqual({ uri, mimeType, ...wanted });
  });

  it.each([
    ["text", "image/png", Buffer.from("hello world\n"), "application/octet-stream"],
    ["text", "audio/wav", Buffer.from("hello world\n"), "application/octet-stream"],
    ["a JPEG image", "image/png", jpeg(2, 1), "image/jpeg"],
  ])("never sends %s as %s, because hosts would show it", async (_what, mimeType, content, honest) => {
    const { save, read } = await setup();
    const { uri } = await save("b", "k", content, mimeType);
    expect(await read(uri)).toEqual({ uri, mimeType: honest, blob: content.toString("base64") });
  });

  it("sends a part of an image as bytes", async () => {
    const { save, read } = await setup();
    const { uri } = await save("b", "k", png(2, 1), "image/png");
    const part = { mimeType: "application/octet-stream", blob: png(2, 1).subarray(0, 40).toString("base64") };
    expect(await read(`${uri}?length=40`)).toMatchObject(part);
  });

  it("puts the cursor of a listing before the entries, because hosts cut the end of long answers", async () => {
    const { save, client } = await setup();
    for (let n = 0; n < 101; n += 1) await save("b", `k${n}`, "x");
    const { contents } = await client.readResource({ uri: "artifact://b" });
    expect(contents[0]).toMatchObject({ text: expect.stringMatching(/^{"next_cursor":"[^"]+","data":/) });
  });

  it("answers up to 4 MiB whole, and refuses more with a range that works and the tool to use", async () => {
    const { save, read } = await setup();
    const { uri } = await save("b", "k", Buffer.alloc(4 * MiB, "x"));
    expect(await read(uri)).toMatchObject({ text: expect.stringMatching(/^x{100}/) });
    await save("b", "k", Buffer.alloc(4 * MiB + 1, "y"));
    const error = await read(uri).catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: invalidParams,
      message: expect.stringMatching(/read_artifact/),
      data: { uri },
    });
    const [range = ""] = /artifact:\/\/\S+\?offset=0&length=\d+/.exec(error.message) ?? [];
    expect(await read(range)).toMatchObject({ uri: range, text: expect.stringMatching(/^y{100}/) });
    expect(await read(`${uri}?offset=1`)).toMatchObject({ text: expect.stringMatching(/^y{100}/) });
  });

  it("never answers a line of more than 10 MiB, whatever the text contains", async () => {
    const { save, read } = await setup();
    const { uri } = await save("b", "k", Buffer.alloc(4 * MiB, "\u0001"));
    const bytes = await read(uri).then(
      (content) => JSON.stringify(content).length,
      () => 0,
    );
    expect(bytes).toBeLessThan(10 * MiB);
  });

  it("refuses an offset past the end, and names the size", async () => {
    const { save, read } = await setup();
    await save("b", "k", "hello");
    const refused = { code: invalidParams, message: expect.stringMatching(/5 bytes/) };
    await expect(read("artifact://b/k?offset=6")).rejects.toMatchObject(refused);
  });
});

describe("a missing resource", () => {
  it.each([
    ["bucket", "artifact://none"],
    ["artifact", "artifact://b/none"],
    ["bucket of an artifact", "artifact://none/k"],
    ["bucket in different case", "artifact://B"],
    ["key in different case", "artifact://b/K"],
    ["version", "artifact://b/k?version=2"],
    ["folder", "artifact://b/dir"],
    ["upload", "artifact-upload://none"],
    ["upload without an id", "artifact-upload://"],
  ])("(%s) is answered with the protocol's code for it and with its uri", async (_what, uri) => {
    const { save, read } = await setup();
    await save("b", "k", "x");
    await save("b", "dir/k", "x");
    await expect(read(uri)).rejects.toMatchObject({ code: notFound, data: { uri } });
  });
});

it("a read in a bucket that does not exist says to call list_buckets", async () => {
  const { read } = await setup();
  await expect(read("artifact://none/k")).rejects.toMatchObject({
    code: notFound,
    message: expect.stringMatching(/no artifact "k" in bucket "none"\. search_artifacts .* list_buckets/),
    data: { code: "artifact_not_found", bucket: "none", key: "k" },
  });
});

const badVersions = ["0", "-1", "1.5", "1e3", "+1", "x", "", "%201", "9007199254740993", "١"];
const badUris: [what: string, uri: string, message: RegExp][] = [
  ["a fragment", "artifact://b/k#part", /fragment/],
  ["a fragment after the query", "artifact://b/k?version=1#part", /fragment/],
  ["a second ?", "artifact://b/k?version=1?offset=0", /more than one \?/],
  ["an unknown parameter", "artifact://b/k?size=1", /"size" is unknown.*version, offset, length/],
  ["a parameter of another kind of resource", "artifact://b/k?cursor=x", /"cursor" is unknown/],
  ["a parameter of another kind of resource", "artifact://b?version=1", /"version" is unknown/],
  ["a parameter of an upload", "artifact-upload://x?version=1", /takes no parameters/],
  ["a duplicate parameter", "artifact://b/k?version=1&version=1", /version is given twice/],
  ["an empty parameter", "artifact://b/k?version=1&", /parameter "" is unknown/],
  ["a parameter without a value", "artifact://b/k?version", /version must be a whole number from 1/],
  ...badVersions.map((version): [string, string, RegExp] => [
    `version ${version}`,
    `artifact://b/k?version=${version}`,
    /version must be a whole number from 1/,
  ]),
  ["length 0", "artifact://b/k?length=0", /length must be a whole number from 1/],
  ["offset -1", "artifact://b/k?offset=-1", /offset must be a whole number from 0/],
  ["a bad cursor", "artifact:///?cursor=x", /cursor/],
  ["a bad cursor", "artifact://b?cursor=", /cursor/],
  ["a lone percent sign", "artifact://b/k%", /percent/],
  ["a percent sign without hex digits", "artifact://b/%zz", /percent/],
  ["a percent code that is not UTF-8", "artifact://b/%ff", /percent/],
  ["encoded dots", "artifact://b/%2e%2e/b2/k", /key ".*" is not valid/],
  ["a .. segment", "artifact://b/../b2/k", /key ".*" is not valid/],
  ["a . segment", "artifact://b/./k", /key ".*" is not valid/],
  ["NUL", "artifact://b/k%00", /key ".*" is not valid/],
  ["a lone surrogate", "artifact://b/k\ud800", /key ".*" is not valid/],
  ["a slash at the end", "artifact://b/k/", /key ".*" is not valid/],
  ["an empty segment", "artifact://b/dir//k", /key ".*" is not valid/],
  ["a key of 1,025 bytes", `artifact://b/${"x".repeat(1_025)}`, /key ".*" is not valid/],
  ["an invalid bucket", "artifact://b..c/k", /bucket ".*" is not valid/],
  ["an encoded slash in a bucket", "artifact://b%2Fk", /bucket ".*" is not valid/],
  ["an empty bucket with a key", "artifact:////k", /bucket ".*" is not valid/],
  ["a user and a port", "artifact://me@b:80/k", /bucket ".*" is not valid/],
  ["another scheme", "file:///etc/passwd", /must begin with artifact/],
  ["no authority", "artifact:b/k", /must begin with artifact/],
  ["a path after an upload", "artifact-upload://x/y", /must begin with artifact/],
  ["nothing", "", /must begin with artifact/],
  ["white space at its start", " artifact://b/k", /must begin with artifact/],
];

describe("a resource URI", () => {
  it.each([
    ["a key with an encoded letter", "artifact://b/%6B"],
    ["a bucket with an encoded letter", "artifact://%62/k"],
    ["an empty query", "artifact://b/k?"],
    ["a parameter with an encoded name and value", "artifact://b/k?%76ersion=%31"],
  ])("is decoded once: %s", async (_what, uri) => {
    const { save, read } = await setup();
    await save("b", "k", "found");
    expect(await read(uri)).toMatchObject({ uri, text: "found" });
  });

  it("may have encoded slashes in its key, as clients that expand {key} send it", async () => {
    const { save, read } = await setup();
    await save("b", "dir/k", "found");
    expect(await read("artifact://b/dir%2Fk")).toMatchObject({ text: "found" });
  });

  it.each(badUris)("with %s is refused: %s", async (_what, uri, message) => {
    const { save, read, engines } = await setup();
    for (const [bucket, key] of [
      ["b", "k"],
      ["b", "dir/k"],
      ["b2", "k"],
    ] as const)
      await save(bucket, key, "x");
    const before = contentsOf(engines);
    await expect(read(uri)).rejects.toMatchObject({ code: invalidParams, message: expect.stringMatching(message) });
    expect(contentsOf(engines)).toEqual(before);
  });

  it.each([
    ["slashes", `artifact://${"/".repeat(2_000_000)}`],
    ["percent signs", `artifact://b/${"%61".repeat(1_000_000)}`],
    ["parameters", `artifact://b/k?${"a=1&".repeat(1_000_000)}`],
    ["question marks", `artifact://b/k${"?".repeat(2_000_000)}`],
  ])("that is far too long (%s) is refused in linear time, and not repeated whole", async (_what, uri) => {
    const { read } = await setup();
    const error: McpError = await read(uri).catch((thrown) => thrown); // more than linear work would not end
    expect(error).toMatchObject({ code: invalidParams, message: expect.stringMatching(/longer than/) });
    expect(JSON.stringify([error?.message, error?.data]).length).toBeLessThan(5_000);
  });

  it("may be as long as the longest bucket and key with every parameter", async () => {
    const { save, read } = await setup();
    const { uri } = await save("b".repeat(63), "k".repeat(512), "found");
    expect(await read(`${uri}?version=1&offset=0&length=9007199254740991`)).toMatchObject({ text: "found" });
  });

  it("may be as long as the longest cursor of a listing makes it", async () => {
    const { save, json } = await setup();
    const bucket = "b".repeat(63);
    for (let n = 0; n < 101; n += 1) await save(bucket, `${"k".repeat(508)}${1000 + n}`, "x");
    const first = await json(`artifact://${bucket}`);
    const rest = await json(`artifact://${bucket}?cursor=${first.next_cursor}`);
    expect(rest.data).toHaveLength(1);
  });
});
