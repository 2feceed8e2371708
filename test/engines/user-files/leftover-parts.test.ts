import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chown, link, lstat, mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { createUserFiles } from "../../../src/engines/user-files/create-user-files.js";
import { processSpace } from "../../../src/engines/user-files/process-space.js";
import type { UserFiles } from "../../../src/store/ports/user-files.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

const bytes = randomBytes(5_000);
const sha256 = createHash("sha256").update(bytes).digest("hex");
const isRoot = process.getuid?.() === 0;

let base: string;
let files: UserFiles;
const at = (...names: string[]): string => join(base, ...names);
beforeEach(async () => {
  base = await temporaryDirectory();
  files = createUserFiles(join(base, "store"), silentLog);
  onTestFinished(() => files.close());
  await mkdir(at("out"));
});

/** A name that a process has left whose number nobody has. */
const left = (random: string, space = processSpace(), target = "f"): string =>
  `.${target}.${sha256.slice(0, 16)}-${space}-${2 ** 30}-${random}.part`;

async function begin() {
  await files.makeFolder(at("out"), at("out"));
  return files.begin({ path: at("out", "f"), bytes: bytes.length, sha256 }, false);
}

it.skipIf(process.platform === "win32")(
  "what only has the name of a hidden file stays, and is not written to",
  async () => {
    await writeFile(at("victim"), "victim");
    const names = ["00000000", "00000001", "00000002", "00000003"].map((random) => left(random));
    const [way = "", folder = "", pipe = "", twin = ""] = names;
    await symlink("../victim", at("out", way));
    await mkdir(at("out", folder));
    spawnSync("mkfifo", [at("out", pipe)]);
    await link(at("victim"), at("out", twin));
    const foreign = left("00000004");
    if (isRoot) {
      await writeFile(at("out", foreign), bytes.subarray(0, 100));
      await chown(at("out", foreign), 4_321, 4_321);
    }
    const file = await begin();
    expect(file.bytes).toBe(0);
    await file.write(bytes);
    expect(await file.commit()).toBe("written");
    await files.removeLeftovers(at("out", "f"));
    expect(await readFile(at("victim"), "utf8")).toBe("victim");
    expect(await readFile(at("out", "f"))).toEqual(bytes);
    const kept = [way, folder, pipe, ...(isRoot ? [foreign] : [])];
    expect(await readdir(at("out"))).toEqual([...kept, "f"].sort()); // like `twin` is what a kill in commit() leaves: it goes
  },
);

it("a hidden file of another container or machine is left only when nobody has written to it for an hour", async () => {
  const [young, old] = [left("00000000", "00000000"), left("00000001", "00000000")];
  for (const name of [young, old]) await writeFile(at("out", name), bytes.subarray(0, 2_000));
  const anHourAgo = Date.now() / 1_000 - 3_700;
  await utimes(at("out", old), anHourAgo, anHourAgo);
  const { ino } = await lstat(at("out", old));
  const file = await begin();
  expect(file.bytes).toBe(2_000);
  await file.write(bytes.subarray(2_000));
  expect(await file.commit()).toBe("written");
  expect((await lstat(at("out", "f"))).ino).toBe(ino);
  await files.removeLeftovers(at("out", "f"));
  expect(await readdir(at("out"))).toEqual([young, "f"].sort());
});

it("commit() says that the hidden file was taken away", async () => {
  const file = await begin();
  await file.write(bytes);
  for (const name of await readdir(at("out"))) await rm(at("out", name));
  expect(await file.commit()).toBe("lost");
});

it("commit() onto a folder leaves no hidden file", async () => {
  await files.makeFolder(at("out"), at("out"));
  const file = await files.begin({ path: at("out", "f"), bytes: bytes.length, sha256 }, true);
  await file.write(bytes);
  await mkdir(at("out", "f", "x"), { recursive: true });
  await expect(file.commit()).rejects.toMatchObject({ code: "invalid_argument" });
  expect(await readdir(at("out"))).toEqual(["f"]);
});

it("hidden files of other files stay", async () => {
  const other = left("00000000", processSpace(), "other");
  await writeFile(at("out", other), "x");
  const file = await begin();
  await file.write(bytes);
  await file.commit();
  await files.removeLeftovers(at("out", "f"));
  await files.finish();
  expect(await readdir(at("out"))).toEqual([other, "f"].sort());
});
