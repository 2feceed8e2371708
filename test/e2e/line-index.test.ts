import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { patience } from "../support/patience.js";
import { type ServerProcess, startServer } from "../support/server-process.js";

const at = { bucket: "b", key: "big.log" };
const lineCount = 1_000_000;

/** A store with a text of 25 MB, and a way to start servers on it. */
async function prepare() {
  const base = await temporaryDirectory();
  const [root, allowed] = [join(base, "store"), join(base, "allowed")];
  await mkdir(allowed);
  const path = join(allowed, "big.log");
  await writeFile(path, Array.from({ length: lineCount }, (_, n) => `this is line ${n + 1}\r\n`).join(""));
  const start = (...args: string[]) => startServer(root, "--allow-path", allowed, ...args);
  const server = await start();
  await server.call("import_file", { ...at, path });
  return { root, server, start };
}

async function readLines({ client }: ServerProcess, line: number): Promise<string[]> {
  const call = { name: "read_artifact", arguments: { ...at, line, lines: 2 } };
  const { content } = (await client.callTool(call, undefined, patience)) as CallToolResult;
  return content.map((block) => (block.type === "text" ? block.text : block.type));
}

async function derivedFiles(root: string): Promise<string[]> {
  const entries = await readdir(join(root, "derived"), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

const expected = [expect.stringContaining("of 1000000"), "this is line 700000\nthis is line 700001"];

it("a server finds the index of lines that a killed one has made, and a deletion removes it", async () => {
  const { root, server, start } = await prepare();
  expect(await readLines(server, 700_000)).toEqual(expected);
  await server.kill();
  const [file = "", ...others] = await derivedFiles(root);
  expect(file).toMatch(/\/derived\/([0-9a-f]{2})\/\1[0-9a-f]{62}\.lines$/);
  expect(others).toEqual([]);
  const old = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000);
  await utimes(file, old, old);
  const before = await stat(file);

  const second = await start();
  expect(await readLines(second, 700_000)).toEqual(expected);
  const after = await stat(file);
  expect(after.ino).toBe(before.ino); // an index that is made again is another file
  expect(after.mtimeMs).toBeGreaterThan(before.mtimeMs);
  const { status, stdout } = runCommand(["verify", "--root", root]);
  expect(stdout).toMatch(/^no faults /);
  expect(status).toBe(0);
  await second.call("delete_artifact", { ...at });
  expect(await derivedFiles(root)).toEqual([]);
  await second.close();
});

it("a read-only server makes an index and does not write it, and the folder may be deleted", async () => {
  const { root, server, start } = await prepare();
  const reader = await start("--read-only");
  expect(await readLines(reader, 700_000)).toEqual(expected);
  expect(await derivedFiles(root)).toEqual([]);
  await reader.close();
  expect(await readLines(server, 700_000)).toEqual(expected);
  expect(await derivedFiles(root)).toHaveLength(1);
  await rm(join(root, "derived"), { recursive: true });
  expect(await readLines(server, -1)).toEqual([expect.anything(), `this is line ${lineCount}`]);
  await server.close();
});
