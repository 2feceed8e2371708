import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonText, serializeMessage } from "../../../src/mcp/fast-json/fast-json.js";

const written = (value: object): string => Buffer.concat(serializeMessage(value).pieces).toString();

describe("JsonText", () => {
  it("is written like the string, by serializeMessage() and by JSON.stringify, across steps and pieces", () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "binary-ascii" }),
      fc.constant('\n"\\\0é世🎉'),
    );
    const text = fc.tuple(part, fc.integer({ min: 0, max: 60_000 })).map(([some, times]) => {
      return some.repeat(Math.min(times, Math.ceil(600_000 / (some.length + 1))));
    });
    fc.assert(
      fc.property(text, (string) => {
        const json = JsonText.ofUtf8(Buffer.from(string));
        const plain = JSON.stringify({ a: [{ text: string }], b: 1 });
        expect(written({ a: [{ text: json }], b: 1 }) === `${plain}\n`).toBe(true);
        expect(JSON.stringify({ a: [{ text: json }], b: 1 }) === plain).toBe(true);
        expect(json?.bytes).toBe(Buffer.byteLength(JSON.stringify(string)) - 2);
      }),
      { numRuns: 60 },
    );
  });

  it("writes the base64 of any bytes", () => {
    for (const length of [0, 1, 2, 3, 48 * 1024 - 1, 48 * 1024, 48 * 1024 + 1, 1_000_000]) {
      const bytes = randomBytes(length);
      const blob = bytes.toString("base64");
      expect(written({ blob: JsonText.ofBase64(bytes) }) === `${JSON.stringify({ blob })}\n`).toBe(true);
    }
  });

  it("is undefined for bytes that are not UTF-8, across steps too", () => {
    const text = Buffer.from("世".repeat(40_000));
    expect(JsonText.ofUtf8(text)).toBeDefined();
    expect(JsonText.ofUtf8(text.subarray(0, -1))).toBeUndefined();
    expect(JsonText.ofUtf8(Buffer.from("\xed\xa0\x80", "latin1"))).toBeUndefined(); // a surrogate
  });

  it("keeps its bytes until it is released, and releases them only once", () => {
    const texts = ["a", "b", "c"].map((letter) => letter.repeat(100_000));
    const [first, second] = texts.map((text) => JsonText.ofUtf8(Buffer.from(text)) as JsonText);
    const line = serializeMessage({ first, second });
    const before = Buffer.concat(line.pieces);
    expect(before.equals(Buffer.concat(line.pieces))).toBe(true);
    line.release();
    line.release();
    const [third, fourth] = [
      JsonText.ofUtf8(Buffer.from(texts[2] ?? "")),
      JsonText.ofUtf8(Buffer.from(texts[0] ?? "")),
    ];
    expect(written({ third, fourth }) === `${JSON.stringify({ third: texts[2], fourth: texts[0] })}\n`).toBe(true);
  });

  it("holds little more memory than its length, so that many can wait for clients that read", () => {
    for (const length of [1, 100, 5_000, 60_000, 300_000, 1_000_000]) {
      const text = '"text"\n'.repeat(length / 7 + 1).slice(0, length);
      for (const json of [
        JsonText.ofString(text),
        JsonText.ofUtf8(Buffer.from(text)),
        JsonText.ofBase64(Buffer.from(text)),
      ]) {
        const held = (json?.pieces ?? []).reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
        expect(held).toBeLessThan(2 * (json?.bytes ?? 0) + 16 * 1024);
      }
    }
  });

  it("writes a string with a lone surrogate too", () => {
    const text = `${"a".repeat(5_000)}\ud800"`;
    expect(written({ text: JsonText.ofString(text) }) === `${JSON.stringify({ text })}\n`).toBe(true);
  });
});
