import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { createUserFiles } from "../../../src/engines/user-files/create-user-files.js";
import type { UserFiles } from "../../../src/store/ports/user-files.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

let base: string;
let files: UserFiles;
const at = (...names: string[]): string => join(base, ...names);
beforeEach(async () => {
  base = await temporaryDirectory();
  files = createUserFiles(join(base, "store"), silentLog);
  onTestFinished(() => files.close());
});

const fileOf = (path: string, text = "new") => {
  const bytes = Buffer.from(text);
  return { path, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
};

it.skipIf(process.platform === "win32")("an odd path is a problem of that path, and none of the store", async () => {
  await symlink("loop", at("loop"));
  const long = at("x".repeat(300));
  for (const path of [at("loop"), long]) {
    expect(await files.look(path)).toMatchObject({ kind: "other" });
    await expect(files.open(path)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(await files.readSmall([path], 10)).toMatchObject([{ kind: "failed" }]);
    expect(await files.makeFolder(path, path)).toMatchObject({ kind: "failed" });
    await expect(files.walk(path, { follow: true }).next()).rejects.toMatchObject({ code: "invalid_argument" });
    await files.foldsCase(path);
  }
  const { path, sha256, bytes } = fileOf(at("loop"));
  expect(await files.compare([{ path, sha256, bytes: bytes.length }])).toEqual([{ kind: "other" }]);
  await files.makeFolder(base, base);
  expect(await files.writeSmall([fileOf(at("loop")), fileOf(long)], true)).toMatchObject([
    { kind: "written" },
    { kind: "failed", isFull: false },
  ]);
  expect((await lstat(at("loop"))).isFile()).toBe(true);
});

it.skipIf(process.platform !== "linux")(
  "a file whose size is said to be 0 is refused, and not saved as empty",
  async () => {
    const [read] = await files.readSmall(["/proc/cpuinfo"], 1_000_000);
    expect(read).toEqual({ kind: "failed", problem: expect.stringContaining("not as long as the system says") });
  },
);

it.skipIf(process.platform === "win32")("a symlink is no folder below the folder that the person named", async () => {
  await mkdir(at("outside", "deep"), { recursive: true });
  await mkdir(at("real"));
  await symlink("real", at("named"));
  await symlink("../outside", at("real", "sub"));
  expect(await files.makeFolder(at("named"), at("named"))).toMatchObject({ kind: "ready" });
  for (const name of ["sub", "sub/deep", "sub/new/deep"]) {
    const made = await files.makeFolder(at("named", name), at("named"));
    expect(made).toEqual({ kind: "failed", problem: expect.stringContaining("a symlink has its name"), isFull: false });
  }
  expect(await readdir(at("outside"))).toEqual(["deep"]);
});

it.skipIf(process.platform === "win32")("a file that replaces another one keeps its permissions", async () => {
  await files.makeFolder(at("out"), at("out"));
  const [small, large] = [fileOf(at("out", "small")), fileOf(at("out", "large"))];
  for (const { path } of [small, large]) await writeFile(path, "old");
  await chmod(small.path, 0o600);
  await chmod(large.path, 0o440);
  expect(await files.writeSmall([small], true)).toEqual([{ kind: "written" }]);
  const file = await files.begin({ ...large, bytes: large.bytes.length }, true);
  const [part = ""] = (await readdir(at("out"))).filter((name) => name.endsWith(".part"));
  expect((await stat(at("out", part))).mode & 0o007).toBe(0); // nobody else may read it meanwhile
  await file.write(large.bytes);
  expect(await file.commit()).toBe("written");
  for (const [{ path }, mode] of [
    [small, 0o600],
    [large, 0o440],
  ] as const) {
    expect([(await stat(path)).mode & 0o777, await readFile(path, "utf8")]).toEqual([mode, "new"]);
  }
});
