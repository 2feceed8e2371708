import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64Into, decodedLength } from "../../../src/mcp/fast-json/base64.js";

const KiB = 1024;

describe("decodeBase64Into()", () => {
  it("decodes content of any length, across its steps", () => {
    for (const length of [0, 1, 2, 3, 36 * KiB - 1, 36 * KiB, 36 * KiB + 1, 200 * KiB + 7]) {
      const bytes = randomBytes(length);
      const base64 = Buffer.from(bytes.toString("base64"));
      expect(decodedLength(base64)).toBe(length);
      expect(decodeBase64Into(base64, Buffer.alloc(length))?.equals(bytes)).toBe(true);
    }
  });

  it("refuses one wrong character anywhere", () => {
    const base64 = Buffer.from(randomBytes(150 * KiB).toString("base64"));
    const target = Buffer.alloc(decodedLength(base64) + 3);
    const anywhere = fc.integer({ min: 0, max: base64.length - 1 });
    const edges = fc.constantFrom(0, 48 * KiB - 1, 48 * KiB, 96 * KiB - 2, base64.length - 5, base64.length - 1);
    fc.assert(
      fc.property(fc.oneof(anywhere, edges), fc.constantFrom(..."-_ \t\n\0*%"), (at, character) => {
        const wrong = Buffer.from(base64);
        wrong.write(character, at);
        expect(decodeBase64Into(wrong, target) === undefined).toBe(true);
      }),
    );
    for (const at of [100, 48 * KiB - 1, 48 * KiB]) {
      const padded = Buffer.from(base64);
      padded.write("=", at);
      expect(decodeBase64Into(padded, target) === undefined).toBe(true);
    }
    expect(decodeBase64Into(base64.subarray(1), target) === undefined).toBe(true);
  });
});
