import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../../src/engines/data-directory.js";
import { temporaryDirectory } from "../../support/directories.js";
import { canMount, coverReadOnly, memoryDisk, needsMounts } from "../../support/disks.js";
import { silentLog } from "../../support/silent-log.js";
import { storeOn } from "../../support/stores.js";

/** A store on a real disk, and whether it is ready, for one that writes and one that only reads. */
async function openedStore(root: string) {
  const { metadata, content, close } = await openDataDirectory(root, {}, silentLog);
  const [writer, reader] = [storeOn({ metadata, content }), storeOn({ metadata, content }, { readOnly: true })];
  await writer.ready();
  const outcome = (ready: Promise<void>): Promise<string> =>
    ready.then(
      () => "ready",
      ({ code }) => code,
    );
  return { close, both: async () => [await outcome(writer.ready()), await outcome(reader.ready())] };
}

describe("a store on a disk is ready", () => {
  it("until its content is gone, and again when it is back", async () => {
    const root = await temporaryDirectory();
    const { both, close } = await openedStore(root);
    expect(await both()).toEqual(["ready", "ready"]);
    await rename(join(root, "content"), join(root, "away"));
    expect(await both()).toEqual(["corrupt", "corrupt"]);
    await rename(join(root, "away"), join(root, "content"));
    expect(await both()).toEqual(["ready", "ready"]);
    await close();
  });

  it.skipIf(!canMount)(`to be read alone where the disk is full ${needsMounts}`, async () => {
    const disk = await memoryDisk(4 * 1024 * 1024);
    const { both, close } = await openedStore(join(disk.path, "store"));
    expect(await both()).toEqual(["ready", "ready"]);
    await expect(writeFile(join(disk.path, "filler"), Buffer.alloc(5 * 1024 * 1024))).rejects.toThrow("ENOSPC");
    expect(await both()).toEqual(["storage_full", "ready"]);
    await close();
  });

  it.skipIf(!canMount)(`to be read alone where the disk has become read-only ${needsMounts}`, async () => {
    const root = await temporaryDirectory();
    const { both, close } = await openedStore(root);
    const uncover = await coverReadOnly(root);
    expect(await both()).toEqual(["read_only", "ready"]);
    uncover();
    expect(await both()).toEqual(["ready", "ready"]);
    await close();
  });
});
