import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { open, readdir, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { startService } from "../support/http-process.js";
import { builtServer, startServer } from "../support/server-process.js";

const MiB = 1024 * 1024;

/** Flips one bit of a file. */
async function damage(path: string, at: number): Promise<void> {
  const file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(
    buffer.map((byte) => byte ^ 1),
    0,
    1,
    at,
  );
  await file.close();
}

function verify(root: string) {
  return spawnSync(process.execPath, [builtServer, "verify", "--root", root], { encoding: "utf8", input: "" });
}

it("content of 40 MiB is checked while it is read whole", async () => {
  const folder = await temporaryDirectory();
  const [source, target, root] = [join(folder, "source"), join(folder, "target"), join(folder, "root")];
  const bytes = randomBytes(40 * MiB + 1);
  await writeFile(source, bytes);
  const server = await startServer(root, "--allow-path", folder);
  const named = { bucket: "b", key: "k" };
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  expect(await server.call("import_file", { ...named, path: source })).toMatchObject({ artifact: { sha256 } });

  const service = await startService(root);
  const downloads = Array.from({ length: 3 }, () => service.ask("GET", "/v1/content/b/k"));
  for (const download of await Promise.all(downloads)) expect(download.bytes.equals(bytes)).toBe(true);
  expect(await server.call("export_file", { ...named, path: target })).toMatchObject({ sha256 });
  expect((await readFile(target)).equals(bytes)).toBe(true);
  expect(verify(root)).toMatchObject({ stdout: expect.stringContaining("no faults"), stderr: "", status: 0 });

  const pieces = await readdir(join(root, "content"), { recursive: true });
  await damage(join(root, "content", pieces.find((path) => path.length > 32) ?? ""), 3 * MiB);
  const request = service.begin("GET", "/v1/content/b/k");
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await expect(once(response, "end")).rejects.toThrow("aborted");
  const again = await server.call("export_file", { ...named, path: target, overwrite: true });
  expect(again).toMatchObject({ error: { code: "corrupt" } });
  expect((await readFile(target)).equals(bytes)).toBe(true);
  expect(verify(root)).toMatchObject({ stdout: expect.stringContaining("corrupt: b/k, version 1: "), status: 1 });
});
