import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createDiskBlobStore } from "../../src/engines/disk/disk-content-store.js";
import { blobStoreContract } from "../contracts/blob-store-contract.js";
import { temporaryDirectory } from "../support/directories.js";
import { silentLog } from "../support/silent-log.js";

const session = "0123456789abcdef0123456789abcdef";

async function openStore() {
  const root = await temporaryDirectory();
  await mkdir(join(root, "uploads"));
  await mkdir(join(root, "blobs"));
  return { root, store: createDiskBlobStore(root, silentLog) };
}

blobStoreContract("the disk", async () => (await openStore()).store);

it("lays segments and blobs out as the data directory's format says, for the owner alone", async () => {
  const { root, store } = await openStore();
  const writer = await store.createSegment(session, 0);
  await writer.write(Buffer.from("content"));
  await writer.sync();
  await writer.close();
  await store.install(session, writer.name);
  expect(await readdir(join(root, "uploads", session))).toEqual([writer.name]);
  const blob = await stat(join(root, "blobs", "01", session));
  expect(blob.size).toBe(7);
  expect(blob.mode & 0o777).toBe(0o600);
  await store.removeUpload(session);
  expect(await readdir(join(root, "uploads"))).toEqual([]);
});

it("fails with the port's error, what the system said as its cause", async () => {
  const { root, store } = await openStore();
  await mkdir(join(root, "blobs", "01", session), { recursive: true });
  const reader = await store.openBlob(session);
  await expect(reader?.read(0, 1)).rejects.toMatchObject({ name: "ArtifactError", code: "internal" });
  await reader?.close();
});

it("begins segments while the same upload's folder is removed again and again", async () => {
  const { store } = await openStore();
  const again = async (times: number, act: () => Promise<void>): Promise<void> => {
    for (let time = 0; time < times; time += 1) await act();
  };
  const begin = async (): Promise<void> => (await store.createSegment(session, 0)).close();
  const remove = (): Promise<void> => store.removeUpload(session);
  await Promise.all([again(1_500, begin), again(1_500, begin), again(3_000, remove), again(3_000, remove)]);
  await store.removeUpload(session);
});
