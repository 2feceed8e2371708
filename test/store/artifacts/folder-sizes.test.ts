import { describe, expect, it } from "vitest";
import type { FolderSizes } from "../../../src/store/artifacts/folder-sizes.js";
import { createMemoryEngines, saveText, storeOn } from "../../support/stores.js";

async function all(sizes: AsyncIterable<FolderSizes>): Promise<FolderSizes[]> {
  const found: FolderSizes[] = [];
  for await (const one of sizes) found.push(one);
  return found;
}

async function stored() {
  let seconds = 1_000_000;
  const store = storeOn(createMemoryEngines(), { now: () => seconds * 1000 });
  const texts = [
    ["a", "x/1", "12345"],
    ["a", "x/1", "123"],
    ["a", "x/y/2", "1"],
    ["a", "x-3", "12"],
    ["a", "top", "1234"],
    ["b", "k", "1234567"],
  ] as const;
  for (const [bucket, key, text] of texts) await saveText(store, bucket, key, text);
  const expiring = { bucket: "a", key: "x/old", defaultMimeType: "text/plain", expires_in: 3_600 };
  await store.artifacts.save({ ...expiring, bytes: Buffer.from("12345678") });
  seconds += 7_200;
  return store.artifacts;
}

describe("bucketSizes()", () => {
  it("adds up the newest versions and all versions of each bucket, without keys that have expired", async () => {
    expect(await all((await stored()).bucketSizes())).toEqual([
      { bucket: "a", artifacts: 4, bytes: 10, versions: 5, all_bytes: 15 },
      { bucket: "b", artifacts: 1, bytes: 7, versions: 1, all_bytes: 7 },
    ]);
  });
});

describe("folderSizes()", () => {
  it("adds up the folders of a bucket, and then the keys in none of them", async () => {
    expect(await all((await stored()).folderSizes("a", ""))).toEqual([
      { bucket: "a", prefix: "x/", artifacts: 2, bytes: 4, versions: 3, all_bytes: 9 },
      { bucket: "a", prefix: "", artifacts: 2, bytes: 6, versions: 2, all_bytes: 6 },
    ]);
  });

  it("adds up the folders of a folder, or what begins with a prefix", async () => {
    expect(await all((await stored()).folderSizes("a", "x/"))).toMatchObject([
      { prefix: "x/y/", bytes: 1 },
      { prefix: "x/", bytes: 3 },
    ]);
    expect(await all((await stored()).folderSizes("a", "x"))).toMatchObject([
      { prefix: "x/", bytes: 4 },
      { prefix: "x", bytes: 2 },
    ]);
    expect(await all((await stored()).folderSizes("a", "none/"))).toEqual([]);
  });

  it("refuses a bucket that is not there", async () => {
    await expect(all((await stored()).folderSizes("c", ""))).rejects.toMatchObject({ code: "bucket_not_found" });
  });
});
