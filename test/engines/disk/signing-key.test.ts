import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readSigningKey } from "../../../src/engines/disk/signing-key.js";
import { temporaryDirectory } from "../../support/directories.js";

const file = (root: string): string => join(root, "signing-key");

it("readSigningKey() makes one key for all, however many ask at once", async () => {
  const root = await temporaryDirectory();
  const keys = await Promise.all(Array.from({ length: 20 }, () => readSigningKey(root)));
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
  expect(keys[0]).toHaveLength(32);
  expect(await readSigningKey(root)).toEqual(keys[0]);
  expect(await readdir(root)).toEqual(["signing-key"]);
  expect((await stat(file(root))).mode & 0o777).toBe(0o600);
  expect(await readSigningKey(await temporaryDirectory())).not.toEqual(keys[0]);
});

it("readSigningKey() writes a file that is one line", async () => {
  const root = await temporaryDirectory();
  const key = await readSigningKey(root);
  expect(await readFile(file(root), "utf8")).toBe(`${key.toString("hex")}\n`);
});

it.each([0, 1, 63, 64])(
  "a process that died after %i characters leaves no key, and all others agree",
  async (chars) => {
    const root = await temporaryDirectory();
    const begun = "a".repeat(chars);
    await writeFile(file(root), begun);
    const keys = await Promise.all(Array.from({ length: 10 }, () => readSigningKey(root)));
    keys.push(await readSigningKey(root));
    expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
    expect(keys[0]).toHaveLength(32);
    expect((await readFile(file(root), "utf8")).startsWith(begun)).toBe(true);
    // All of a key but its line break is that key, for everybody, once somebody has begun the next line.
    expect(keys[0]?.toString("hex") === begun).toBe(chars === 64);
  },
);

it("a process that dies while others make a key changes nothing", async () => {
  const root = await temporaryDirectory();
  await writeFile(file(root), "abc\n\nabcdef");
  const key = await readSigningKey(root);
  await writeFile(file(root), "0123", { flag: "a" });
  expect(await readSigningKey(root)).toEqual(key);
});

it.each(["short", "0123 4567", "a".repeat(65), `${"A".repeat(64)}\n`, "\0".repeat(65)])(
  "a file that holds something else is told, and left as it is: %j",
  async (content) => {
    const root = await temporaryDirectory();
    await writeFile(file(root), content);
    await expect(readSigningKey(root)).rejects.toThrow(/signing-key contains no key: remove it/);
    expect(await readFile(file(root), "utf8")).toBe(content);
  },
);
