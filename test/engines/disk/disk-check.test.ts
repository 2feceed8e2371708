import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../../src/engines/data-directory.js";
import { temporaryDirectory } from "../../support/directories.js";
import { canMount, coverReadOnly, memoryDisk, needsMounts } from "../../support/disks.js";
import { silentLog } from "../../support/silent-log.js";
import { storeOn } from "../../support/stores.js";

/** A store on a real disk. `both` returns whether it is ready, for a store that writes and for a read-only one. */
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

describe("a store on a disk", () => {
  it("is not ready while its content is gone", async () => {
    const root = await temporaryDirectory();
    const { both, close } = await openedStore(root);
    expect(await both()).toEqual(["ready", "ready"]);
    await rename(join(root, "content"), join(root, "away"));
    expect(await both()).toEqual(["corrupt", "corrupt"]);
    await rename(join(root, "away"), join(root, "content"));
    expect(await both()).toEqual(["ready", "ready"]);
    await close();
  });

  it.skipIf(!canMount)(`is ready only for reading if the disk is full ${needsMounts}`, async () => {
    const disk = await memoryDisk(4 * 1024 * 1024);
    const { both, close } = await openedStore(join(disk.path, "store"));
    expect(await both()).toEqual(["ready", "ready"]);
    await expect(writeFile(join(disk.path, "filler"), Buffer.alloc(5 * 1024 * 1024))).rejects.toThrow("ENOSPC");
    expect(await both()).toEqual(["storage_full", "ready"]);
    await close();
  });

  it.skipIf(!canMount)(`is ready only for reading if the disk has become read-only ${needsMounts}`, async () => {
    const root = await temporaryDirectory();
    const { both, close } = await openedStore(root);
    const uncover = await coverReadOnly(root);
    expect(await both()).toEqual(["read_only", "ready"]);
    uncover();
    expect(await both()).toEqual(["ready", "ready"]);
    await close();
  });
});
