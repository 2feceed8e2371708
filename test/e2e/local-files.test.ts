import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { type ServerProcess, startServer } from "../support/server-process.js";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A directory that a server on `root` may use, with a file of random bytes in it. */
async function prepare(bytes: number) {
  const base = await temporaryDirectory();
  const [root, allowed] = [join(base, "store"), join(base, "allowed")];
  await mkdir(allowed);
  const content = randomBytes(bytes);
  const path = join(allowed, "data.bin");
  await writeFile(path, content);
  return { root, allowed, path, content, start: () => startServer(root, "--allow-path", allowed) };
}

/** Makes a call, and kills the server at its first progress notification. */
async function killedInTheMiddle(server: ServerProcess, name: string, args: Record<string, unknown>): Promise<void> {
  let dying: Promise<void> | undefined;
  const onprogress = (): void => {
    dying ??= server.kill();
  };
  await expect(server.client.callTool({ name, arguments: args }, undefined, { onprogress })).rejects.toThrow();
  await dying;
}

const answerOf = (result: unknown) => (result as CallToolResult).structuredContent as Record<string, never>;

describe("import_file", () => {
  it("continues its session after a kill, with the same content", async () => {
    const { start, path, content } = await prepare(40 * 1024 * 1024);
    const first = await start();
    await killedInTheMiddle(first, "import_file", { path, bucket: "b", key: "data.bin" });
    const second = await start();
    const { data } = (await second.call("list_upload_sessions", { bucket: "b", key: "data.bin" })) as never as {
      data: { id: string; offset: number; size: number; status: string }[];
    };
    const [session] = data;
    expect(session).toMatchObject({ status: "open", size: content.length });
    expect(session?.offset).toBeGreaterThan(0);
    expect(session?.offset).toBeLessThan(content.length);
    const done = await second.call("import_file", { path, session_id: session?.id });
    expect(done).toMatchObject({ status: "complete", artifact: { bytes: content.length, sha256: sha256(content) } });
  });
});

describe("export_file", () => {
  it("leaves no file under the name after a kill, and can be repeated", async () => {
    const { start, path, content, allowed } = await prepare(80 * 1024 * 1024);
    const first = await start();
    await first.call("import_file", { path, bucket: "b", key: "data.bin" });
    const out = join(allowed, "out.bin");
    await killedInTheMiddle(first, "export_file", { bucket: "b", key: "data.bin", path: out });
    expect(await readdir(allowed)).not.toContain("out.bin");
    const second = await start();
    const args = { bucket: "b", key: "data.bin", path: out };
    const answer = answerOf(await second.client.callTool({ name: "export_file", arguments: args }));
    expect(answer).toEqual({ path: out, bytes: content.length, sha256: sha256(content) });
    expect(sha256(await readFile(out))).toBe(sha256(content));
  });
});

describe("import_file and export_file of a folder", () => {
  const large = "large/file.bin";
  const largeBytes = 60 * 1024 * 1024;

  /** A folder of 200 small files and a large one. Returns their digests by name. */
  async function plantFolder(allowed: string): Promise<{ folder: string; digests: Record<string, string> }> {
    const folder = join(allowed, "run");
    const sizes = Array.from({ length: 200 }, (_, n) => [`part ${n % 7}/${n}.bin`, 100 + n * 400] as const);
    const digests: Record<string, string> = {};
    for (const [name, bytes] of [...sizes, [large, largeBytes] as const]) {
      const content = randomBytes(bytes);
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
      digests[name] = sha256(content);
    }
    return { folder, digests };
  }

  it("import goes on with the same call after kills, and an export writes the same files", async () => {
    const { start, allowed } = await prepare(0);
    const { folder, digests } = await plantFolder(allowed);
    const args = { path: folder, bucket: "b", key: "run" };
    await killedInTheMiddle(await start(), "import_file", args);
    const ofLarge = { path: join(folder, "large"), bucket: "b", key: "run/large" };
    await killedInTheMiddle(await start(), "import_file", ofLarge);

    const server = await start();
    const { data } = await server.call("list_upload_sessions", { bucket: "b", key: `run/${large}` });
    const [begun] = data as never as { id: string; offset: number; status: string }[];
    expect(begun).toMatchObject({ status: "open", offset: expect.any(Number) });
    expect(begun?.offset).toBeGreaterThan(0);
    const done = answerOf(await server.client.callTool({ name: "import_file", arguments: args }));
    expect(done).toMatchObject({ files: 201 });
    expect(done["already_saved"]).toBeGreaterThan(0);
    const uploaded = await server.call("get_upload_session", { session_id: begun?.id });
    expect(uploaded).toMatchObject({ status: "complete", artifact: { sha256: digests[large] } });

    const out = join(allowed, "out");
    const exported = { bucket: "b", prefix: "run", path: out };
    await killedInTheMiddle(server, "export_file", exported);
    const last = await start();
    const answer = answerOf(
      await last.client.callTool({ name: "export_file", arguments: { ...exported, overwrite: true } }),
    );
    expect(answer).toMatchObject({ path: out, files: 201 });
    for (const [name, digest] of Object.entries(digests)) {
      expect(sha256(await readFile(join(out, name))), name).toBe(digest);
    }
  });

  it("reach nothing outside the allowed directories", async () => {
    const { start, root, allowed } = await prepare(10);
    const outside = await temporaryDirectory();
    await writeFile(join(outside, "secret"), "secret");
    await symlink(outside, join(allowed, "way-out"));
    await symlink(root, join(allowed, "store"));
    const server = await start();
    const answer = answerOf(
      await server.client.callTool({ name: "import_file", arguments: { path: allowed, bucket: "b" } }),
    );
    expect(answer).toMatchObject({ files: 1, skipped: 2, skipped_entries: [{ name: "store" }, { name: "way-out" }] });
    await server.call("save_artifact", { bucket: "b", key: "store/format", content: "x" });
    for (const path of [
      outside,
      root,
      join(allowed, "way-out"),
      join(allowed, "way-out", "new"),
      join(allowed, "store"),
    ]) {
      for (const [name, args] of [
        ["import_file", { path, bucket: "c" }],
        ["export_file", { path, bucket: "b", prefix: "/", overwrite: true }],
      ] as const) {
        expect((await server.call(name, args)).error, `${name} ${path}`).toMatchObject({ code: "path_not_allowed" });
      }
    }
    const into = await server.call("export_file", { path: allowed, bucket: "b", prefix: "/", overwrite: true });
    expect(into.error).toMatchObject({ code: "path_not_allowed" });
    expect(await readdir(outside)).toEqual(["secret"]);
  });
});

describe("import_file and export_file", () => {
  it("reach neither a file outside the allowed directories nor the store itself, by any path", async () => {
    const { start, root, allowed } = await prepare(10);
    const outside = await temporaryDirectory();
    await writeFile(join(outside, "secret"), "secret");
    await symlink(outside, join(allowed, "way-out"));
    await symlink(root, join(allowed, "store"));
    const server = await start();
    for (const path of [
      ...[join(outside, "secret"), join(allowed, "way-out", "secret"), `${allowed}/../store/metadata.sqlite`],
      ...[join(allowed, "store", "metadata.sqlite"), `${allowed}-old/secret`, "/proc/self/environ", "/dev/zero"],
    ]) {
      const imported = await server.call("import_file", { path, bucket: "b", key: "k" });
      expect(imported.error, path).toMatchObject({ code: "path_not_allowed" });
      const exported = { bucket: "b", key: "k", path, overwrite: true };
      await server.call("save_artifact", { bucket: "b", key: "k", content: "x" });
      expect((await server.call("export_file", exported)).error, path).toMatchObject({ code: "path_not_allowed" });
    }
    expect(await readFile(join(outside, "secret"), "utf8")).toBe("secret");
    await rm(join(allowed, "store"));
  });
});
