import { expect, it } from "vitest";
import { JobReport } from "../../../../src/store/transfer/user/job-report.js";
import { namedArtifacts } from "../../../../src/store/transfer/user/named-artifacts.js";
import { createMemoryEngines, saveText, storeOn } from "../../../support/stores.js";

const rules = { isWindows: false, rename: false, foldsCase: false, spelled: async (name: string) => name };

/** The names of files of these keys, and the keys that have none. */
async function namesOf(keys: readonly string[], options: Partial<typeof rules> = {}, keyFolder = "") {
  const store = storeOn(createMemoryEngines());
  for (const key of keys) await saveText(store, "b", key, key);
  const report = new JobReport({});
  const names: string[] = [];
  const wanted = { ...rules, ...options, bucket: "b", keyFolder };
  for await (const { name } of namedArtifacts(store.artifacts, wanted, report)) names.push(name);
  return { names, failed: report.failed.map(({ name }) => name) };
}

it("names files by their keys below the folder", async () => {
  const keys = ["other/x", "run/a", "run/sub/b", "run-2/c"];
  expect(await namesOf(keys, {}, "run")).toEqual({ names: ["a", "sub/b"], failed: [] });
});

it("an artifact that is a folder too keeps its name, and those below it are renamed or have none", async () => {
  const keys = ["a", "a-b", "a/b", "a/b/c", "a/d/e", "x/y"];
  expect(await namesOf(keys)).toEqual({ names: ["a", "a-b", "x/y"], failed: ["a/b", "a/b/c", "a/d/e"] });
  const names = ["a", "a-b", "a%2Fb", "a%2Fb%2Fc", "a%2Fd/e", "x/y"];
  expect(await namesOf(keys, { rename: true })).toEqual({ names, failed: [] });
});

it("of keys that differ only in case, the first one has its name where the file system tells no cases apart", async () => {
  const keys = ["A", "B/x", "a", "b/X", "b/y"];
  expect(await namesOf(keys)).toEqual({ names: keys, failed: [] });
  expect(await namesOf(keys, { foldsCase: true })).toEqual({ names: ["A", "B/x", "b/y"], failed: ["a", "b/X"] });
  const names = ["A", "B/x", "%61", "%62/X", "b/y"];
  expect(await namesOf(keys, { foldsCase: true, rename: true })).toEqual({ names, failed: [] });
});
