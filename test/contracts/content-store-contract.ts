import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ByteReader, ContentStore, NamedPiece } from "../../src/store/ports/content-store.js";

const session = "0123456789abcdef0123456789abcdef";
/** A session in the same shard. */
const neighbour = "01ffffffffffffffffffffffffffffff";
const other = "fedcba9876543210fedcba9876543210";
const gone: NamedPiece = { name: "0-0000000000000000", bytes: 1 };
const MiB = 1024 * 1024;

/** The tests that every content engine has to pass. `begin` makes an empty store that the test owns. */
export function contentStoreContract(engine: string, begin: () => Promise<ContentStore>): void {
  async function put(store: ContentStore, content: string | Uint8Array, of = session, start = 0): Promise<NamedPiece> {
    const writer = await store.createPiece(of, start);
    const bytes = Buffer.from(content);
    await writer.write(bytes);
    await writer.sync();
    await writer.close();
    return { name: writer.name, bytes: bytes.length };
  }

  async function textOf(reader: ByteReader | undefined, start = 0, length = 1_000): Promise<string | undefined> {
    if (reader === undefined) return undefined;
    const bytes = await reader.read(start, length);
    await reader.close();
    return Buffer.from(bytes).toString();
  }

  const read = async (store: ContentStore, of: string, name: string, bytes = 1_000): Promise<string | undefined> =>
    textOf(await store.openPiece(of, { name, bytes }));

  /** The names of the pieces of a session, from the listing. */
  async function listed(store: ContentStore, of = session): Promise<string[]> {
    const files = await store.listShard(store.shardOf(of));
    return files.flatMap(({ piece }) => (piece?.session === of ? [piece.name] : [])).sort();
  }

  describe(`${engine} as a ContentStore`, () => {
    it("createPiece() gives each piece another name, which begins with its start", async () => {
      const store = await begin();
      const first = await store.createPiece(session, 42);
      const second = await store.createPiece(session, 42);
      expect(first.name).toMatch(/^42-[0-9a-f]{16}$/);
      expect(second.name).not.toBe(first.name);
      await first.close();
      await second.close();
    });

    it("a piece contains the written bytes in order, without those that were cut off", async () => {
      const store = await begin();
      const writer = await store.createPiece(session, 0);
      await writer.write(Buffer.from("abc"));
      await writer.write(new Uint8Array());
      await writer.write(Buffer.from("def"));
      await writer.truncate(4);
      await writer.write(Buffer.from("X"));
      await writer.sync();
      await writer.close();
      expect(await read(store, session, writer.name)).toBe("abcdX");
    });

    it("a piece that is truncated to nothing is empty", async () => {
      const store = await begin();
      const writer = await store.createPiece(session, 0);
      await writer.write(Buffer.from("abc"));
      await writer.truncate(0);
      await writer.sync();
      await writer.close();
      expect(await read(store, session, writer.name)).toBe("");
    });

    it("a piece contains parts of any size, with syncs and truncations in between", async () => {
      const store = await begin();
      const all = randomBytes(14 * MiB);
      const writer = await store.createPiece(session, 0);
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
      const reader = await store.openPiece(session, { name: writer.name, bytes: all.length });
      const stored = await reader?.read(0, all.length);
      await reader?.close();
      expect(stored?.length).toBe(at);
      expect(all.subarray(0, at).equals(stored ?? Buffer.alloc(0))).toBe(true);
    });

    it("keeps several pieces of a session and pieces of several sessions apart", async () => {
      const store = await begin();
      const pieces = [
        { of: session, text: "one", ...(await put(store, "one")) },
        { of: session, text: "two", ...(await put(store, "two", session, 3)) },
        { of: neighbour, text: "three", ...(await put(store, "three", neighbour)) },
        { of: other, text: "four", ...(await put(store, "four", other)) },
      ];
      for (const { of, name, text } of pieces) expect(await read(store, of, name)).toBe(text);
      expect(await read(store, neighbour, pieces[0]?.name ?? "")).toBeUndefined();
    });

    it("read() returns the range, fewer bytes at the end, and nothing after the named length", async () => {
      const store = await begin();
      const { name } = await put(store, "0123456789");
      const at = async (bytes: number, start: number, length: number) =>
        textOf(await store.openPiece(session, { name, bytes }), start, length);
      expect(await at(10, 3, 4)).toBe("3456");
      expect(await at(10, 8, 4)).toBe("89");
      expect(await at(10, 10, 4)).toBe("");
      expect(await at(10, 99, 4)).toBe("");
      expect(await at(5, 3, 4)).toBe("34");
      expect(await at(5, 5, 4)).toBe("");
      expect(await at(5, 7, 2)).toBe("");
      expect(await at(0, 0, 4)).toBe("");
      expect(await at(12, 8, 4)).toBe("89"); // the caller notices that bytes are missing
    });

    it("read() fills a given buffer", async () => {
      const store = await begin();
      const reader = await store.openPiece(session, await put(store, "0123456789"));
      const into = Buffer.alloc(100);
      expect(Buffer.from((await reader?.read(2, 3, into)) ?? "").toString()).toBe("234");
      expect(Buffer.from((await reader?.read(8, 50, into)) ?? "").toString()).toBe("89");
      await reader?.close();
    });

    it("openPiece() returns undefined for a piece that does not exist", async () => {
      const store = await begin();
      expect(await store.openPiece(session, gone)).toBeUndefined();
      const { name, bytes } = await put(store, "content");
      expect(await store.openPiece(neighbour, { name, bytes })).toBeUndefined();
    });

    it("a reader can still read after its piece was removed", async () => {
      const store = await begin();
      const piece = await put(store, "content");
      const reader = await store.openPiece(session, piece);
      await store.remove([{ session, name: piece.name }]);
      expect(await store.openPiece(session, piece)).toBeUndefined();
      expect(await textOf(reader)).toBe("content");
    });

    it("remove() removes only the named pieces, and a missing piece is not an error", async () => {
      const store = await begin();
      const [one, two] = [await put(store, "one"), await put(store, "two")];
      const [third, fourth] = [await put(store, "three", neighbour), await put(store, "four", other)];
      await store.remove([]);
      await store.remove([
        { session, name: one.name },
        { session, name: one.name },
        { session, name: gone.name },
        { session: other, name: fourth.name },
        { session: "00000000000000000000000000000000", name: gone.name },
      ]);
      expect(await store.openPiece(session, one)).toBeUndefined();
      expect(await store.openPiece(other, fourth)).toBeUndefined();
      expect(await read(store, session, two.name)).toBe("two");
      expect(await read(store, neighbour, third.name)).toBe("three");
      await store.remove([{ session, name: one.name }]);
    });

    describe("fold()", () => {
      it("makes one piece of several, in their order, each up to its named length", async () => {
        const store = await begin();
        const [one, two, three] = [await put(store, "oneX"), await put(store, "two"), await put(store, "threeYY")];
        const pieces = [{ ...one, bytes: 3 }, two, { ...three, bytes: 0 }, { ...three, bytes: 5 }];
        const name = await store.fold(session, pieces, 7);
        expect(name).toMatch(/^7-[0-9a-f]{16}$/);
        expect(await read(store, session, name ?? "")).toBe("onetwothree");
        expect(await read(store, session, one.name)).toBe("oneX");
        expect(await listed(store)).toHaveLength(4);
      });

      it("makes an empty piece of no pieces", async () => {
        const store = await begin();
        expect(await read(store, session, (await store.fold(session, [], 0)) ?? "")).toBe("");
      });

      it("accepts pieces of any size", async () => {
        const store = await begin();
        const contents = [1, 3 * MiB, 2 * MiB + 17, 70_000, MiB].map((bytes) => randomBytes(bytes));
        const pieces: NamedPiece[] = [];
        for (const content of contents) {
          const piece = await put(store, Buffer.concat([content, Buffer.from("behind")]));
          pieces.push({ ...piece, bytes: content.length });
        }
        const name = (await store.fold(session, pieces, 0)) ?? "";
        const all = Buffer.concat(contents);
        const reader = await store.openPiece(session, { name, bytes: all.length + 1 });
        const stored = await reader?.read(0, all.length + 1);
        await reader?.close();
        expect(all.equals(stored ?? Buffer.alloc(0))).toBe(true);
      });

      it("returns undefined if a piece is gone, and leaves nothing", async () => {
        const store = await begin();
        const piece = await put(store, "content");
        for (const pieces of [[gone], [piece, gone], [gone, piece]]) {
          expect(await store.fold(session, pieces, 0)).toBeUndefined();
        }
        expect(await listed(store)).toEqual([piece.name]);
      });

      it("fails with corrupt if a piece is too short, and leaves nothing", async () => {
        const store = await begin();
        const piece = await put(store, "content");
        const call = store.fold(session, [piece, { ...piece, bytes: 8 }], 0);
        await expect(call).rejects.toMatchObject({ name: "ArtifactError", code: "corrupt" });
        expect(await listed(store)).toEqual([piece.name]);
      });
    });

    describe("copy()", () => {
      it("makes a piece for another session, which stays when its source is removed", async () => {
        const store = await begin();
        for (const to of [session, neighbour, other]) {
          const piece = await put(store, "content");
          const name = (await store.copy(session, piece, to, 0)) ?? "";
          expect(name).toMatch(/^0-[0-9a-f]{16}$/);
          expect(await listed(store, to)).toContain(name);
          await store.remove([{ session, name: piece.name }]);
          expect(await read(store, to, name)).toBe("content");
        }
      });

      it("stops at the named length, also if more bytes follow", async () => {
        const store = await begin();
        const piece = await put(store, "content");
        const name = (await store.copy(session, { ...piece, bytes: 3 }, other, 5)) ?? "";
        expect(name).toMatch(/^5-/);
        expect(await read(store, other, name)).toBe("con");
        const empty = (await store.copy(session, { ...piece, bytes: 0 }, other, 0)) ?? "";
        expect(await read(store, other, empty)).toBe("");
      });

      it("is not changed by a writer of its source that appends after the named length and then truncates to it", async () => {
        const store = await begin();
        const writer = await store.createPiece(session, 0);
        await writer.write(Buffer.from("content"));
        await writer.sync();
        const piece = { name: writer.name, bytes: 7 };
        const before = (await store.copy(session, piece, other, 0)) ?? "";
        await writer.write(Buffer.from(" behind"));
        await writer.sync();
        const between = (await store.copy(session, piece, other, 0)) ?? "";
        for (const name of [before, between]) expect(await read(store, other, name, 7)).toBe("content");
        expect(await read(store, other, between, 14)).toBe("content");
        await writer.truncate(7);
        await writer.sync();
        await writer.close();
        for (const name of [before, between]) expect(await read(store, other, name)).toBe("content");
      });

      it("copies a copy again", async () => {
        const store = await begin();
        const piece = await put(store, "content");
        const first = (await store.copy(session, piece, other, 0)) ?? "";
        const second = (await store.copy(other, { name: first, bytes: 7 }, neighbour, 0)) ?? "";
        await store.remove([
          { session, name: piece.name },
          { session: other, name: first },
        ]);
        expect(await read(store, neighbour, second)).toBe("content");
      });

      it("returns undefined if the piece is gone, and leaves nothing", async () => {
        const store = await begin();
        expect(await store.copy(session, gone, other, 0)).toBeUndefined();
        expect(await listed(store, other)).toEqual([]);
      });

      it("fails with corrupt if a piece is too short, and leaves nothing", async () => {
        const store = await begin();
        const piece = await put(store, "content");
        const call = store.copy(session, { ...piece, bytes: 8 }, other, 0);
        await expect(call).rejects.toMatchObject({ name: "ArtifactError", code: "corrupt" });
        expect(await listed(store, other)).toEqual([]);
      });
    });

    describe("the listing", () => {
      it("lists all pieces in the shards of their sessions, with the time when they were written", async () => {
        const store = await begin();
        expect(await store.listShard(store.shardOf(session))).toEqual([]);
        const before = Math.floor(Date.now() / 1000);
        const [one, three] = [await put(store, "one"), await put(store, "three", neighbour)];
        await put(store, "elsewhere", other);
        const shard = store.shardOf(session);
        expect(store.shardOf(neighbour)).toBe(shard);
        const shards = await store.shards();
        expect(shards).toEqual([...shards].sort());
        expect(shards).toEqual(expect.arrayContaining([shard, store.shardOf(other)]));
        const files = await store.listShard(shard);
        const found = files.map(({ written_at, ...file }) => file).sort((a, b) => a.bytes - b.bytes);
        expect(found).toEqual([
          { piece: { session, name: one.name }, path: expect.stringContaining(one.name), bytes: 3 },
          { piece: { session: neighbour, name: three.name }, path: expect.stringContaining(three.name), bytes: 5 },
        ]);
        const after = Math.floor(Date.now() / 1000);
        for (const { written_at } of files) {
          expect(written_at).toBeGreaterThanOrEqual(before - 1); // the clock of a file system can be one tick behind
          expect(written_at).toBeLessThanOrEqual(after);
        }
        expect(await store.strayFiles()).toEqual([]);
      });

      it("lists nothing for a shard that does not exist, without an error", async () => {
        const store = await begin();
        expect(await store.listShard(store.shardOf("zz"))).toEqual([]);
      });

      it("setAside() moves a file out of the store once", async () => {
        const store = await begin();
        const piece = await put(store, "content");
        const [file] = await store.listShard(store.shardOf(session));
        expect(await store.setAside(file?.path ?? "")).toBe(true);
        expect(await store.setAside(file?.path ?? "")).toBe(false);
        expect(await store.openPiece(session, piece)).toBeUndefined();
        expect(await listed(store)).toEqual([]);
        expect(await store.strayFiles()).toEqual([]);
      });

      it("keepAside() accepts text and bytes, and does not change the store", async () => {
        const store = await begin();
        await store.keepAside("rows.json", '{"rows":[]}');
        await store.keepAside("piece", randomBytes(10));
        expect(await store.strayFiles()).toEqual([]);
      });
    });

    it("readMark() returns the mark that was written last", async () => {
      const store = await begin();
      expect(await store.readMark()).toBeUndefined();
      for (const mark of ["0123 1", "0123 2", `${"long ".repeat(40)}3`, "0123 4"]) {
        await store.writeMark(mark);
        expect(await store.readMark()).toBe(mark);
      }
    });

    it("one of several marks written at once wins, and a reader always sees a whole mark", async () => {
      const store = await begin();
      const marks = Array.from({ length: 8 }, (_, index) => `${"m".repeat(index * 20)}${index}`);
      await store.writeMark("m0");
      let isWriting = true;
      const writing = Promise.all(marks.map((mark) => store.writeMark(mark))).finally(() => {
        isWriting = false;
      });
      while (isWriting) expect([...marks, "m0"]).toContain(await store.readMark());
      await writing;
      expect(marks).toContain(await store.readMark());
    });

    it("the reserve can be given up once, and again after it was restored", async () => {
      const store = await begin();
      await put(store, Buffer.alloc(MiB)); // with less content an engine may have no reserve
      await store.restoreReserve();
      expect(await store.releaseReserve()).toBe(true);
      expect(await store.releaseReserve()).toBe(false);
      await store.restoreReserve();
      expect(await store.releaseReserve()).toBe(true);
    });
  });
}
