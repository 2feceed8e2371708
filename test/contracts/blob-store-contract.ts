import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { BlobStore, ByteReader } from "../../src/store/ports/content-store.js";

const session = "0123456789abcdef0123456789abcdef";

/** What every implementation of the content port has to do. `open` gives an empty store that the test owns. */
export function blobStoreContract(name: string, open: () => Promise<BlobStore>): void {
  async function staged(store: BlobStore, text: string, of = session): Promise<string> {
    const writer = await store.createSegment(of, 0);
    await writer.write(Buffer.from(text));
    await writer.sync();
    await writer.close();
    return writer.name;
  }

  async function textOf(reader: ByteReader | undefined, start = 0, length = 1_000): Promise<string | undefined> {
    if (reader === undefined) return undefined;
    const bytes = await reader.read(start, length);
    await reader.close();
    return Buffer.from(bytes).toString();
  }

  describe(`${name} as a BlobStore`, () => {
    it("createSegment() names a segment after its start, each time another", async () => {
      const store = await open();
      const first = await store.createSegment(session, 42);
      const second = await store.createSegment(session, 42);
      expect(first.name).toMatch(/^42-[0-9a-f]{16}$/);
      expect(second.name).not.toBe(first.name);
      await first.close();
      await second.close();
    });

    it("a segment holds what was written, in order, and what was cut off is gone", async () => {
      const store = await open();
      const writer = await store.createSegment(session, 0);
      await writer.write(Buffer.from("abc"));
      await writer.write(new Uint8Array());
      await writer.write(Buffer.from("def"));
      await writer.truncate(4);
      await writer.write(Buffer.from("X"));
      await writer.sync();
      await writer.close();
      expect(await textOf(await store.openSegment(session, writer.name))).toBe("abcdX");
    });

    it("a segment holds what was written in parts of any size, synced and cut off in between", async () => {
      const store = await open();
      const MiB = 1024 * 1024;
      const all = randomBytes(14 * MiB);
      const writer = await store.createSegment(session, 0);
      let at = 0;
      const write = async (bytes: number): Promise<void> => {
        await writer.write(all.subarray(at, at + bytes));
        at += bytes;
      };
      for (let part = 0; part < 3_000; part += 1) await write(part % 7);
      for (const bytes of [1, MiB - 1, MiB, 1, 5 * MiB, 65_536, 65_536]) await write(bytes);
      await writer.sync();
      for (let part = 0; part < 100; part += 1) await write(part % 7);
      await writer.truncate(at - 100_000);
      at -= 100_000;
      for (const bytes of [3, MiB + 1, 100, 2 * MiB]) await write(bytes);
      await writer.sync();
      await writer.sync();
      await writer.close();
      const reader = await store.openSegment(session, writer.name);
      const stored = await reader?.read(0, all.length);
      await reader?.close();
      expect(stored?.length).toBe(at);
      expect(all.subarray(0, at).equals(stored ?? Buffer.alloc(0))).toBe(true);
    });

    it("read() answers the range, and less at the end", async () => {
      const store = await open();
      const name = await staged(store, "0123456789");
      expect(await textOf(await store.openSegment(session, name), 3, 4)).toBe("3456");
      expect(await textOf(await store.openSegment(session, name), 8, 4)).toBe("89");
      expect(await textOf(await store.openSegment(session, name), 99, 4)).toBe("");
    });

    it("openSegment() and openBlob() answer undefined for what is not there", async () => {
      const store = await open();
      expect(await store.openSegment(session, "0-0000000000000000")).toBeUndefined();
      expect(await store.openBlob(session)).toBeUndefined();
    });

    it("install() makes a segment the blob, twice the same as once", async () => {
      const store = await open();
      const name = await staged(store, "content");
      expect(await store.install(session, name)).toBe(true);
      expect(await store.install(session, name)).toBe(true);
      expect(await textOf(await store.openBlob(session))).toBe("content");
    });

    it("install() never overwrites a blob", async () => {
      const store = await open();
      await store.install(session, await staged(store, "first"));
      await store.install(session, await staged(store, "second"));
      expect(await textOf(await store.openBlob(session))).toBe("first");
    });

    it("install() answers false where the segment is gone", async () => {
      const store = await open();
      expect(await store.install(session, "0-0000000000000000")).toBe(false);
      const name = await staged(store, "content");
      await store.install(session, name);
      await store.removeUpload(session);
      expect(await store.install(session, name)).toBe(false);
    });

    it("a blob outlives its segments, and its reader outlives the blob", async () => {
      const store = await open();
      await store.install(session, await staged(store, "content"));
      await store.removeUpload(session);
      const reader = await store.openBlob(session);
      await store.removeBlob(session);
      expect(await store.openBlob(session)).toBeUndefined();
      expect(await textOf(reader)).toBe("content");
    });

    it("removing takes what is named and nothing else, and what is gone is no error", async () => {
      const store = await open();
      const [one, two] = [await staged(store, "one"), await staged(store, "two")];
      const other = await staged(store, "other", "fedcba9876543210fedcba9876543210");
      await store.removeSegments(session, [one, one, "0-0000000000000000"]);
      expect(await store.openSegment(session, one)).toBeUndefined();
      expect(await textOf(await store.openSegment(session, two))).toBe("two");
      await store.removeUpload(session);
      await store.removeUpload(session);
      await store.removeBlob(session);
      expect(await store.openSegment(session, two)).toBeUndefined();
      expect(await textOf(await store.openSegment("fedcba9876543210fedcba9876543210", other))).toBe("other");
    });

    it("a segment can be begun again after its upload was removed", async () => {
      const store = await open();
      await staged(store, "one");
      await store.removeUpload(session);
      const name = await staged(store, "two");
      expect(await textOf(await store.openSegment(session, name))).toBe("two");
    });

    it("what lies there is listed, whoever owns it", async () => {
      const store = await open();
      expect(await store.stagedSessions()).toEqual([]);
      expect(await store.stagedFiles(session)).toEqual([]);
      expect(await store.shelvedBlobs("00")).toEqual([]);
      const before = Math.floor(Date.now() / 1000);
      const [name, other] = [await staged(store, "one"), await staged(store, "three")];
      await store.install(session, name);
      expect(await store.stagedSessions()).toEqual([session]);
      const files = await store.stagedFiles(session);
      const found = files.map(({ written_at, ...file }) => file).sort((a, b) => a.bytes - b.bytes);
      expect(found).toEqual([
        { name, path: `uploads/${session}/${name}`, bytes: 3 },
        { name: other, path: `uploads/${session}/${other}`, bytes: 5 },
      ]);
      const after = Math.floor(Date.now() / 1000);
      for (const { written_at } of files) {
        expect(written_at).toBeGreaterThanOrEqual(before - 1); // a file system's clock is a tick behind
        expect(written_at).toBeLessThanOrEqual(after);
      }
      const [shelf = ""] = await store.shelves();
      expect(await store.shelvedBlobs(shelf)).toMatchObject([
        { name: session, path: `blobs/${shelf}/${session}`, bytes: 3 },
      ]);
      expect(await store.strayFiles()).toEqual([]);
    });

    it("setAside() takes a file out of the store, once", async () => {
      const store = await open();
      const name = await staged(store, "content");
      await store.install(session, name);
      const [segment] = await store.stagedFiles(session);
      expect(await store.setAside(segment?.path ?? "")).toBe(true);
      expect(await store.setAside(segment?.path ?? "")).toBe(false);
      expect(await store.openSegment(session, name)).toBeUndefined();
      expect(await textOf(await store.openBlob(session))).toBe("content");
    });

    it("the reserve is given up once, and comes back", async () => {
      const store = await open();
      await store.restoreReserve();
      expect(await store.releaseReserve()).toBe(true);
      expect(await store.releaseReserve()).toBe(false);
      await store.restoreReserve();
      expect(await store.releaseReserve()).toBe(true);
    });
  });
}
