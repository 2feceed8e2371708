import { ResultSchema, type Tool } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { normalizeArguments } from "../../../src/mcp/calls/normalize-arguments.js";
import {
  type Arguments,
  connect,
  pageTextOf,
  refusalIn,
  sha256Of,
  textOf,
  uploadsOf,
} from "../../support/mcp-client.js";
import { createMemoryFiles } from "../../support/memory-files.js";
import { createMemoryEngines } from "../../support/stores.js";

const here = { bucket: "b", key: "k.txt" };

async function opened() {
  const connection = await connect(createMemoryEngines());
  const save = (more: Arguments = {}) => connection.answer("save_artifact", { ...here, content: "text", ...more });
  const request = (method: string, params?: Arguments) =>
    connection.client.request({ method, ...(params && { params }) }, ResultSchema);
  return { ...connection, ...uploadsOf(connection), save, request };
}

describe("null", () => {
  it("means that the argument is absent, for any tool", async () => {
    const { answer, call, save } = await opened();
    const absent = { mime_type: null, metadata: null, if_version: null, encoding: null };
    expect(await save(absent)).toMatchObject({ version: 1, mime_type: "text/plain", metadata: {} });
    const begun = { size: null, sha256: null, mime_type: null, metadata: null, if_version: null };
    const { id } = await answer("create_upload_session", { bucket: "b", key: "k2", ...begun });
    expect(id).toBeTypeOf("string");
    await answer("upload_chunk", { session_id: id, offset: 0, data: "x", encoding: null, sha256: null });
    await answer("complete_upload_session", { session_id: id, sha256: null, if_version: null });
    expect(await answer("list_buckets", { cursor: null, limit: null })).toMatchObject({ data: [{ name: "b" }] });
    const listed = { bucket: "b", prefix: null, delimiter: null, cursor: null, limit: null };
    expect((await answer<{ data: unknown[] }>("list_artifacts", listed)).data).toHaveLength(2);
    const all = await answer<{ data: unknown[] }>("list_upload_sessions", { bucket: null, key: null, all: true });
    expect(all.data).toHaveLength(1);
    expect(await answer("get_artifact", { ...here, version: null })).toMatchObject({ version: 1 });
    const read = await call("read_artifact", { ...here, version: null, offset: null, length: null, encoding: null });
    expect(read.isError).toBeUndefined();
  });

  it("means that a metadata entry is absent", async () => {
    const { save } = await opened();
    expect(await save({ metadata: { a: null, b: "" } })).toMatchObject({ metadata: { b: "" } });
  });

  it("is refused for a required argument", async () => {
    const { refusal } = await opened();
    const refused = await refusal("save_artifact", { ...here, content: null });
    expect(refused).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(/content is required/) });
  });

  it("may replace the whole arguments or parameters", async () => {
    const { request } = await opened();
    const call = { name: "list_buckets", arguments: null };
    expect(await request("tools/call", call)).not.toHaveProperty("isError");
    expect(await request("resources/list", { cursor: null })).toMatchObject({ resources: [{ name: "buckets" }] });
    const ref = { type: "ref/resource", uri: "artifact://{bucket}" };
    const completed = { ref, argument: { name: "bucket", value: "" }, context: { arguments: null } };
    expect(await request("completion/complete", completed)).toMatchObject({ completion: { values: [] } });
  });
});

describe("an empty text", () => {
  it("means no cursor, no delimiter and no media type", async () => {
    const { answer, save, request } = await opened();
    expect(await save({ mime_type: "" })).toMatchObject({ mime_type: "text/plain" });
    const listed = await answer<{ data: unknown[] }>("list_artifacts", { bucket: "b", cursor: "", delimiter: "" });
    expect(listed.data).toHaveLength(1);
    for (const [tool, args] of [
      ["list_buckets", {}],
      ["list_upload_sessions", {}],
    ] as const) {
      expect(await answer(tool, { ...args, cursor: "" }), tool).toHaveProperty("data");
    }
    for (const method of ["tools/list", "resources/list"]) await request(method, { cursor: "" });
  });

  it("means that the argument is absent, for any tool", async () => {
    const { answer, call, read, save } = await opened();
    const absent = { encoding: "", mime_type: "", metadata: "" };
    expect(await save(absent)).toMatchObject({ version: 1, mime_type: "text/plain", metadata: {} });
    expect(await answer("get_artifact", { ...here, version: "" })).toMatchObject({ version: 1 });
    const page = await call("read_artifact", { ...here, version: "", offset: "", length: "", encoding: "" });
    expect(pageTextOf(page)).toBe("text");
    const begun = { size: "", sha256: "", mime_type: "", metadata: "" };
    const { id } = await answer("create_upload_session", { bucket: "b", key: "k2.txt", ...begun });
    await answer("upload_chunk", { session_id: id, offset: 0, data: "x", encoding: "", sha256: "" });
    await answer("complete_upload_session", { session_id: id, sha256: "", size: "" });
    expect(await read("k2.txt")).toBe("x");
    const listed = { bucket: "b", prefix: "", delimiter: "", cursor: "", limit: "" };
    expect(await answer("list_artifacts", listed)).toMatchObject({ data: [{ key: "k.txt" }, { key: "k2.txt" }] });
    const all = { bucket: "", key: "", all: "true", cursor: "", limit: "" };
    expect(await answer("list_upload_sessions", all)).toMatchObject({ data: [{ id }] });
  });

  it("means absent for every optional argument, except guards and what is to be deleted", async () => {
    const { client, call } = await connect(createMemoryEngines(), { allowPaths: ["/allowed"] });
    const { tools } = await client.listTools();
    const usual: Arguments = {
      ...here,
      session_id: "s",
      offset: 0,
      content: "x",
      data: "x",
      path: "/allowed/f",
      prefix: "k",
    };
    const refuses = async (tool: string, argument: string, args: Arguments) => {
      const result = await call(tool, args);
      return result.isError === true && refusalIn(textOf(result))["argument"] === argument;
    };
    const isRefused = async ({ name: tool, inputSchema: { required = [] } }: Tool, argument: string) => {
      const what = argument === "key" ? "prefix" : "key";
      const given = tool === "delete_artifact" ? [...required, what] : required;
      const args = Object.fromEntries(given.map((name) => [name, usual[name]]));
      return (await refuses(tool, argument, { ...args, [argument]: "" })) && !(await refuses(tool, argument, args));
    };
    const refused: string[] = [];
    for (const tool of tools) {
      const { required = [], properties = {} } = tool.inputSchema;
      for (const argument of Object.keys(properties).filter((name) => !required.includes(name))) {
        if (await isRefused(tool, argument)) refused.push(`${tool.name}.${argument}`);
      }
    }
    expect(tools.map(({ name }) => name)).toContain("import_file");
    const guarded = ["save_artifact", "create_upload_session", "complete_upload_session", "import_file"];
    const guards = [...guarded, "update_artifact", "copy_artifact", "delete_artifact"].map(
      (tool) => `${tool}.if_version`,
    );
    const deletes = ["key", "prefix", "version", "confirm"].map((name) => `delete_artifact.${name}`);
    expect(refused.toSorted()).toEqual([...guards, "copy_artifact.from_if_version", ...deletes].toSorted());
  });

  it.each([
    ["upload_chunk", { session_id: "s", offset: "", data: "x" }, /offset must be a whole number, not "". /],
    ["delete_artifact", { ...here, version: "" }, /version must be a whole number, not "" \(or leave it out\)/],
    ["save_artifact", { ...here, content: "x", if_version: "" }, /if_version must be the number of the newest version/],
    ["list_artifacts", { bucket: "" }, /bucket "" is not valid/],
    ["get_artifact", { ...here, key: "" }, /key "" is not valid/],
  ])(
    "is refused for a required argument, and where absence could lose data: %s with %j",
    async (tool, args, message) => {
      const { refusal, save } = await opened();
      await save();
      expect(await refusal(tool, args)).toMatchObject({ message: expect.stringMatching(message) });
    },
  );

  it("is valid content", async () => {
    const { save } = await opened();
    expect(await save({ content: "" })).toMatchObject({ bytes: 0 });
  });
});

describe("numbers and booleans written as text", () => {
  it("are converted", async () => {
    const { answer, create, get, call, save } = await opened();
    await save({ if_version: "0" });
    await save({ content: "text 2", if_version: "1" });
    expect(await answer("get_artifact", { ...here, version: "1" })).toMatchObject({ version: 1, bytes: 4 });
    const { id } = await create({ size: "3" });
    await answer("upload_chunk", { session_id: id, offset: "0", data: "ab" });
    await answer("upload_chunk", { session_id: id, offset: "2", data: "c" });
    expect(await get(id)).toMatchObject({ status: "complete", size: 3 });
    expect(await answer("get_artifact", { ...here, versions: "1" })).toHaveProperty("versions.length", 1);
    const { _meta } = await call("read_artifact", { ...here, offset: "1", length: "2" });
    expect(_meta).toMatchObject({ offset: 1, length: 2 });
  });

  it.each(["", " 1", "1.0", "1e0", "0x1", "+1", "01", "-0", "one", "9007199254740993", "99999999999999999999"])(
    "are refused if JSON would not write the number so: %j",
    async (offset) => {
      const { refusal, create } = await opened();
      const { id } = await create();
      const refused = await refusal("upload_chunk", { session_id: id, offset, data: "x" });
      expect(refused).toMatchObject({ code: "invalid_argument", argument: "offset" });
    },
  );

  it("are converted to booleans only if they say true or false", () => {
    const input = z.strictObject({ overwrite: z.boolean().default(false) });
    for (const overwrite of [true, false]) {
      expect(normalizeArguments(input, { overwrite: String(overwrite) })).toEqual({ overwrite });
      expect(normalizeArguments(input, { overwrite })).toEqual({ overwrite });
    }
    for (const overwrite of ["yes", "True", 1]) {
      expect(normalizeArguments(input, { overwrite })).toEqual({ overwrite });
    }
  });

  it.each(["0", "1e3", "null", "true", '{"a":1}', "[1]", ""])("stay text if the argument is text: %j", async (text) => {
    const { answer, create, append, complete, read, save } = await opened();
    await save({ content: text });
    expect(await read()).toBe(text);
    const { id } = await create({ key: "chunks" });
    await append(id, 0, text);
    expect(await complete(id)).toMatchObject({ artifact: { sha256: sha256Of(text) } });
    if (text === "" || text === "[1]") return;
    await answer("save_artifact", { bucket: "b", key: text, content: "x", metadata: { [text]: text } });
    expect(await answer("get_artifact", { bucket: "b", key: text })).toMatchObject({ metadata: { [text]: text } });
  });
});

describe("metadata", () => {
  it.each<[string, unknown, object]>([
    ["as JSON", '{"a":"b"}', { a: "b" }],
    ["as JSON with white space around it", ' {"a": "b"}\n', { a: "b" }],
    ["with numbers", { a: 1, b: -0.5, c: 0, d: 1e21 / 1e21 }, { a: "1", b: "-0.5", c: "0", d: "1" }],
    ["with booleans", { a: true, b: false }, { a: "true", b: "false" }],
    ["as JSON with numbers and null", '{"a":1,"b":null}', { a: "1" }],
    ["as an empty object in JSON", "{}", {}],
    ["as null in JSON", "null", {}],
    ["as null in JSON with white space around it", " null\n", {}],
    ["as an empty text", "", {}],
  ])("is accepted %s", async (_, metadata, taken) => {
    const { save, create, complete } = await opened();
    expect(await save({ metadata })).toMatchObject({ metadata: taken });
    const { id } = await create({ key: "k2", metadata });
    const { artifact } = await complete(id);
    expect(artifact?.metadata).toEqual(taken);
  });

  it.each<[string, unknown, RegExp]>([
    ["text", "a", /metadata must be an object of strings, not "a"/],
    ["a text of white space", " ", /metadata must be an object of strings, not " " \(or leave it out\)/],
    ["half of JSON", '{"a":', /metadata must be an object of strings/],
    ["a list in JSON", '["a"]', /metadata must be an object of strings/],
    ["an object in it", { a: { b: "c" } }, /metadata\.a must be a string, not {"b":"c"}/],
    ["a list in it", '{"a":[1]}', /metadata\.a must be a string, not \[1\]/],
    ["a number that lost digits", '{"id":12345678901234567890}', /metadata\.id must be a string/],
    ["a name that objects cannot have", '{"__proto__":"x"}', /__proto__ cannot be a name in metadata/],
  ])("is refused if it is %s", async (_, metadata, message) => {
    const { refusal } = await opened();
    const refused = await refusal("save_artifact", { ...here, content: "x", metadata });
    expect(refused).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message) });
  });
});

describe("a session id", () => {
  it.each<[string, (id: string) => string]>([
    ["as the session's URI", (id) => `artifact-upload://${id}`],
    ["with white space around it", (id) => ` ${id}\n`],
    ["as the session's URI with white space around it", (id) => `\tartifact-upload://${id} `],
  ])("is accepted %s, by every tool", async (_, written) => {
    const files = createMemoryFiles();
    files.files.set("/data/f", { bytes: Buffer.from("abc"), change: 0 });
    const connection = await connect(createMemoryEngines(), { files, allowPaths: ["/data"] });
    const { answer } = connection;
    const { create, append, get, complete, abort } = uploadsOf(connection);
    const { id } = await create();
    expect(await append(written(id), 0, "abc")).toMatchObject({ id, offset: 3 });
    expect(await get(written(id))).toMatchObject({ id, status: "open" });
    expect(await complete(written(id))).toMatchObject({ id, status: "complete" });
    const { id: aborted } = await create();
    expect(await abort(written(aborted))).toMatchObject({ id: aborted, status: "aborted" });
    const { id: imported } = await create();
    const session = await answer("import_file", { path: "/data/f", session_id: written(imported) });
    expect(session).toMatchObject({ id: imported, status: "complete" });
  });

  it("marks a refused chunk as missing, also when it is a URI", async () => {
    const connection = await connect(createMemoryEngines());
    const { refusal } = connection;
    const { id } = await uploadsOf(connection).create();
    await refusal("upload_chunk", { session_id: `artifact-upload://${id}`, offset: 0 });
    const refused = await refusal("complete_upload_session", { session_id: id });
    expect(refused).toMatchObject({ code: "incomplete" });
  });

  it.each(["artifact-upload://", "artifact-upload://a/b", "artifact://b/k", "http://h/v1/uploads/x"])(
    "is not read from any other text: %s",
    async (session_id) => {
      const { refusal } = await opened();
      expect(await refusal("get_upload_session", { session_id })).toMatchObject({ code: "session_not_found" });
    },
  );
});

describe("a word with different spelling", () => {
  it.each(["UTF-8", "utf-8", "UTF8", "Utf8"])("is read as utf8: %s", async (encoding) => {
    const { read, save, create, append, complete, call } = await opened();
    await save({ content: "aGk=", encoding });
    expect(await read()).toBe("aGk=");
    const { id } = await create({ key: "k2" });
    await append(id, 0, "aGk=", { encoding });
    expect(await complete(id)).toMatchObject({ artifact: { bytes: 4 } });
    expect(pageTextOf(await call("read_artifact", { ...here, encoding }))).toBe("aGk=");
  });

  it.each(["BASE64", "Base64", "base-64"])("is read as base64, for content of any length: %s", async (encoding) => {
    const { save, call } = await opened();
    for (const bytes of [Buffer.from("hi"), Buffer.alloc(20_000, "hi")]) {
      expect(await save({ content: bytes.toString("base64"), encoding })).toMatchObject({ sha256: sha256Of(bytes) });
    }
    const page = await call("read_artifact", { ...here, length: 2, encoding });
    expect(pageTextOf(page)).toBe("aGk=");
  });

  it.each(["base64url", "utf16", "utf-16", "latin1", "hex", "utf 8 "])(
    "is refused if it may mean another word: %s",
    async (encoding) => {
      const { refusal } = await opened();
      const message = `encoding must be one of utf8, base64, not "${encoding}" (or leave it out)`;
      const refused = await refusal("save_artifact", { ...here, content: "x", encoding });
      expect(refused).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(message) });
    },
  );
});

describe("a value that is not text, for a text argument", () => {
  const elsewhere = { bucket: undefined, key: undefined };
  it.each<[string, Arguments, string]>([
    ["save_artifact", { content: 42 }, 'content must be a string, not 42: write it as text, "42".'],
    ["save_artifact", { content: true }, 'content must be a string, not true: write it as text, "true".'],
    ["save_artifact", { content: { a: 1 } }, 'content must be a string, not {"a":1}: write JSON as a text, in quotes.'],
    ["save_artifact", { content: [1] }, "content must be a string, not [1]: write JSON as a text, in quotes."],
    ["save_artifact", { content: 1e21 }, "content must be a string, not 1e+21: write it as text, in quotes."],
    ["save_artifact", { content: 0.5 }, "content must be a string, not 0.5: write it as text, in quotes."],
    ["save_artifact", { content: "x", key: 123 }, 'key must be a string, not 123: write it as text, "123".'],
    ["get_artifact", { bucket: 1 }, 'bucket must be a string, not 1: write it as text, "1".'],
    ["list_artifacts", { key: undefined, prefix: 2026 }, 'not 2026: write it as text, "2026" (or leave it out).'],
    [
      "upload_chunk",
      { ...elsewhere, session_id: 7, offset: 0, data: 7 },
      'session_id must be a string, not 7: write it as text, "7"',
    ],
    [
      "upload_chunk",
      { ...elsewhere, session_id: "s", offset: 0, data: 7 },
      'data must be a string, not 7: write it as text, "7".',
    ],
  ])("is refused, not converted: %s with %j", async (tool, args, message) => {
    const { refusal, answer } = await opened();
    const refused = await refusal(tool, { ...here, ...args });
    expect(refused).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(message) });
    expect(await answer("list_buckets")).toEqual({ data: [] });
  });
});

describe("the error for an optional argument", () => {
  it.each<[string, Arguments, string]>([
    ["list_buckets", { limit: "many" }, "limit"],
    ["list_buckets", { limit: 0 }, "limit"],
    ["list_buckets", { cursor: "x" }, "cursor"],
    ["list_artifacts", { bucket: "b", prefix: "/a" }, "prefix"],
    ["list_artifacts", { bucket: "b", delimiter: "ab" }, "delimiter"],
    ["list_upload_sessions", { bucket: 5 }, "bucket"],
    ["read_artifact", { ...here, length: 0 }, "length"],
    ["read_artifact", { ...here, encoding: "hex" }, "encoding"],
    ["get_artifact", { ...here, version: 0 }, "version"],
    ["save_artifact", { ...here, content: "x", mime_type: "csv" }, "mime_type"],
    ["save_artifact", { ...here, content: "x", metadata: 5 }, "metadata"],
    ["create_upload_session", { ...here, sha256: "x" }, "sha256"],
    ["create_upload_session", { ...here, size: "big" }, "size"],
  ])("says that the argument may be left out: %s with %j", async (tool, args, argument) => {
    const { refusal, save } = await opened();
    await save();
    const message = expect.stringMatching(/leave it out/);
    expect(await refusal(tool, args)).toMatchObject({ code: "invalid_argument", argument, message });
  });
});

describe("arguments", () => {
  it("may be JSON in a text, as some model APIs write them", async () => {
    const { request, answer } = await opened();
    const args = JSON.stringify({ ...here, content: "5", metadata: { a: 1 } });
    await request("tools/call", { name: "save_artifact", arguments: args });
    expect(await answer("get_artifact", here)).toMatchObject({ sha256: sha256Of("5"), metadata: { a: "1" } });
  });

  it.each([
    ["Cline", { task_progress: "- [x] save" }],
    ["Gemini CLI", { wait_for_previous: true }],
    ["n8n", { toolCallId: "call_0" }],
  ])("that %s adds for itself are ignored", async (_, added) => {
    const { save, answer, call } = await opened();
    await save(added);
    expect(await answer("list_buckets", added)).toMatchObject({ data: [{ name: "b" }] });
    expect((await call("read_artifact", { ...here, ...added })).isError).toBeUndefined();
  });

  it.each(["shuffle", "taskProgress", "task_progress2", "constructor", "toString", "hasOwnProperty", "null"])(
    "that are unknown are refused: %s",
    async (name) => {
      const { refusal } = await opened();
      const refused = await refusal("save_artifact", { ...here, content: "x", [name]: "x" });
      const message = expect.stringContaining(`unknown argument "${name}": this tool takes bucket, key`);
      expect(refused).toMatchObject({ code: "invalid_argument", argument: name, message });
    },
  );

  it("are described to hosts with a strict schema", async () => {
    const { client } = await opened();
    const { tools } = await client.listTools();
    const save = tools.find(({ name }) => name === "save_artifact");
    expect(save?.inputSchema).toMatchObject({
      additionalProperties: false,
      properties: { if_version: { type: "string" }, metadata: { additionalProperties: { type: "string" } } },
    });
    expect(JSON.stringify(tools)).not.toMatch(/task_progress|wait_for_previous|toolCallId/);
  });
});

describe("a list", () => {
  const schema = z.strictObject({ columns: z.array(z.string()).optional() });

  it.each<[unknown, unknown]>([
    [
      ["a", "b"],
      ["a", "b"],
    ],
    ['["a","b, c"]', ["a", "b, c"]],
    ["a, b", ["a", "b"]],
    ["a", ["a"]],
    ["[a", ["[a"]],
    ["5", ["5"]],
    [5, 5],
  ])("may be text: %j", (given, expected) => {
    expect(normalizeArguments(schema, { columns: given })).toEqual({ columns: expected });
  });

  it("of nothing is absent", () => {
    expect(normalizeArguments(schema, { columns: "" })).toEqual({});
    expect(normalizeArguments(schema, { columns: null })).toEqual({});
  });
});
