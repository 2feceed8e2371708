import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
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
