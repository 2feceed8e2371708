import type { CallToolResult, Progress, Tool } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { connect, textOf } from "../../support/mcp-client.js";
import { createMemoryFiles } from "../../support/memory-files.js";
import { createMemoryEngines } from "../../support/stores.js";

async function connectWith(contents: Record<string, string>) {
  const files = createMemoryFiles();
  for (const [path, text] of Object.entries(contents)) files.files.set(path, { bytes: Buffer.from(text), change: 0 });
  const connected = await connect(createMemoryEngines(), { files, allowPaths: ["/data"] });
  const { client } = connected;
  /** The text and the structured content of an answer. */
  const call = async (name: string, args: Record<string, unknown>, onprogress?: (progress: Progress) => void) => {
    const options = onprogress ? { onprogress } : {};
    const result = (await client.callTool({ name, arguments: args }, undefined, options)) as CallToolResult;
    expect(result.content).toHaveLength(1);
    return { text: textOf(result), structured: result.structuredContent as Record<string, unknown> };
  };
  return { ...connected, files, call };
}

describe("import_file of a folder", () => {
  it("answers counts first, then a line for each file that it saved, and all files as structured content", async () => {
    const { files, call } = await connectWith({ "/data/run/a.csv": "1,2", "/data/run/sub/b": "" });
    files.skipped.push({ name: "pipe", kind: "a FIFO" });
    await call("save_artifact", { bucket: "b", key: "r/sub/b", content: "", mime_type: "application/octet-stream" });
    const seen: Progress[] = [];
    const args = { path: "/data/run", bucket: "b", key: "r" };
    const { text, structured } = await call("import_file", args, (progress) => void seen.push(progress));
    expect(text.split("\n")).toEqual([
      '2 files (3 bytes) of "/data/run" are in bucket "b" under "r/": 1 saved now, 1 already saved.',
      'Skipped: "pipe" (a FIFO).',
      "r/a.csv version 1, 3 bytes",
    ]);
    expect(structured).toEqual({
      ...{ path: "/data/run", bucket: "b", prefix: "r", files: 2, bytes: 3, saved: 1, already_saved: 1, skipped: 1 },
      skipped_entries: [{ name: "pipe", kind: "a FIFO" }],
      manifest: [
        { key: "r/a.csv", version: 1, bytes: 3, sha256: expect.any(String) },
        { key: "r/sub/b", version: 1, bytes: 0, sha256: expect.any(String), already_saved: true },
      ],
    });
    expect(seen.at(-1)).toMatchObject({ progress: 5, total: 5, message: "2 of 2 files, 3 of 3 bytes stored" });
  });

  it("shows the one file that changed among many that are saved already", async () => {
    const names = Array.from({ length: 300 }, (_, n) => `/data/run/part-${n}.csv`);
    const { call, files } = await connectWith(Object.fromEntries(names.map((name) => [name, "1"])));
    const args = { path: "/data/run", bucket: "b", key: "r" };
    const first = await call("import_file", args);
    expect(first.text.split("\n")).toHaveLength(22);
    expect(first.text).toMatch(/\n\.\.\. and 280 more \(list_artifacts {"bucket":"b","prefix":"r\/"} shows all\)\.$/);
    files.files.set("/data/run/part-250.csv", { bytes: Buffer.from("2"), change: 1 });
    const again = await call("import_file", args);
    expect(again.text.split("\n")).toEqual([
      '300 files (300 bytes) of "/data/run" are in bucket "b" under "r/": 1 saved now, 299 already saved.',
      "r/part-250.csv version 2, 1 byte",
    ]);
    expect(again.structured["manifest"]).toHaveLength(300);
  });

  it("tells the type of a file from its content if its name tells none", async () => {
    const { call } = await connectWith({
      "/data/run/LICENSE": "MIT",
      "/data/run/scan": "%PDF-1.7",
      "/data/run/x": "\0",
    });
    await call("import_file", { path: "/data/run", bucket: "b" });
    const types = ["LICENSE", "scan", "x"].map(async (key) => {
      const { structured } = await call("get_artifact", { bucket: "b", key });
      return structured["mime_type"];
    });
    expect(await Promise.all(types)).toEqual(["text/plain", "application/pdf", "application/octet-stream"]);
  });

  it("takes forms of the arguments that hosts send", async () => {
    const { call } = await connectWith({ "/data/run/a": "1" });
    for (const key of ["", null, "/"]) {
      const { structured } = await call("import_file", { path: "/data/run", bucket: "b", key, if_version: null });
      expect(structured).toMatchObject({ prefix: "", files: 1 });
    }
  });

  it("says which argument is not for a folder", async () => {
    const { refusal } = await connectWith({ "/data/run/a": "1" });
    const args = { path: "/data/run", bucket: "b" };
    expect((await refusal("import_file", { ...args, mime_type: "text/csv" })).message).toMatch(
      /mime_type is for one file/,
    );
    expect((await refusal("import_file", { path: "/data/run" })).message).toMatch(/bucket is required/);
  });

  it("keeps the answer for thousands of files with long names small, and says how to see the rest", async () => {
    const names = Array.from({ length: 3_000 }, (_, n) => `${"x".repeat(200)}/${n}`);
    const { call } = await connectWith(Object.fromEntries(names.map((name) => [`/data/run/${name}`, "1"])));
    const args = { path: "/data/run", bucket: "b", key: "r" };
    const { text, structured } = await call("import_file", args);
    expect(text.length).toBeLessThan(5_000);
    expect(text).toMatch(
      /^3000 files.*\n(?:r\/x+\/\d+ version 1, 1 byte\n){20}\.\.\. and 2980 more \(list_artifacts {"bucket":"b","prefix":"r\/"} shows all\)\.$/,
    );
    expect(structured).toMatchObject({ files: 3_000, saved: 3_000 });
    expect((structured["manifest"] as unknown[]).length).toBeGreaterThan(500);
    expect(JSON.stringify(structured).length).toBeLessThan(320_000);
  });
});

describe("export_file of a prefix", () => {
  it("answers where the files are", async () => {
    const { call, files } = await connectWith({});
    for (const key of ["r/a", "r/sub/b"]) await call("save_artifact", { bucket: "b", key, content: key });
    const { text, structured } = await call("export_file", { bucket: "b", prefix: "r/", path: "/data/out" });
    expect(text.split("\n")).toEqual([
      '2 files (10 bytes) of bucket "b" under "r/" are in "/data/out".',
      "r/a version 1, 3 bytes",
      "r/sub/b version 1, 7 bytes",
    ]);
    expect(structured).toMatchObject({ path: "/data/out", prefix: "r", files: 2, bytes: 10, manifest: [{}, {}] });
    expect([...files.files.keys()]).toEqual(["/data/out/a", "/data/out/sub/b"]);
    const none = await call("export_file", { bucket: "b", prefix: "none", path: "/data/out" });
    expect(none.text).toBe('Nothing was written: bucket "b" has no artifact under "none/".');
    expect(none.structured).toMatchObject({ files: 0, manifest: [] });
  });

  it.each([
    [{}, /key is required: give key for one artifact, or prefix/],
    [{ key: "k", prefix: "r" }, /prefix is in place of key/],
    [{ prefix: "r", version: 1 }, /version is for one key/],
    [{ prefix: "../r" }, /segment 1 is/],
  ])("refuses %j", async (args, message) => {
    const { refusal } = await connectWith({});
    const refused = await refusal("export_file", { bucket: "b", path: "/data/out", ...args });
    expect(refused).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message) });
  });
});

describe("the listing of import_file and export_file", () => {
  it("has their arguments, and is short", async () => {
    const { client } = await connectWith({});
    const { tools } = await client.listTools();
    const told = (name: string) => tools.find((tool) => tool.name === name) as Tool;
    const argumentsOf = (name: string) => Object.keys(told(name).inputSchema.properties ?? {}).join(" ");
    expect(argumentsOf("import_file")).toBe("path bucket key session_id mime_type metadata expires_in if_version");
    expect(argumentsOf("export_file")).toBe("bucket key prefix version path overwrite");
    const texts = ["import_file", "export_file"].map(told).map(({ name, description, inputSchema }) => {
      return `${name}${description}${JSON.stringify(inputSchema)}`;
    });
    expect(texts.join("").length).toBeLessThan(2_400);
  });
});
