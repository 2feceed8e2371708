import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { createDiskDerivedStore } from "../../../src/engines/disk/disk-derived-store.js";
import { temporaryDirectory } from "../../support/directories.js";
import type { Errno } from "../../support/faulty-disk.js";
import { silentLog } from "../../support/silent-log.js";

const { disk } = await vi.hoisted(async () => {
  const { FaultyDisk } = await import("../../support/faulty-disk.js");
  return { disk: new FaultyDisk() };
});
vi.mock("node:fs/promises", async (importActual) => disk.wrap(await importActual()));

const sha256 = "0123456789abcdef".repeat(4);
const errnos: readonly Errno[] = ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "EFBIG", "EPERM"];

/** Runs `act` with each of its calls failing in turn, once or from then on, and `check` after the disk works again. */
async function withEachFault(
  errno: Errno,
  act: (root: string) => Promise<void>,
  check: (root: string) => Promise<void>,
) {
  for (const isLasting of [false, true]) {
    for (let call = 1; ; call += 1) {
      disk.reset();
      const root = await temporaryDirectory();
      const store = createDiskDerivedStore(root, silentLog);
      await store.put(sha256, "old", Buffer.from("old"));
      await store.put(sha256, "lines", Buffer.from("before"));
      disk.fail({ errno, call, isLasting });
      await act(root);
      const hasFailed = disk.mend();
      expect(disk.openFiles).toBe(0);
      await check(root);
      if (!hasFailed) break;
    }
  }
}

const textOf = async (root: string, name: string): Promise<string | undefined> => {
  const bytes = await createDiskDerivedStore(root, silentLog).get(sha256, name);
  return bytes && Buffer.from(bytes).toString();
};

it.each(errnos)("put() with %s throws nothing, and leaves a whole entry or none", async (errno) => {
  await withEachFault(
    errno,
    (root) => createDiskDerivedStore(root, silentLog).put(sha256, "lines", Buffer.from("after")),
    async (root) => {
      expect(["before", "after", undefined]).toContain(await textOf(root, "lines"));
      await createDiskDerivedStore(root, silentLog).put(sha256, "lines", Buffer.from("again"));
      expect(await textOf(root, "lines")).toBe("again");
    },
  );
});

it.each(errnos)("get(), remove() and removeUnused() with %s throw nothing", async (errno) => {
  await withEachFault(
    errno,
    async (root) => {
      const store = createDiskDerivedStore(root, silentLog);
      expect(["before", undefined]).toContain((await store.get(sha256, "lines"))?.toString());
      await store.removeUnused(0);
      await store.remove(sha256);
    },
    async (root) => {
      await createDiskDerivedStore(root, silentLog).remove(sha256);
      expect(await readdir(join(root, "derived", "01"))).toEqual([]);
    },
  );
});

it("put() leaves nothing on a disk that has become full", async () => {
  disk.reset();
  const root = await temporaryDirectory();
  const store = createDiskDerivedStore(root, silentLog);
  await store.put(sha256, "lines", Buffer.from("before"));
  disk.fail({ errno: "EFBIG", call: 1, isLasting: true }); // writing fails, and nothing else does
  await store.put(sha256, "lines", Buffer.from("after"));
  expect(disk.mend()).toBe(true);
  expect(await readdir(join(root, "derived", "01"))).toEqual([]);
});
