import { expect, it } from "vitest";
import { contentStoreContract } from "../contracts/content-store-contract.js";
import { createMemoryContentStore, type MemoryFile } from "../support/memory-content-store.js";

contentStoreContract("the in-memory double", async () => createMemoryContentStore());

it("stores over one map share pieces and mark, like processes that share a directory", async () => {
  const pieces = new Map<string, MemoryFile>();
  const [one, other] = [createMemoryContentStore({ pieces }), createMemoryContentStore({ pieces })];
  await one.writeMark("mark");
  const writer = await one.createPiece("s1", 0);
  await writer.write(Buffer.from("abc"));
  expect(await other.readMark()).toBe("mark");
  expect([...other.files.keys()]).toEqual([`s1/${writer.name}`]);
});
