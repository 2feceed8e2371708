import { JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLine } from "../../../src/mcp/stdio/parse-line.js";

const parse = (value: unknown) => parseLine(Buffer.from(JSON.stringify(value)));
const request = { jsonrpc: "2.0", id: 1, method: "tools/call" };
const task = "io.modelcontextprotocol/related-task";

/** The message without its null members. An id and the content of an error stay. */
function meant(value: unknown, isWhole = true): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value).filter(([name, member]) => member !== null || (isWhole && name === "id"));
  return Object.fromEntries(members.map(([name, member]) => [name, name === "error" ? member : meant(member, false)]));
}

describe("parseLine()", () => {
  it.each([
    ["a request", request],
    ["a request with params", { ...request, id: "a", params: { _meta: { progressToken: 1, other: [] }, a: [null] } }],
    ["a notification", { jsonrpc: "2.0", method: "notifications/initialized" }],
    ["a result", { jsonrpc: "2.0", id: 0, result: { _meta: {} } }],
    ["an error", { jsonrpc: "2.0", id: "", error: { code: -1, message: "", data: null } }],
    ["an error without an id", { jsonrpc: "2.0", error: { code: -1, message: "" } }],
  ])("accepts %s", (_, value) => {
    expect(parse(value)).toEqual({ message: value });
    expect(parseLine(Buffer.from(` ${JSON.stringify(value)}\r`))).toEqual({ message: value });
  });

  it("does not change text in UTF-8", () => {
    const message = { ...request, params: { text: "é \u2028 \u{1f600} \ufffd" } };
    expect(parse(message)).toEqual({ message });
  });

  it.each([
    ["another version", { ...request, jsonrpc: "1.0" }, "jsonrpc", 1],
    ["an unknown member", { ...request, extra: 1 }, '"extra"', 1],
    ["a method that is not a string", { ...request, method: 5 }, "method", 1],
    ["no method", { jsonrpc: "2.0", id: "a" }, "method", "a"],
    ["params and no method", { jsonrpc: "2.0", id: 1, params: {} }, "method", 1],
    ["a method and a result", { ...request, result: {} }, "result", 1],
    ["a fraction as id", { ...request, id: 1.5 }, "id", null],
    ["an id past 2^53", { ...request, id: 2 ** 53 }, "id", null],
    ["null as id", { ...request, id: null }, "id", null],
    ["params that are an array", { ...request, params: [] }, "params", 1],
    ["a method that is null", { ...request, method: null }, "method", 1],
    ["a _meta that is not an object", { ...request, params: { _meta: 1 } }, "_meta", 1],
    ["an invalid progressToken", { ...request, params: { _meta: { progressToken: 0.5 } } }, "progressToken", 1],
    ["an invalid task", { ...request, params: { _meta: { [task]: {} } } }, "taskId", 1],
    ["a broken notification", { jsonrpc: "2.0", method: "x", params: 1 }, "params", null],
    ["a batch", [request], "line of its own", null],
    ["an empty batch", [], "line of its own", null],
    ["a number", 5, "object", null],
    ["null", null, "object", null],
  ])("answers %s with -32600 and says what is wrong", (_, value, part, id) => {
    expect(parse(value)).toMatchObject({
      reason: expect.any(String),
      answer: { jsonrpc: "2.0", id, error: { code: -32600, message: expect.stringContaining(part) } },
    });
  });

  it.each([
    ["text", Buffer.from("hello")],
    ["half a message", Buffer.from('{"jsonrpc":"2.0","id":1,')],
    ["two messages", Buffer.from(`${JSON.stringify(request)}${JSON.stringify(request)}`)],
    ["Latin-1", Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xe9"}', "latin1")],
    ["a surrogate in UTF-8", Buffer.from('"\xed\xa0\x80"', "latin1")],
  ])("answers %s with -32700 and no id", (_, line) => {
    const error = { code: -32700, message: expect.stringContaining("JSON in UTF-8") };
    expect(parseLine(line)).toMatchObject({ answer: { id: null, error } });
  });

  it.each([
    ["a result that is not an object", { jsonrpc: "2.0", id: 1, result: 5 }],
    ["a result that is null", { jsonrpc: "2.0", id: 1, result: null }],
    ["a result without an id", { jsonrpc: "2.0", result: {} }],
    ["an error without a code", { jsonrpc: "2.0", id: 1, error: { message: "x" } }],
    ["an error with the id null", { jsonrpc: "2.0", id: null, error: { code: 1, message: "x" } }],
    ["a result and an error", { jsonrpc: "2.0", id: 1, result: {}, error: { code: 1, message: "x" } }],
    ["a result in another version", { jsonrpc: "1.0", id: 1, result: {} }],
  ])("does not answer a broken response: %s", (_, value) => {
    expect(parse(value)).toEqual({ reason: expect.any(String), answer: undefined });
  });

  it.each(["", "\r", " \t \r"])("treats %j as a blank line", (text) => {
    expect(parseLine(Buffer.from(text))).toBeUndefined();
  });

  it.each([
    ["params", { ...request, params: null }, request],
    ["a _meta", { ...request, params: { _meta: null } }, { ...request, params: {} }],
    [
      "a progressToken",
      { ...request, params: { _meta: { progressToken: null } } },
      { ...request, params: { _meta: {} } },
    ],
    ["a task", { ...request, params: { _meta: { [task]: null } } }, { ...request, params: { _meta: {} } }],
    [
      "anything in params",
      { ...request, params: { a: { b: null, c: [null, { d: null, constructor: null }] }, constructor: { e: null } } },
      { ...request, params: { a: { c: [null, {}] }, constructor: {} } },
    ],
    ["result and error beside a method", { ...request, result: null, error: null }, request],
    [
      "an error beside a result",
      { jsonrpc: "2.0", id: 1, result: {}, error: null },
      { jsonrpc: "2.0", id: 1, result: {} },
    ],
    [
      "anything in a result",
      { jsonrpc: "2.0", id: 1, result: { _meta: null, roots: [{ uri: "file:///", name: null }] } },
      { jsonrpc: "2.0", id: 1, result: { roots: [{ uri: "file:///" }] } },
    ],
    [
      "the params and the id of a notification",
      { jsonrpc: "2.0", id: null, method: "notifications/initialized", params: null },
      { jsonrpc: "2.0", method: "notifications/initialized" },
    ],
  ])("treats null as absent: %s", (_, value, meant) => {
    expect(JSON.stringify(parse(value))).toBe(JSON.stringify({ message: meant }));
  });

  it("treats null as absent at any depth", () => {
    const deep = `${'{"a":'.repeat(100_000)}null${"}".repeat(100_000)}`;
    const parsed = parseLine(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m","params":${deep}}`));
    let [holder, depth] = [(parsed as { message: { params: { a?: object } } }).message.params, 1];
    for (; holder.a !== undefined; depth += 1) holder = holder.a;
    expect([depth, holder]).toEqual([100_000, {}]);
  });

  it("accepts exactly what the SDK accepts once null members are removed", () => {
    const anyId = fc.constantFrom<unknown>(1, 0, -1, 1.5, 2 ** 53, "", "a", null, true, {});
    const anyMeta = fc.oneof(
      fc.constantFrom<unknown>(null, 5, [], {}, { x: 1 }),
      fc.record({ progressToken: anyId }),
      fc.constantFrom<unknown>(null, {}, { taskId: 1 }, { taskId: "x" }).map((related) => ({ [task]: related })),
    );
    const anyBody = fc.oneof(
      fc.constantFrom<unknown>(null, 5, "x", [], {}, { code: 1, message: "x" }, { code: 1.5, message: "x" }),
      fc.record({ _meta: anyMeta }),
    );
    const anyMessage = fc.record(
      {
        jsonrpc: fc.constantFrom("2.0", "2.0", "2.0", "1.0", 2),
        id: anyId,
        method: fc.constantFrom<unknown>("tools/call", "", 5, null),
        params: anyBody,
        result: anyBody,
        error: anyBody,
        other: fc.constant(1),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(anyMessage, (message) => {
        const parsed = parse(message);
        expect(parsed !== undefined && "message" in parsed).toBe(
          JSONRPCMessageSchema.safeParse(meant(message)).success,
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
