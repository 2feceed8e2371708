import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type ReadInto, readAhead } from "../../../src/store/pieces/read-ahead.js";

const content = Buffer.from(Array.from({ length: 1_003 }, (_, n) => n % 251));

/** A function that reads `content` into the given buffer, with counts of its running and finished reads. */
function source(bytes = content) {
  const state = { running: 0, most: 0, ended: 0 };
  const read: ReadInto = async (start, length, into) => {
    state.running += 1;
    state.most = Math.max(state.most, state.running);
    await setImmediate();
    const found = bytes.copy(into, 0, start, start + length);
    state.running -= 1;
    state.ended += 1;
    return into.subarray(0, found);
  };
  return { read, state };
}

async function collect(blocks: AsyncIterable<Uint8Array>): Promise<{ bytes: Buffer; lengths: number[] }> {
  const parts: Buffer[] = [];
  for await (const block of blocks) {
    await setImmediate(); // the next block is read meanwhile
    await setImmediate();
    parts.push(Buffer.from(block));
  }
  return { bytes: Buffer.concat(parts), lengths: parts.map(({ length }) => length) };
}

describe("readAhead()", () => {
  it.each([
    [0, 1_003, 100],
    [7, 8, 100],
    [3, 1_000, 997],
    [5, 1_003, 499],
    [9, 9, 100],
  ])("yields bytes [%d, %d) in blocks of %d, with one read at a time", async (start, end, blockBytes) => {
    const { read, state } = source();
    const { bytes, lengths } = await collect(readAhead(read, { start, end, blockBytes }));
    expect(bytes).toEqual(content.subarray(start, end));
    expect(lengths.slice(0, -1).every((length) => length === blockBytes)).toBe(true);
    expect(state).toMatchObject({ running: 0, most: end > start ? 1 : 0 });
  });

  it.each([2, 3, 4])("uses %d given buffers in turn, and reads into all but one of them at a time", async (count) => {
    const { read, state } = source();
    const buffers = Array.from({ length: count }, () => new Uint8Array(100));
    const used: number[] = [];
    const parts: Buffer[] = [];
    for await (const block of readAhead(read, { start: 0, end: 1_003, blockBytes: 100, buffers })) {
      for (let turn = 0; turn < 4; turn += 1) await setImmediate();
      used.push(buffers.findIndex(({ buffer }) => buffer === block.buffer));
      parts.push(Buffer.from(block));
    }
    expect(Buffer.concat(parts)).toEqual(content);
    expect(used).toEqual(Array.from({ length: 11 }, (_, n) => n % count));
    expect(state).toMatchObject({ running: 0, most: count - 1, ended: 11 });
  });

  it("ends where the file ends", async () => {
    const { read } = source(content.subarray(0, 250));
    const { bytes, lengths } = await collect(readAhead(read, { start: 0, end: 1_003, blockBytes: 100 }));
    expect(bytes).toEqual(content.subarray(0, 250));
    expect(lengths).toEqual([100, 100, 50]);
  });

  it("throws the error of a read when its block is asked for, and reads no more", async () => {
    const { read, state } = source();
    const failing: ReadInto = (start, length, into) =>
      start >= 200 ? Promise.reject(new Error("EIO")) : read(start, length, into);
    const blocks = readAhead(failing, { start: 0, end: 1_003, blockBytes: 100 });
    expect((await blocks.next()).done).toBe(false);
    expect((await blocks.next()).done).toBe(false);
    await setImmediate();
    await expect(blocks.next()).rejects.toThrow("EIO");
    expect((await blocks.next()).done).toBe(true);
    expect(state.ended).toBe(2);
  });

  it("has no running read after the caller has left the loop", async () => {
    const { read, state } = source();
    for await (const _ of readAhead(read, { start: 0, end: 1_003, blockBytes: 100 })) break;
    expect(state).toMatchObject({ running: 0, ended: 2 });
  });
});
