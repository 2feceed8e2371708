import { describe, expect, it } from "vitest";
import { BufferPool, withBuffer } from "../../../src/mcp/fast-json/buffer-pool.js";

const KiB = 1024;
const MiB = 1024 * KiB;

describe("BufferPool", () => {
  it("keeps a limited number of bytes, and does not lend a buffer that is far too large", () => {
    const pool = new BufferPool();
    const taken = Array.from({ length: 6 }, () => pool.take(8 * MiB));
    for (const buffer of taken) pool.giveBack(buffer);
    const again = Array.from({ length: 6 }, () => pool.take(8 * MiB));
    expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(4);
    pool.giveBack(pool.take(8 * MiB));
    const small = pool.take(100);
    expect(small.length).toBe(64 * KiB);
    pool.giveBack(small);
    for (const bytes of [0, 1, 5 * KiB, 64 * KiB]) {
      const again = pool.take(bytes);
      expect(again === small).toBe(true);
      pool.giveBack(again);
    }
    const huge = pool.take(40 * MiB);
    pool.giveBack(huge);
    expect(pool.take(40 * MiB) === huge).toBe(false);
  });

  it("lends the smallest free buffer that is large enough", () => {
    const pool = new BufferPool();
    const [large, small] = [pool.take(300 * KiB), pool.take(100 * KiB)];
    for (const buffer of [large, small]) pool.giveBack(buffer);
    expect(pool.take(90 * KiB) === small).toBe(true);
    expect(pool.take(90 * KiB) === large).toBe(true);
  });
});

describe("withBuffer()", () => {
  it("lends a buffer until the work has ended, also if it fails", async () => {
    let [first, meanwhile, later]: (Buffer | undefined)[] = [];
    const failing = withBuffer(MiB, async (buffer) => {
      first = buffer;
      await withBuffer(MiB, async (other) => {
        meanwhile = other;
      });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    const answer = await withBuffer(MiB, async (buffer) => {
      later = buffer;
      return "done";
    });
    expect(answer).toBe("done");
    expect(meanwhile === first).toBe(false);
    expect(later === first || later === meanwhile).toBe(true);
  });
});
