import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { processSpace } from "../../../src/engines/user-files/process-space.js";
import { type Ran, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";

let base: string;
let root: string;
beforeEach(async () => {
  base = await temporaryDirectory();
  root = join(base, "store");
});

const at = (...names: string[]): string => join(base, ...names);
const run = (...args: string[]): Ran => runCommand([...args, "--root", root]);
const large = randomBytes(3 * 1024 * 1024);

it("no command reads, replaces or deletes what is in the store's own directory", async () => {
  await writeFile(at("large"), large);
  await writeFile(at("small"), "small");
  run("put", at("large"), at("small"), "b/");
  run("put", at("small"), "c/");
  const content = join(root, "content");
  await symlink(content, at("way"));
  const before = await readdir(root, { recursive: true });
  expect(before.filter((name) => name.startsWith("content/")).length).toBeGreaterThan(0);
  for (const place of [root, content, at("way")]) {
    for (const args of [
      ["sync", "c", place, "--delete", "--yes"],
      ["sync", place, "c", "--delete", "--yes"],
      ["get", "-r", "c", place],
      ["get", "-r", "c", join(place, "new")],
      ["put", "-r", place, "z"],
    ]) {
      const { stderr, status } = run(...args);
      expect([args, status]).toEqual([args, 1]);
      expect(stderr).toMatch(/^artifacts-mcp: [^\n]*the store's own directory[^\n]*\n$/);
    }
  }
  expect(run("put", join(root, "metadata.sqlite"), "z/").status).toBe(1);
  expect(await readdir(root, { recursive: true })).toEqual(before);
  expect(run("ls", "b").stdout).toContain("large");
  expect(run("get", "c/small", at("back")).status).toBe(0); // the sync deleted no artifact
  expect(run("verify").status).toBe(0);
});

it.skipIf(process.platform === "win32")(
  "get writes through no symlink that has the name of a hidden file",
  async () => {
    await writeFile(at("large"), large);
    run("put", at("large"), "b/");
    await mkdir(at("out"));
    await writeFile(at("victim"), "victim");
    const digest = createHash("sha256").update(large).digest("hex").slice(0, 16);
    await symlink("../victim", at("out", `.large.${digest}-${processSpace()}-${2 ** 30}-0123abcd.part`));
    expect(run("get", "b/large", at("out/"))).toMatchObject({ status: 0, stderr: "" });
    expect(await readFile(at("victim"), "utf8")).toBe("victim");
    expect((await readFile(at("out", "large"))).equals(large)).toBe(true);
  },
);

it.skipIf(process.platform === "win32")("odd paths are lines of their own, and the others go on", async () => {
  await symlink("loop", at("loop"));
  await writeFile(at("good"), "good");
  const { stdout, stderr, status } = run("put", at("loop"), at("good"), at("x".repeat(300)), "b/");
  expect([stdout, status]).toEqual(["1 file, 4 B: 1 saved, 2 failed\n", 1]);
  expect(stderr.split("\n")).toHaveLength(3);
  expect(run("get", "b/good", at("loop")).status).toBe(1);
  expect(run("get", "b/good", at("loop"), "--overwrite").status).toBe(0);
  expect(await readFile(at("loop"), "utf8")).toBe("good");
});
