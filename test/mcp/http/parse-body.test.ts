import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBody } from "../../../src/mcp/http/parse-body.js";
import { parseLine } from "../../../src/mcp/stdio/parse-line.js";

const request = { jsonrpc: "2.0", id: 1, method: "tools/call" };
const parseAsLine = (value: unknown) => parseLine(Buffer.from(JSON.stringify(value)));

describe("parseBody()", () => {
  const body = (value: unknown) => parseBody(Buffer.from(JSON.stringify(value, null, 2)));

  it("accepts one message, or up to a hundred in an array", () => {
    expect(body(request)).toEqual({ messages: [request], isBatch: false });
    const hundred = Array.from({ length: 100 }, (_, id) => ({ ...request, id }));
    expect(body(hundred)).toEqual({ messages: hundred, isBatch: true });
    expect(body([...hundred, request])).toMatchObject({ error: { message: expect.stringContaining("at most 100") } });
  });

  it("returns messages or an error for any value, and accepts what parseLine() accepts", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.constant(request)), (value) => {
        const parsed = body(value);
        const line = parseAsLine(value);
        const isMessage = line !== undefined && "message" in line;
        if (!Array.isArray(value)) expect("messages" in parsed).toBe(isMessage);
        if ("error" in parsed)
          expect(parsed.error.message).toMatch(/^The body .*Send (a JSON-RPC message|at most 100)/);
      }),
    );
  });

  it("answers bytes that are not UTF-8, or not JSON, with -32700", () => {
    for (const bytes of [Buffer.from([0xff]), Buffer.from(""), Buffer.from("{")]) {
      expect(parseBody(bytes)).toMatchObject({ id: null, error: { code: -32700 } });
    }
  });
});
