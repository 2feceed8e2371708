import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openDataDirectory } from "../../src/engines/disk/data-directory.js";
import { readSigningKey } from "../../src/engines/disk/signing-key.js";
import { temporaryDirectory } from "../support/directories.js";
import { silentLog } from "../support/silent-log.js";

it("readSigningKey() makes one key for all, however many ask at once", async () => {
  const root = await temporaryDirectory();
  const keys = await Promise.all(Array.from({ length: 20 }, () => readSigningKey(root)));
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
  expect(keys[0]).toHaveLength(32);
  expect(await readdir(root)).toEqual(["signing-key"]);
  expect((await stat(join(root, "signing-key"))).mode & 0o777).toBe(0o600);
  expect(await readSigningKey(await temporaryDirectory())).not.toEqual(keys[0]);
});

it("readSigningKey() takes the drafts away of who died over them", async () => {
  const root = await temporaryDirectory();
  await writeFile(join(root, "signing-key-0123"), "half");
  await readSigningKey(root);
  expect(await readdir(root)).toEqual(["signing-key"]);
});

it("a file that holds no key is told, and left as it is", async () => {
  const root = await temporaryDirectory();
  const directory = await openDataDirectory(root, {}, silentLog);
  await writeFile(join(root, "signing-key"), "short");
  await expect(directory.signingKey()).rejects.toThrow(/signing-key holds no key: remove it/);
  expect(await readFile(join(root, "signing-key"), "utf8")).toBe("short");
  await directory.close();
});
