import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createFastCounter, plainCounter } from "../../../../src/store/insight/lines/line-end-counter.js";

const readBytes = 64 * 1024;

/** Counts what lies at `at` of a buffer of the fast counter. */
function fastCount(content: Uint8Array, at: number, encoding: "utf-8" | "utf-16le" | "utf-16be"): number {
  const counter = createFastCounter(readBytes);
  const [, buffer = new Uint8Array()] = counter.buffers;
  buffer.fill(0x0a); // what lies around it must not count
  buffer.set(content, at);
  return counter.count(buffer.subarray(at, at + content.length), encoding);
}

afterEach(() => void vi.unstubAllGlobals());

describe("the fast counter", () => {
  it("is the plain one where there is no WebAssembly, or no room for its memory", () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect(createFastCounter(readBytes)).toBe(plainCounter);
    vi.unstubAllGlobals();
    expect(createFastCounter(2 ** 40)).toBe(plainCounter);
  });

  it("has its own code: it is not the plain one", () => {
    expect(createFastCounter(readBytes)).not.toBe(plainCounter);
  });

  it("counts the line feeds of any bytes, at any place, as a split does", () => {
    const bytes = fc.array(fc.constantFrom(0x00, 0x0a, 0x0d, 0x61, 0xff), { maxLength: 2_000 });
    fc.assert(
      fc.property(bytes, fc.nat(200), (content, at) => {
        const expected = content.filter((byte) => byte === 0x0a).length;
        expect(fastCount(Uint8Array.from(content), at, "utf-8")).toBe(expected);
        expect(plainCounter.count(Uint8Array.from(content), "utf-8")).toBe(expected);
      }),
    );
  });

  it("counts units of UTF-16 as a decoder does", () => {
    const bytes = fc.array(fc.constantFrom(0x00, 0x0a, 0x61), { maxLength: 2_000 });
    fc.assert(
      fc.property(
        bytes,
        fc.nat(100),
        fc.constantFrom("utf-16le" as const, "utf-16be" as const),
        (content, at, encoding) => {
          const text = new TextDecoder(encoding).decode(Uint8Array.from(content));
          const expected = text.split("\n").length - 1;
          expect(fastCount(Uint8Array.from(content), 2 * at, encoding)).toBe(expected);
          expect(plainCounter.count(Uint8Array.from(content), encoding)).toBe(expected);
        },
      ),
    );
  });

  it("does not overflow where every byte or unit is a line feed", () => {
    expect(fastCount(Buffer.alloc(readBytes, "\n"), 0, "utf-8")).toBe(readBytes);
    expect(fastCount(Buffer.alloc(readBytes, "\n\0"), 0, "utf-16le")).toBe(readBytes / 2);
    expect(fastCount(Buffer.alloc(readBytes, "\0\n"), 0, "utf-16be")).toBe(readBytes / 2);
  });

  it("counts blocks that lie elsewhere", () => {
    expect(createFastCounter(readBytes).count(Buffer.from("a\n".repeat(500)), "utf-8")).toBe(500);
  });
});
