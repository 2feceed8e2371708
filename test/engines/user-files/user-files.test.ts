import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createUserFiles } from "../../../src/engines/user-files/create-user-files.js";
import { processSpace } from "../../../src/engines/user-files/process-space.js";
import { systemPath, textOfName } from "../../../src/engines/user-files/system-path.js";
import type { UserFiles, WalkedEntry } from "../../../src/store/ports/user-files.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

let base: string;
let files: UserFiles;
beforeEach(async () => {
  base = await temporaryDirectory();
  await mkdir(join(base, "store"));
  files = createUserFiles(join(base, "store"), silentLog);
  onTestFinished(() => files.close());
});

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const at = (...names: string[]): string => join(base, ...names);
async function walked(folder: string, follow = false): Promise<WalkedEntry[]> {
  const found: WalkedEntry[] = [];
  for await (const entry of files.walk(folder, { follow })) found.push(entry);
  return found;
}

describe("walk()", () => {
  it("yields files in order, and skips symlinks, hidden files of get and the store", async () => {
    await mkdir(at("b"));
    await writeFile(at("b", "2"), "");
    await writeFile(at("b", "10"), "");
    await writeFile(at("a.txt"), "");
    await symlink("a.txt", at("link"));
    await writeFile(at(".a.0123456789abcdef-00000000-1-01234567.part"), "");
    expect(await walked(base)).toEqual([
      {
        kind: "skipped",
        name: ".a.0123456789abcdef-00000000-1-01234567.part",
        is: "unfinished",
        what: "an unfinished file of get",
      },
      { kind: "file", name: "a.txt" },
      { kind: "file", name: "b/10" },
      { kind: "file", name: "b/2" },
      { kind: "skipped", name: "link", is: "symlink", what: "a symlink" },
      { kind: "skipped", name: "store", is: "store", what: "the store's own directory" },
    ]);
    expect(await walked(base, true)).toContainEqual({ kind: "file", name: "link" });
  });

  it.skipIf(process.platform !== "linux")("names any bytes, and reads what has these names", async () => {
    const name = Buffer.concat([Buffer.from("é-"), Buffer.of(0xff, 0xc3), Buffer.from("-報")]);
    const text = textOfName(name);
    expect(text).toBe("é-\udcff\udcc3-報");
    expect(Buffer.from(systemPath(text))).toEqual(name);
    await mkdir(at("odd"));
    await writeFile(Buffer.concat([Buffer.from(`${at("odd")}/`), name]), "x");
    expect(await walked(at("odd"))).toEqual([{ kind: "file", name: text }]);
    const [read] = await files.readSmall([`${at("odd")}/${text}`], 10);
    expect(read).toMatchObject({ kind: "read", sha256: sha256(Buffer.from("x")) });
  });

  it("fails for what is no folder", async () => {
    await expect(walked(at("nothing"))).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("readSmall(), compare() and writeSmall()", () => {
  it("tell each file for itself", async () => {
    const bytes = randomBytes(1_000);
    const wanted = [at("out", "a"), at("out", "b")].map((path) => ({ path, bytes, sha256: sha256(bytes) }));
    expect(await files.makeFolder(at("out"), base)).toEqual({ kind: "ready", isNew: true });
    await writeFile(at("out", "b"), "taken");
    expect(await files.writeSmall(wanted, false)).toEqual([{ kind: "written" }, { kind: "taken" }]);
    expect(await readdir(at("out"))).toEqual(["a", "b"]);
    const expected = wanted.map((file) => ({ ...file, bytes: file.bytes.length }));
    const absent = { path: at("out", "c"), bytes: 1, sha256: sha256(bytes) };
    expect(await files.compare([...expected, absent])).toEqual([
      { kind: "same" },
      { kind: "other" },
      { kind: "absent" },
    ]);
    expect(await files.writeSmall(wanted, true)).toEqual([{ kind: "written" }, { kind: "written" }]);
    expect(await files.compare(expected)).toEqual([{ kind: "same" }, { kind: "same" }]);
    const read = await files.readSmall([at("out", "a"), at("out"), at("no")], 1_000);
    expect(read).toMatchObject([{ kind: "read", sha256: sha256(bytes) }, { kind: "failed" }, { kind: "failed" }]);
    expect(await files.readSmall([at("out", "a")], 999)).toEqual([{ kind: "large", size: 1_000 }]);
  });

  it("makes no folder in the store, or below a file", async () => {
    await writeFile(at("file"), "");
    expect(await files.makeFolder(at("store"), base)).toMatchObject({ kind: "failed" });
    expect(await files.makeFolder(at("file"), base)).toMatchObject({ kind: "failed" });
    expect(await files.makeFolder(at("file", "sub"), base)).toMatchObject({ kind: "failed" });
    await symlink("store", at("way"));
    expect(await files.makeFolder(at("way"), base)).toMatchObject({ kind: "failed" });
  });
});

describe("begin()", () => {
  const bytes = randomBytes(5_000);
  const begin = async (overwrite = false) => {
    await files.makeFolder(at("out"), base);
    return files.begin({ path: at("out", "f"), bytes: bytes.length, sha256: sha256(bytes) }, overwrite);
  };

  it("goes on with the file that a dead process has left, and leaves nothing else", async () => {
    await mkdir(at("out"));
    const left = `.f.${sha256(bytes).slice(0, 16)}-${processSpace()}-${2 ** 30}-01234567.part`; // a number that no process has
    await writeFile(at("out", left), bytes.subarray(0, 2_000));
    const { ino } = await stat(at("out", left));
    const file = await begin();
    expect(file.bytes).toBe(2_000);
    expect(await file.read(10, 5)).toEqual(bytes.subarray(10, 15));
    await file.write(bytes.subarray(2_000));
    expect(await file.commit()).toBe("written");
    expect(await readdir(at("out"))).toEqual(["f"]);
    expect((await stat(at("out", "f"))).ino).toBe(ino);
    expect(await readFile(at("out", "f"))).toEqual(bytes);
  });

  it("takes over nothing that is too long, of another digest or of a process that runs", async () => {
    await mkdir(at("out"));
    const tooLong = `.f.${sha256(bytes).slice(0, 16)}-${processSpace()}-${2 ** 30}-01234567.part`;
    const other = `.f.0000000000000000-${processSpace()}-${2 ** 30}-01234567.part`;
    const running = `.f.${sha256(bytes).slice(0, 16)}-${processSpace()}-${process.ppid}-01234567.part`;
    for (const name of [tooLong, other, running]) await writeFile(at("out", name), Buffer.alloc(9_000));
    const file = await begin();
    expect(file.bytes).toBe(0);
    await file.write(bytes);
    expect(await file.commit()).toBe("written");
    expect(await readdir(at("out"))).toEqual([tooLong, other, running, "f"].sort());
    await files.removeLeftovers(at("out", "f"));
    expect(await readdir(at("out"))).toEqual([running, "f"].sort());
  });

  it("never replaces a file unless it may", async () => {
    const one = await begin();
    const two = await begin();
    await one.write(bytes);
    await two.write(bytes);
    expect(await one.commit()).toBe("written");
    expect(await two.commit()).toBe("taken");
    const three = await begin(true);
    await three.write(Buffer.from("x"));
    expect(await three.commit()).toBe("written");
    expect(await readFile(at("out", "f"), "utf8")).toBe("x");
    expect(await readdir(at("out"))).toEqual(["f"]);
  });

  it("leave() keeps the hidden file, and discard() removes it", async () => {
    const one = await begin();
    await one.write(bytes);
    await one.leave();
    expect(await readdir(at("out"))).toHaveLength(1);
    const two = await begin();
    await two.discard();
    expect(await readdir(at("out"))).toHaveLength(1);
  });
});

it("remove() removes a file and the folders that are empty then", async () => {
  await mkdir(at("out", "a", "b"), { recursive: true });
  await writeFile(at("out", "a", "b", "c"), "");
  await writeFile(at("out", "a", "d"), "");
  expect(await files.remove(at("out"), "a/b/c")).toBe(undefined);
  expect(await readdir(at("out", "a"))).toEqual(["d"]);
  expect(await files.remove(at("out"), "a/d")).toBe(undefined);
  expect(await readdir(at("out"))).toEqual([]);
});
