import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serializeMessage } from "../../../src/mcp/fast-json/fast-json.js";

describe("serializeMessage()", () => {
  const written = (value: object): string => Buffer.concat(serializeMessage(value).pieces).toString();

  it.each([
    ["base64", "A".repeat(100_000)],
    ["other text", "Grüße, 世界 🎉".repeat(5_000)],
  ])("makes a large string of %s a piece of its own", (_, text) => {
    const message = {
      jsonrpc: "2.0",
      id: 1,
      result: {
        content: [
          { type: "text", text },
          { type: "text", text: "end" },
        ],
      },
    };
    expect(written(message)).toBe(`${JSON.stringify(message)}\n`);
    expect(serializeMessage(message).pieces.map(({ length }) => length)).toContain(Buffer.byteLength(text));
  });

  it("writes what JSON.stringify writes, for any message", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "binary-ascii" }), fc.constant("\ud800"));
    const longText = fc.tuple(text, fc.nat(3_000)).map(([part, times]) => part.repeat(times));
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        longText,
        text,
        fc.double(),
        fc.constant(undefined),
        fc.constant(null),
        tie("list"),
        tie("object"),
      ),
      list: fc.array(tie("json"), { maxLength: 4 }),
      object: fc.dictionary(fc.oneof(text, longText), tie("json"), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(json, (value) => {
        expect(written({ value })).toBe(`${JSON.stringify({ value })}\n`);
      }),
    );
  });
});
