import { describe, expect, it } from "vitest";
import { DerivedFacts } from "../../../../src/store/insight/derived-facts.js";
import { LineReader } from "../../../../src/store/insight/lines/line-reader.js";
import { createMemoryDerivedStore, type MemoryDerivedStore } from "../../../support/memory-derived-store.js";
import { openText } from "../../../support/open-text.js";
import { silentLog } from "../../../support/silent-log.js";
import { createMemoryEngines, storeOn } from "../../../support/stores.js";

const MiB = 1024 * 1024;
const blockBytes = 256 * 1024;
const lineCount = 600_000;
/** 5 MiB, in lines of different lengths. */
const text = Array.from({ length: lineCount }, (_, n) => `line ${n + 1}\n`).join("");
const wanted = { line: 500_000, lines: 2, chars: 1_000 };
const expected = { text: "line 500000\nline 500001", first: 500_000, last: 500_001, total: lineCount };

/** A process with its own memory. Those with the same `derived` share a directory. */
function startReader(derived: MemoryDerivedStore, readOnly = false): LineReader {
  const artifacts = { get: async () => openText("").artifact };
  return new LineReader(
    new DerivedFacts({ artifacts, derived, log: silentLog, readOnly, maxRowPieceBytes: 32 * 1024 }),
  );
}

/** The text, and how many bytes were read of it. */
function countedText() {
  let bytes = 0;
  const onRead = (_: number, length: number): void => {
    bytes += length;
  };
  const taken = (): number => {
    const before = bytes;
    bytes = 0;
    return before;
  };
  return { open: openText(text, { onRead }), taken };
}

const entryOf = (derived: MemoryDerivedStore) => [...derived.entries.values()][0]?.get("lines");

describe("the index of lines", () => {
  it("is made once: later reads of this and of other processes read few blocks", async () => {
    const derived = createMemoryDerivedStore();
    const counted = countedText();
    const reader = startReader(derived);
    expect(await reader.read(counted.open, wanted)).toMatchObject(expected);
    expect(counted.taken()).toBeGreaterThan(text.length);
    for (const process of [reader, startReader(derived), startReader(derived, true)]) {
      expect(await process.read(counted.open, wanted)).toMatchObject(expected);
      expect(counted.taken()).toBeLessThan(3 * blockBytes);
    }
    expect(entryOf(derived)?.bytes.length).toBeLessThan(200);
  });

  it("is not written by a read-only process, nor for small content", async () => {
    const derived = createMemoryDerivedStore();
    await startReader(derived, true).read(openText(text), wanted);
    await startReader(derived).read(openText("line\n".repeat(MiB / 5)), { chars: 1_000 });
    expect(derived.entries.size).toBe(0);
  });

  it("is not kept for content that is no text", async () => {
    const derived = createMemoryDerivedStore();
    const read = startReader(derived).read(openText(Buffer.alloc(2 * MiB)), wanted);
    await expect(read).rejects.toMatchObject({ code: "invalid_argument" });
    expect(derived.entries.size).toBe(0);
  });

  it("is made by one of the calls that need it at the same time", async () => {
    const derived = createMemoryDerivedStore();
    const counted = countedText();
    const reader = startReader(derived);
    const pages = await Promise.all(Array.from({ length: 10 }, () => reader.read(counted.open, wanted)));
    for (const page of pages) expect(page).toMatchObject(expected);
    expect(counted.taken()).toBeLessThan(text.length + 11 * 3 * blockBytes);
  });

  it("is made by the next call if the one that made it failed, and nothing is kept of that one", async () => {
    const derived = createMemoryDerivedStore();
    const reader = startReader(derived);
    const broken = openText(text, {
      onRead(start) {
        if (start >= 4 * MiB) throw new Error("the disk failed");
      },
    });
    const [failed, made] = await Promise.allSettled([reader.read(broken, wanted), reader.read(openText(text), wanted)]);
    expect(failed).toMatchObject({ status: "rejected", reason: { message: "the disk failed" } });
    expect(made).toMatchObject({ status: "fulfilled", value: expected });
    const other = createMemoryDerivedStore();
    await expect(startReader(other).read(broken, wanted)).rejects.toThrow("the disk failed");
    expect(other.entries.size).toBe(0);
  });

  it("is made again if its entry is damaged, or has another format or length", async () => {
    const derived = createMemoryDerivedStore();
    await startReader(derived).read(openText(text), wanted);
    const [sha256 = ""] = derived.entries.keys();
    const entry = Buffer.from(entryOf(derived)?.bytes ?? []);
    const changed = (at: number, value: number): Buffer => {
      const copy = Buffer.from(entry);
      copy.writeUInt32LE(value, at);
      return copy;
    };
    const unfit = [
      Buffer.alloc(0),
      entry.subarray(0, -4),
      Buffer.concat([entry, Buffer.alloc(4)]),
      changed(0, 99),
      changed(4, 99),
      changed(16, 1),
      changed(24 + 4 * 27, 99_999), // more line ends in the last block than it has
    ];
    for (const bytes of unfit) {
      await derived.put(sha256, "lines", bytes);
      const last = { line: -1, chars: 1_000 };
      const page = await startReader(derived).read(openText(text), last);
      expect(page).toMatchObject({ text: `line ${lineCount}`, total: lineCount });
      expect(Buffer.from(entryOf(derived)?.bytes ?? []).equals(entry)).toBe(true);
    }
  });

  it("lets other work go on while it is made", async () => {
    let turns = 0;
    let isDone = false;
    const counting = (async () => {
      while (!isDone) {
        await new Promise(setImmediate);
        turns += 1;
      }
    })();
    const open = openText(text.repeat(4), { onRead: () => new Promise((resolve) => setImmediate(resolve)) });
    await startReader(createMemoryDerivedStore()).read(open, wanted);
    isDone = true;
    await counting;
    expect(turns).toBeGreaterThan(text.length / (2 * MiB));
  });

  it("is not left behind if the version is deleted while it is made", async () => {
    const derived = createMemoryDerivedStore();
    const engines = createMemoryEngines();
    let deleted: Promise<unknown> | undefined;
    const content = {
      ...engines.content,
      async openPiece(...piece: Parameters<typeof engines.content.openPiece>) {
        const reader = await engines.content.openPiece(...piece);
        const read: NonNullable<typeof reader>["read"] = async (start, ...rest) => {
          if (start >= 2 * MiB) deleted ??= store.artifacts.delete("b", "k");
          await deleted;
          return reader?.read(start, ...rest) ?? new Uint8Array();
        };
        return reader && { ...reader, read };
      },
    };
    const store = storeOn({ ...engines, content }, { derived });
    await store.artifacts.save({ bucket: "b", key: "k", bytes: Buffer.from(text), defaultMimeType: "text/plain" });
    expect(await store.insight.lines({ bucket: "b", key: "k" }, wanted)).toMatchObject(expected);
    expect(deleted).toBeDefined();
    expect(derived.entries.size).toBe(0);
  });
});
