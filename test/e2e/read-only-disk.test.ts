import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { canMount, command, coverReadOnly, imageDisk, memoryDisk, needsMounts, newImage } from "../support/disks.js";
import { builtServer, quiet, type ServerProcess, startServer, startServerUnder } from "../support/server-process.js";

const bucket = "b";
const chunk = (session_id: string, offset: number, data: string) => ({ session_id, offset, data });

/** Content of this size is too large for a row. */
const part = "in a file".repeat(8_000);
const at = part.length;

/** A store with an artifact, and an upload whose first bytes, `part`, are acknowledged. */
async function prepare(server: ServerProcess): Promise<string> {
  await server.call("save_artifact", { bucket, key: "k", content: "text" });
  const { id = "" } = await server.call("create_upload_session", { bucket, key: "upload", size: at + 6 });
  await server.call("upload_chunk", chunk(id, 0, part));
  return id;
}

async function read(server: ServerProcess, key: string): Promise<unknown> {
  const { contents } = await server.client.readResource({ uri: `artifact://${bucket}/${key}` });
  return contents[0];
}

describe.skipIf(!canMount)(`on a disk that becomes read-only ${needsMounts}`, () => {
  it("calls that need a new file are refused, and later work again without a restart", async () => {
    const disk = await memoryDisk(16 * 1024 * 1024);
    const server = await startServerUnder(quiet, join(disk.path, "store"));
    const id = await prepare(server);
    const uncover = await coverReadOnly(disk.path);
    const save = { bucket, key: "k", content: `more ${part}` };
    expect((await server.call("save_artifact", save)).error?.code).toBe("read_only");
    expect(await read(server, "k")).toMatchObject({ text: "text" });
    const { id: other = "" } = await server.call("create_upload_session", { bucket, key: "other" });
    expect((await server.call("upload_chunk", chunk(other, 0, part))).error?.code).toBe("read_only");
    expect((await server.call("get_upload_session", { session_id: other }))["offset"]).toBe(0);
    // The files of the database and of the upload are already open.
    expect(await server.call("save_artifact", { bucket, key: "k", content: "small" })).toMatchObject({ version: 2 });
    expect((await server.call("upload_chunk", chunk(id, at, "abc")))["offset"]).toBe(at + 3);
    uncover();
    expect(await server.call("save_artifact", save)).toMatchObject({ version: 3 });
    expect((await server.call("upload_chunk", chunk(other, 0, part)))["offset"]).toBe(at);
    expect((await server.call("upload_chunk", chunk(id, at + 3, "def")))["status"]).toBe("complete");
    expect(await read(server, "upload")).toMatchObject({ blob: Buffer.from(`${part}abcdef`).toString("base64") });
  });

  it("every change is refused, as after a disk error, and everything acknowledged is kept", async () => {
    const image = join(await temporaryDirectory(), "image");
    await newImage(image, 32 * 1024 * 1024);
    const disk = await imageDisk(image);
    const server = await startServerUnder(quiet, join(disk.path, "store"));
    const id = await prepare(server);
    const { id: unsized = "" } = await server.call("create_upload_session", { bucket, key: "unsized" });
    await server.call("upload_chunk", chunk(unsized, 0, part));
    command("sync");
    command("mount", "-o", "remount,abort", disk.path);
    const codes = [
      await server.call("save_artifact", { bucket, key: "k", content: `more ${part}` }),
      await server.call("upload_chunk", chunk(unsized, at, part)),
      await server.call("save_artifact", { bucket, key: "k", content: "more" }),
      await server.call("upload_chunk", chunk(id, at, "abc")),
      await server.call("create_upload_session", { bucket, key: "new" }),
      await server.call("delete_artifact", { bucket, key: "k" }),
      await server.call("abort_upload_session", { session_id: id }),
    ].map(({ error }) => `${error?.code}: ${error?.message}`);
    expect(codes[1]).toMatch(/^read_only/);
    // For a database that is already open, SQLite only says that it could not write.
    for (const code of codes)
      expect(code).toMatch(/^(?:internal: The disk failed .* may be damaged or read-|read_)only/);
    expect(await read(server, "k")).toMatchObject({ text: "text" });
    expect((await server.call("get_upload_session", { session_id: id }))["offset"]).toBe(at);
    await server.close();
    await disk.unmount();
    const mended = await imageDisk(image);
    const next = await startServer(join(mended.path, "store"));
    expect((await next.call("upload_chunk", chunk(id, at, "abcdef")))["status"]).toBe("complete");
    expect((await next.call("upload_chunk", chunk(unsized, at, part)))["offset"]).toBe(2 * at);
    expect(await read(next, "k")).toMatchObject({ text: "text" });
  });

  it("a start says what to do", async () => {
    const disk = await memoryDisk(16 * 1024 * 1024);
    const root = join(disk.path, "store");
    const server = await startServer(root);
    await prepare(server);
    await server.close();
    await coverReadOnly(disk.path);
    const args = [builtServer, "--root", root, "--read-only"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", input: "" });
    expect(stderr).toMatch(/^artifacts-mcp: [^\n]*read-only disk[^\n]*--root[^\n]*\n$/);
    expect(status).toBe(1);
  });
});
