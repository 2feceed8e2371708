import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readSigningKey } from "../../../src/engines/disk/signing-key.js";
import { temporaryDirectory } from "../../support/directories.js";

const file = (root: string): string => join(root, "signing-key");

it("readSigningKey() makes one key for all simultaneous calls", async () => {
  const root = await temporaryDirectory();
  const keys = await Promise.all(Array.from({ length: 20 }, () => readSigningKey(root)));
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
  expect(keys[0]).toHaveLength(32);
  expect(await readSigningKey(root)).toEqual(keys[0]);
  expect(await readdir(root)).toEqual(["signing-key"]);
  expect((await stat(file(root))).mode & 0o777).toBe(0o600);
  expect(await readSigningKey(await temporaryDirectory())).not.toEqual(keys[0]);
});

it("readSigningKey() writes a file of one line", async () => {
  const root = await temporaryDirectory();
  const key = await readSigningKey(root);
  expect(await readFile(file(root), "utf8")).toBe(`${key.toString("hex")}\n`);
});

it.each([0, 1, 63, 64])("all processes agree on a key after one died with %i characters written", async (chars) => {
  const root = await temporaryDirectory();
  const partial = "a".repeat(chars);
  await writeFile(file(root), partial);
  const keys = await Promise.all(Array.from({ length: 10 }, () => readSigningKey(root)));
  keys.push(await readSigningKey(root));
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
  expect(keys[0]).toHaveLength(32);
  expect((await readFile(file(root), "utf8")).startsWith(partial)).toBe(true);
  // A whole key without its line break becomes the key of all processes when the next line is begun.
  expect(keys[0]?.toString("hex") === partial).toBe(chars === 64);
});

it("partial lines of processes that died do not change the key", async () => {
  const root = await temporaryDirectory();
  await writeFile(file(root), "abc\n\nabcdef");
  const key = await readSigningKey(root);
  await writeFile(file(root), "0123", { flag: "a" });
  expect(await readSigningKey(root)).toEqual(key);
});

it.each(["short", "0123 4567", "a".repeat(65), `${"A".repeat(64)}\n`, "\0".repeat(65)])(
  "a file that contains something else is reported and not changed: %j",
  async (content) => {
    const root = await temporaryDirectory();
    await writeFile(file(root), content);
    await expect(readSigningKey(root)).rejects.toThrow(/signing-key contains no key: remove it/);
    expect(await readFile(file(root), "utf8")).toBe(content);
  },
);
