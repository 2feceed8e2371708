import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { connect, contentsOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

/** The arguments of each tool. A `*` marks a required argument. */
const expectedArguments = {
  save_artifact: "bucket* key* content* encoding mime_type metadata expires_in if_version",
  create_upload_session: "bucket* key* mime_type size sha256 metadata from expires_in if_version",
  upload_chunk: "session_id* offset* data* encoding sha256",
  get_upload_session: "session_id*",
  list_upload_sessions: "bucket key all cursor limit",
  complete_upload_session: "session_id* size sha256 if_version",
  abort_upload_session: "session_id*",
  list_buckets: "cursor limit",
  list_artifacts: "bucket* prefix delimiter cursor limit",
  get_artifact: "bucket* key* version versions",
  read_artifact: "bucket* key* version offset length encoding line lines find regex context columns row rows",
  describe_artifact: "bucket* key* version columns",
  compare_artifacts: "bucket* key* version to_bucket to_key to_version by",
  search_artifacts:
    "query bucket prefix mime_type metadata created_after created_before min_bytes max_bytes order cursor limit",
  update_artifact: "bucket* key* metadata merge expires_in if_version",
  copy_artifact: "bucket* key* version to_bucket to_key move all_versions if_version from_if_version",
  delete_artifact: "bucket* key version prefix confirm if_version",
};
const names = Object.keys(expectedArguments);
const writers = [
  "save_artifact",
  "create_upload_session",
  "upload_chunk",
  "complete_upload_session",
  "abort_upload_session",
  "update_artifact",
  "copy_artifact",
  "delete_artifact",
];

async function listed(options: { readOnly?: boolean } = {}) {
  const { client } = await connect(createMemoryEngines(), options);
  const { tools, nextCursor } = await client.listTools();
  expect(nextCursor).toBeUndefined(); // some hosts read only one page
  return { client, tools, byName: new Map(tools.map((tool) => [tool.name, tool])) };
}

/** The beginning of each description. */
const beginnings: Record<string, RegExp> = {
  save_artifact: /in one call \(up to about 30 KB of text\) under a bucket and key, where it outlives/,
  create_upload_session: /too large for one call, or is made piece by piece.*upload_chunk/,
  upload_chunk: /at offset, and answers the new offset: that of the next chunk/,
  get_upload_session: /where an upload stands.*first after a lost connection.*upload_chunk at its offset/,
  list_upload_sessions: /unfinished uploads, newest first.*to find one again when its id was lost/,
  complete_upload_session: /without size: what has been uploaded becomes the artifact/,
  abort_upload_session: /frees its bytes, which cannot be undone/,
  import_file: /whatever its size, without you reading it/,
  export_file: /whatever its size, without you reading it/,
  list_buckets: /what earlier sessions have saved/,
  list_artifacts: /of a bucket by key, each as its newest version/,
  get_artifact: /without its content.*read_artifact/,
  read_artifact: /in pages of up to 8,000 characters: by offset, by line, lines that have find, or rows of a table/,
  describe_artifact: /what content is.*format, lines, rows, each column's type, empty cells/,
  compare_artifacts: /how two versions of an artifact, or two artifacts, differ: a diff/,
  search_artifacts: /in all buckets by words, type, metadata, time or size, and lists the newest 20/,
  update_artifact: /metadata or expiry.*in place, without sending its content again/,
  copy_artifact: /to another key or bucket inside the store, or with move true moves or renames it/,
  delete_artifact: /an artifact, one version of it, or all artifacts under a prefix\. It cannot be undone/,
};

type Schema = Record<string, unknown>;
const properties = ({ inputSchema }: Tool) => (inputSchema.properties ?? {}) as Record<string, Schema>;
const argument = (tools: Map<string, Tool>, tool: string, name: string): Schema | undefined => {
  const found = tools.get(tool);
  return found && properties(found)[name];
};
const bytes = (text = "") => Buffer.byteLength(text);

const byWord = (text: string, word: string): number => text.split(new RegExp(`\\b${word}\\b`)).length - 1;

/** All keywords of a JSON schema at any depth, without the names of properties. */
function keywords(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(keywords);
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([name, value]) =>
    name === "properties" ? Object.values(value as object).flatMap(keywords) : [name, ...keywords(value)],
  );
}

describe("tools/list", () => {
  it("offers exactly 17 tools, each with its arguments", async () => {
    const { tools } = await listed();
    const offered = tools.map((tool) => {
      const { required = [] } = tool.inputSchema;
      const words = Object.keys(properties(tool)).map((name) => (required.includes(name) ? `${name}*` : name));
      return [tool.name, words.sort().join(" ")];
    });
    const wanted = Object.entries(expectedArguments).map(([name, words]) => [name, words.split(" ").sort().join(" ")]);
    expect(Object.fromEntries(offered)).toEqual(Object.fromEntries(wanted));
    expect(tools).toHaveLength(17);
  });

  it.each(names)(
    "%s takes a flat object that allows no other arguments and describes each of its own",
    async (name) => {
      const { byName } = await listed();
      const tool = byName.get(name) as Tool;
      expect(tool.inputSchema).toMatchObject({ type: "object", additionalProperties: false });
      expect(keywords(tool.inputSchema)).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(\$.*|oneOf|anyOf|allOf|definitions)$/)]),
      );
      for (const [argument, schema] of Object.entries(properties(tool))) {
        expect(schema["description"], argument).toMatch(/\S{3}/);
        const types = { metadata: ["object"], columns: ["array"] }[argument] ?? ["string", "integer", "boolean"];
        expect(types, argument).toContain(schema["type"]);
      }
    },
  );

  it.each(names)("%s has a title, a description under 2 KB and a name within the limits of hosts", async (name) => {
    const { byName } = await listed();
    const { title, description, annotations } = byName.get(name) as Tool;
    expect(title).toMatch(/\S/);
    expect(annotations?.title).toBe(title);
    expect(bytes(description)).toBeGreaterThan(60);
    expect(bytes(description)).toBeLessThan(2_048);
    expect(name).toMatch(/^[a-z0-9_]+$/);
    expect(`mcp__artifacts-mcp__${name}`.length).toBeLessThanOrEqual(60);
  });

  it.each(Object.entries(beginnings))(
    "%s says what matters most in the 150 characters that some hosts show",
    async (name, words) => {
      const { client } = await connect(createMemoryEngines(), { allowPaths: ["/data"] });
      const tool = (await client.listTools()).tools.find((other) => other.name === name);
      const shown = tool?.description?.slice(0, 150) ?? "";
      expect(shown).toMatch(words);
      expect(shown).toMatch(/^[^.]+\./); // a whole sentence
    },
  );

  it("gives a model at most 17,100 characters of names, descriptions and arguments", async () => {
    const { client } = await connect(createMemoryEngines(), { allowPaths: ["/data"] });
    const { tools } = await client.listTools();
    expect(tools).toHaveLength(19);
    const told = tools.map(({ name, description, inputSchema }) => [name, description, JSON.stringify(inputSchema)]);
    expect(told.flat().join("").length).toBeLessThanOrEqual(17_100);
  });

  it("asks Claude Code to load the tools that saves, uploads and reads need, and to show long pages", async () => {
    const { tools } = await listed();
    const meta = Object.fromEntries(tools.flatMap(({ name, _meta }) => (_meta ? [[name, _meta]] : [])));
    const alwaysLoad = { "anthropic/alwaysLoad": true };
    expect(meta).toEqual({
      save_artifact: alwaysLoad,
      create_upload_session: alwaysLoad,
      upload_chunk: alwaysLoad,
      complete_upload_session: alwaysLoad,
      search_artifacts: alwaysLoad,
      read_artifact: { ...alwaysLoad, "anthropic/maxResultSizeChars": 500_000 },
    });
  });

  it.each(names)("%s declares its output, except read_artifact", async (name) => {
    const { byName } = await listed();
    const { outputSchema } = byName.get(name) as Tool;
    if (name === "read_artifact") return expect(outputSchema).toBeUndefined();
    expect(outputSchema).toMatchObject({ type: "object", properties: expect.anything(), required: expect.anything() });
    // Inside the schema, a nullable value is an anyOf of two types. At the root, hosts accept no anyOf.
    expect(Object.keys(outputSchema ?? {})).not.toContain("anyOf");
    expect(keywords(outputSchema)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(\$.*|oneOf|allOf|definitions|prefixItems)$/)]),
    );
  });

  it("describes sessions and artifacts as they are answered", async () => {
    const { byName } = await listed();
    const shape = (tool: string) =>
      byName.get(tool)?.outputSchema as unknown as { properties: Record<string, Schema>; required: string[] };
    const session = shape("get_upload_session");
    expect(session.properties["status"]).toMatchObject({
      enum: ["open", "conflict", "complete", "aborted", "expired"],
    });
    const fields = "bucket key version mime_type bytes sha256 created_at uri metadata".split(" ");
    const optional = "expires_at saved_by url edit already_saved previous_metadata previous_expires_at".split(" ");
    const nested = session.properties["artifact"] as unknown as ReturnType<typeof shape>;
    for (const { properties, required } of [shape("save_artifact"), shape("update_artifact"), nested]) {
      expect(Object.keys(properties).sort()).toEqual([...fields, ...optional].sort());
      expect([...required].sort()).toEqual([...fields].sort());
      expect(properties["already_saved"]).toMatchObject({ type: "boolean", const: true });
      expect(properties["saved_by"]).toMatchObject({ type: "string" });
      for (const name of ["expires_at", "edit"]) expect(properties[name], name).toMatchObject({ type: "integer" });
    }
  });

  it("names no status that does not exist", async () => {
    const { tools, client } = await listed();
    const told = `${client.getInstructions()} ${JSON.stringify(tools)}`;
    expect(told).not.toMatch(/\b(held|completing)\b/);
    expect(byWord(told, "conflict")).toBeGreaterThan(0);
  });

  it("states all four annotations of each tool", async () => {
    const { tools } = await listed();
    for (const { name, annotations } of tools) {
      expect(annotations, name).toMatchObject({
        readOnlyHint: !writers.includes(name),
        destructiveHint: ["delete_artifact", "abort_upload_session"].includes(name),
        idempotentHint: name !== "create_upload_session",
        openWorldHint: false,
      });
    }
  });

  it("lets a host check types and limits before it calls", async () => {
    const { byName } = await listed();
    const digest = { type: "string" };
    const limits: [string, string, Schema][] = [
      ["save_artifact", "bucket", { type: "string" }],
      ["save_artifact", "key", { type: "string" }],
      ["save_artifact", "encoding", { type: "string", enum: ["utf8", "base64"], default: "utf8" }],
      ["save_artifact", "if_version", { type: "string" }],
      ["save_artifact", "metadata", { type: "object", additionalProperties: { type: "string" } }],
      ["create_upload_session", "size", { type: "integer" }],
      ["create_upload_session", "sha256", digest],
      ["upload_chunk", "offset", { type: "integer" }],
      ["upload_chunk", "sha256", digest],
      ["complete_upload_session", "sha256", digest],
      ["list_artifacts", "limit", { type: "integer", maximum: 1000, default: 100 }],
      ["list_artifacts", "delimiter", { type: "string" }],
      ["get_artifact", "version", { type: "integer" }],
      ["read_artifact", "offset", { type: "integer" }],
      ["read_artifact", "length", { type: "integer", maximum: 1024 * 1024 }],
      ["read_artifact", "line", { type: "integer" }],
      ["read_artifact", "context", { type: "integer", maximum: 20 }],
      ["read_artifact", "columns", { type: "array", items: { type: "string" } }],
      ["read_artifact", "encoding", { type: "string", enum: ["auto", "utf8", "base64"], default: "auto" }],
    ];
    for (const [tool, name, schema] of limits) {
      expect(argument(byName, tool, name), `${tool}.${name}`).toMatchObject(schema);
    }
  });

  it("puts no pattern on a session id, because a call may ask for any string", async () => {
    const { tools } = await listed();
    const ids = tools.map((tool) => properties(tool)["session_id"]).filter((schema) => schema !== undefined);
    expect(ids).toHaveLength(4);
    for (const schema of ids) expect(Object.keys(schema).sort()).toEqual(["description", "type"]);
  });

  it("comes with instructions short enough for hosts, which explain the workflow", async () => {
    const { client } = await listed();
    const told = client.getInstructions();
    expect(bytes(told)).toBeGreaterThanOrEqual(200);
    expect(bytes(told)).toBeLessThanOrEqual(2_048);
    for (const tool of [
      "search_artifacts",
      "copy_artifact",
      "save_artifact",
      "create_upload_session",
      "upload_chunk",
      "get_upload_session",
      "read_artifact",
      "describe_artifact",
      "compare_artifacts",
    ]) {
      expect(told).toContain(tool);
    }
    expect(told).toMatch(/base64/);
  });
});

describe("--read-only", () => {
  it("offers only the reading tools, and its instructions name no other", async () => {
    const { tools, client } = await listed({ readOnly: true });
    expect(tools.map(({ name }) => name).sort()).toEqual(names.filter((name) => !writers.includes(name)).sort());
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint)).toBe(true);
    const told = client.getInstructions();
    expect(bytes(told)).toBeGreaterThanOrEqual(200);
    for (const writer of writers) expect(told).not.toContain(writer);
  });

  it.each(writers)("answers read_only to %s, and changes nothing", async (tool) => {
    const engines = createMemoryEngines();
    const { answer } = await connect(engines);
    await answer("save_artifact", { bucket: "b", key: "k", content: "kept" });
    const { id } = await answer("create_upload_session", { bucket: "b", key: "k2" });
    const before = contentsOf(engines);
    const { refusal } = await connect(engines, { readOnly: true });
    const args = { bucket: "b", key: "k", content: "new", session_id: id, offset: 0, data: "new" };
    const words = expectedArguments[tool as keyof typeof expectedArguments]
      .split(" ")
      .map((word) => word.replace("*", ""));
    const taken = Object.fromEntries(Object.entries(args).filter(([name]) => words.includes(name)));
    expect(await refusal(tool, taken)).toMatchObject({
      code: "read_only",
      message: expect.stringMatching(/--read-only/),
    });
    expect(contentsOf(engines)).toEqual(before);
  });

  it("still lists, finds and reads what others save", async () => {
    const engines = createMemoryEngines();
    const writer = await connect(engines);
    await writer.answer("save_artifact", { bucket: "b", key: "k", content: "kept" });
    const { id } = await writer.answer("create_upload_session", { bucket: "b", key: "k2" });
    const reader = await connect(engines, { readOnly: true });
    expect(await reader.answer("list_buckets")).toMatchObject({ data: [{ name: "b" }] });
    expect(await reader.answer("get_upload_session", { session_id: id })).toMatchObject({ status: "open" });
    const { content } = await reader.call("read_artifact", { bucket: "b", key: "k" });
    expect(content[1]).toEqual({ type: "text", text: "kept" });
  });
});

describe("tools/call", () => {
  it.each([
    ["save_artefact", "save_artifact"],
    ["artifacts.read_artifact", "read_artifact"],
    ["get_session", "get_upload_session"],
  ])("answers the unknown tool %s with the question whether %s was meant", async (name, nearest) => {
    const { client } = await connect(createMemoryEngines());
    const message = expect.stringContaining(
      `Unknown tool "${name}". Did you mean ${nearest}? The tools are save_artifact,`,
    );
    await expect(client.callTool({ name })).rejects.toMatchObject({ code: -32602, message });
  });

  it("suggests a tool that --read-only does not offer, because its call says why", async () => {
    const { client } = await connect(createMemoryEngines(), { readOnly: true });
    const call = client.callTool({ name: "delete_artifacts" });
    await expect(call).rejects.toMatchObject({
      message: expect.stringMatching(/Did you mean delete_artifact\? The tools are get_upload_session,/),
    });
  });

  it("answers an unknown tool with a protocol error that names the tools", async () => {
    const { client } = await connect(createMemoryEngines());
    const call = client.callTool({ name: "rename_file", arguments: { path: "/etc/passwd" } });
    await expect(call).rejects.toMatchObject({
      code: -32602,
      message: expect.stringMatching(/rename_file.*save_artifact/s),
    });
  });
});
