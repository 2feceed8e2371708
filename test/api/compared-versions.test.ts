import { expect, it } from "vitest";
import { type AskedComparison, comparedVersions } from "../../src/api/compared-versions.js";
import { createMemoryEngines, saveText, storeOn } from "../support/stores.js";

/** Keys `k` with versions 2 to 4, because the first one was deleted, and `single` with one version. */
async function stored() {
  const store = storeOn(createMemoryEngines());
  for (const text of ["1", "2", "3", "4"]) await saveText(store, "b", "k", text);
  await store.artifacts.delete("b", "k", { version: 1 });
  await saveText(store, "b", "single", "1");
  return store;
}

const k = { bucket: "b", key: "k" };
const single = { bucket: "b", key: "single" };

it.each<[string, AskedComparison, object, object]>([
  ["a key alone", k, { ...k, version: 3 }, { ...k, version: 4 }],
  ["a version alone", { ...k, version: 2 }, { ...k, version: 2 }, { ...k, version: undefined }],
  ["a version to compare with", { ...k, to_version: 3 }, { ...k, version: 2 }, { ...k, version: 3 }],
  ["both versions", { ...k, version: 4, to_version: 2 }, { ...k, version: 4 }, { ...k, version: 2 }],
  ["its own key", { ...k, to_bucket: "b", to_key: "k" }, { ...k, version: 3 }, { ...k, version: 4 }],
  ["another key", { ...k, to_key: "single" }, { ...k, version: undefined }, { ...single, version: undefined }],
  [
    "a key of another bucket",
    { ...k, to_bucket: "c", to_version: 7 },
    { ...k, version: undefined },
    { ...k, bucket: "c", version: 7 },
  ],
  ["a version that does not exist", { ...k, to_version: 9 }, { ...k, version: 9 }, { ...k, version: 9 }],
])("comparedVersions() finds both versions for %s", async (_what, asked, before, after) => {
  const { artifacts } = await stored();
  expect(await comparedVersions(artifacts, asked)).toEqual({ before, after });
});

it("a key in another normal form is the same key", async () => {
  const store = storeOn(createMemoryEngines());
  for (const text of ["1", "2"]) await saveText(store, "b", "é", text);
  const { before, after } = await comparedVersions(store.artifacts, { bucket: "b", key: "é", to_key: "e\u0301" });
  expect([before.version, after.version]).toEqual([1, 2]);
});

it.each<[AskedComparison, RegExp]>([
  [single, /"single" in bucket "b" has only one version\.$/],
  [{ ...k, to_version: 2 }, /version 2 is the oldest that is kept of "k" in bucket "b"/],
])("comparedVersions() of %j says that there is no version before", async (asked, message) => {
  const { artifacts } = await stored();
  const problem = { code: "invalid_argument", message: expect.stringMatching(message) };
  await expect(comparedVersions(artifacts, asked)).rejects.toMatchObject(problem);
});

it("comparedVersions() of a key that does not exist says so", async () => {
  const { artifacts } = await stored();
  const missing = comparedVersions(artifacts, { bucket: "b", key: "none" });
  await expect(missing).rejects.toMatchObject({ code: "artifact_not_found" });
});
