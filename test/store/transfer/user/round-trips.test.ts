import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createUserFiles } from "../../../../src/engines/user-files/create-user-files.js";
import type { UserFiles } from "../../../../src/store/ports/user-files.js";
import type { Store } from "../../../../src/store/store.js";
import { JobReport } from "../../../../src/store/transfer/user/job-report.js";
import { UserTransfer } from "../../../../src/store/transfer/user/user-transfer.js";
import type { SyncOptions } from "../../../../src/store/transfer/user/user-transfer-options.js";
import { temporaryDirectory } from "../../../support/directories.js";
import { silentLog } from "../../../support/silent-log.js";
import { createMemoryEngines, saveText, storeOn } from "../../../support/stores.js";

let folder: string;
const opened: UserFiles[] = [];
let store: Store;
beforeEach(async () => {
  folder = await temporaryDirectory();
  await mkdir(join(folder, "no-store"));
  begin();
});
afterEach(async () => {
  for (const files of opened.splice(0)) await files.close();
});

function begin(): void {
  store = storeOn(createMemoryEngines());
}

/** As each command makes one. */
function transfer(): UserTransfer {
  const files = createUserFiles(join(folder, "no-store"), silentLog);
  opened.push(files);
  const { artifacts, uploads } = store;
  return new UserTransfer({ files, artifacts, uploads, maxChunkBytes: 1_000_000 });
}

const sync: SyncOptions = {
  signal: new AbortController().signal,
  saved_by: "test",
  rename: true,
  follow: false,
  deletes: true,
  isDry: false,
};
const pairOf = (name: string) => ({ bucket: "b", prefix: "", folder: join(folder, name) });

async function toStore(name: string, options: Partial<SyncOptions> = {}): Promise<JobReport> {
  const report = new JobReport({});
  await transfer().syncToStore(pairOf(name), { ...sync, ...options }, report);
  return report;
}

async function toFolder(name: string, options: Partial<SyncOptions> = {}): Promise<JobReport> {
  const report = new JobReport({});
  await transfer().syncToFolder(pairOf(name), { ...sync, ...options }, report);
  return report;
}

async function plant(name: string, names: readonly string[]): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  for (const each of names) {
    await mkdir(dirname(join(folder, name, each)), { recursive: true });
    await writeFile(join(folder, name, each), each);
  }
}

async function treeOf(name: string): Promise<string[]> {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const lines = found.map(
    async (path) => `${path.slice(join(folder, name).length + 1)}: ${await readFile(path, "utf8")}`,
  );
  return (await Promise.all(lines)).sort();
}

async function keys(): Promise<string[]> {
  const { data } = await store.artifacts.list({ bucket: "b", limit: 100 });
  return data.map(({ key }) => key);
}

const pieces = ["a", "b", "%", "%20", "%2F", "%5C", "%25", "41"];
const segmentOf = (more: readonly string[]) =>
  fc
    .array(fc.constantFrom(...pieces, ...more), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join(""))
    .filter((text) => text.trim() !== "");
const pathsOf = (segment: fc.Arbitrary<string>) =>
  fc.uniqueArray(
    fc.array(segment, { minLength: 1, maxLength: 2 }).map((parts) => parts.join("/")),
    { minLength: 1, maxLength: 8 },
  );

describe.skipIf(process.platform === "win32")("sync with --rename there and back", () => {
  it("makes an equal folder of a folder, and then changes nothing any more", async () => {
    await fc.assert(
      fc.asyncProperty(pathsOf(segmentOf([" ", "\\", "\n"])), async (paths) => {
        begin();
        const names = paths.filter((path) => !paths.some((other) => other.startsWith(`${path}/`)));
        await plant("src", names);
        expect((await toStore("src")).failed).toEqual([]);
        expect((await toFolder("copy")).failed).toEqual([]);
        expect(await treeOf("copy")).toEqual(await treeOf("src"));
        for (const back of [toStore, toFolder, toStore]) {
          expect(await back("copy")).toMatchObject({ changed: 0, deleted: 0, failed: [] });
        }
        for (const name of ["src", "copy"]) await rm(join(folder, name), { recursive: true });
      }),
      { numRuns: 6 },
    );
  });

  it("makes a folder of any keys, and the folder makes the same keys", async () => {
    const noJoins = segmentOf([]).filter((text) => !text.includes("%2F"));
    await fc.assert(
      fc.asyncProperty(pathsOf(noJoins), async (paths) => {
        begin();
        for (const key of paths) await saveText(store, "b", key, key);
        expect(await toFolder("out")).toMatchObject({ changed: paths.length, failed: [] });
        expect(await toStore("out")).toMatchObject({ changed: 0, deleted: 0, failed: [] });
        expect(await toFolder("out")).toMatchObject({ changed: 0, deleted: 0, failed: [] });
        await rm(join(folder, "out"), { recursive: true });
      }),
      { numRuns: 6 },
    );
  });

  it("names two keys that would be one file", async () => {
    for (const key of ["a", "a/b", "a%2Fb"]) await saveText(store, "b", key, key);
    expect(await toFolder("out")).toMatchObject({ changed: 2, failed: [{ name: "a/b" }] });
    expect(await treeOf("out")).toEqual(["a%2Fb: a%2Fb", "a: a"]);
  });

  it("keeps on both sides what stands for a name that the other side refuses", async () => {
    await plant("out", ["back\\slash", "good"]);
    await toStore("out");
    expect(await keys()).toEqual(["back%5Cslash", "good"]);
    expect(await toStore("out", { rename: false })).toMatchObject({ deleted: 0, failed: [{ name: "back\\slash" }] });
    expect(await keys()).toEqual(["back%5Cslash", "good"]);
    await toFolder("out", { rename: false });
    expect(await treeOf("out")).toContain("back\\slash: back\\slash");
  });

  it("writes into the file whose name is the same in another spelling", async () => {
    await plant("out", ["e\u0301/u\u0308.txt"]);
    await toStore("out");
    expect(await keys()).toEqual(["\u00e9/\u00fc.txt"]);
    await saveText(store, "b", "\u00e9/\u00fc.txt", "new");
    expect(await toFolder("out")).toMatchObject({ changed: 1, deleted: 0 });
    expect(await treeOf("out")).toEqual(["e\u0301/u\u0308.txt: new"]);
  });
});

describe("sync --delete", () => {
  it("deletes no artifact whose file is there again when the answer comes", async () => {
    await saveText(store, "b", "gone", "gone");
    await saveText(store, "b", "again", "again");
    await plant("src", []);
    const confirm = async (): Promise<boolean> => {
      await plant("src", ["again"]);
      return true;
    };
    expect(await toStore("src", { confirm })).toMatchObject({ deleted: 1, failed: [] });
    expect(await keys()).toEqual(["again"]);
  });

  it("deletes no file that is in the way of an artifact that could not be written", async () => {
    await saveText(store, "b", "sub/a", "text");
    await saveText(store, "b", "top", "text");
    await plant("out", ["sub", "top/x", "extra"]);
    expect(await toFolder("out")).toMatchObject({ deleted: 1, failed: [{ name: "sub/a" }, { name: "top" }] });
    expect(await treeOf("out")).toEqual(["sub: sub", "top/x: top/x"]);
  });
});
