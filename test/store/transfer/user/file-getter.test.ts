import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createUserFiles } from "../../../../src/engines/user-files/create-user-files.js";
import { wholeImportBytes } from "../../../../src/store/model/limits.js";
import type { UserFiles } from "../../../../src/store/ports/user-files.js";
import { FileGetter } from "../../../../src/store/transfer/user/file-getter.js";
import { JobReport } from "../../../../src/store/transfer/user/job-report.js";
import { temporaryDirectory } from "../../../support/directories.js";
import { silentLog } from "../../../support/silent-log.js";
import { createMemoryEngines, storeOn } from "../../../support/stores.js";

const content = randomBytes(wholeImportBytes + 1_000);

/** Gets an artifact that is continued after a kill. @param change what happens to the hidden file before each commit */
async function getLarge(folder: string, change: (part: string, count: number) => Promise<void>) {
  const store = storeOn(createMemoryEngines(), { maxChunkBytes: 2 * wholeImportBytes });
  const sha256 = createHash("sha256").update(content).digest("hex");
  const artifact = await store.artifacts.save({
    bucket: "b",
    key: "f",
    bytes: content,
    sha256,
    defaultMimeType: "text/plain",
  });
  const real = createUserFiles(join(folder, "store"), silentLog);
  onTestFinished(() => real.close());
  let commits = 0;
  const changing: UserFiles = {
    ...real,
    async begin(...args) {
      const file = await real.begin(...args);
      return {
        ...file,
        async commit() {
          for (const name of await readdir(folder)) {
            if (name.endsWith(".part")) await change(join(folder, name), commits);
          }
          commits += 1;
          return file.commit();
        },
      };
    },
  };
  const report = new JobReport({});
  const one = (async function* () {
    yield { artifact, name: "f" };
  })();
  const wishes = { folder, overwrite: false, signal: new AbortController().signal };
  await new FileGetter(changing, store.artifacts).getAll(one, wishes, report);
  return { report, commits };
}

it("begins again when somebody takes its hidden file away", async () => {
  const folder = await temporaryDirectory();
  const { report, commits } = await getLarge(folder, async (part, count) => (count < 2 ? rm(part) : undefined));
  expect([commits, report.changed, report.failed]).toEqual([3, 1, []]);
  expect((await readFile(join(folder, "f"))).equals(content)).toBe(true);
  expect(await readdir(folder)).toEqual(["f"]);
});

it("gives up in the end, in a line about the file", async () => {
  const folder = await temporaryDirectory();
  const { report } = await getLarge(folder, (part) => rm(part));
  expect(report.failed).toEqual([{ name: "f", message: "Somebody keeps removing its hidden file." }]);
});

it("is done when the process that took the hidden file has made the file", async () => {
  const folder = await temporaryDirectory();
  const other = await temporaryDirectory();
  await getLarge(other, async () => undefined);
  const { report, commits } = await getLarge(folder, async (part) => {
    await rm(part);
    await rename(join(other, "f"), join(folder, "f"));
  });
  expect([commits, report.unchanged, report.failed]).toEqual([1, 1, []]);
});
