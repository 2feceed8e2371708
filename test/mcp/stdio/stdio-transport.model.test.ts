import { type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { expect, it } from "vitest";
import { openTransport, settled } from "../../support/stdio-streams.js";

const maxMessageBytes = 300;

/** The effect of a line: a message for the server or an error for the client. */
type Effect = { readonly message: unknown } | { readonly id: unknown; readonly code: number };

/** The effect that a line must have. It is computed from the whole line and the SDK's schema. */
function effectOf(line: Buffer): Effect | undefined {
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
    if (text.replace(/[ \t\r]/g, "") === "") return undefined;
    value = JSON.parse(text);
  } catch {
    return { id: null, code: line.length > maxMessageBytes ? -32600 : -32700 };
  }
  if (line.length <= maxMessageBytes && JSONRPCMessageSchema.safeParse(value).success) return { message: value };
  const { id, method, result, error } = (value ?? {}) as Record<string, unknown>;
  if (method === undefined && (result !== undefined || error !== undefined)) return undefined;
  const isId = !Array.isArray(value) && (typeof id === "string" || Number.isSafeInteger(id));
  return { id: isId ? id : null, code: -32600 };
}

function linesOf(input: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let at = 0; at < input.length; at += 1) {
    if (input[at] !== 0x0a) continue;
    lines.push(input.subarray(start, at));
    start = at + 1;
  }
  return lines;
}

const anyText = fc.string({
  unit: fc.constantFrom(..."ab", '"', "\\", "{", "}", ",", "\n", "\0", "é", "€", "\u{1f600}"),
});
const anyParams = fc.record(
  { text: anyText, id: fc.integer(), _meta: fc.constantFrom({}, { progressToken: 1 }, 5) },
  { requiredKeys: [] },
);
/** Makes a line with an id from its position, so that no two requests have the same id. */
type MakeLine = (id: number) => Buffer;

const json =
  (make: (id: number) => unknown): MakeLine =>
  (id) =>
    Buffer.from(JSON.stringify(make(id)));
const anyRequest = fc
  .tuple(anyParams, fc.boolean())
  .map(([params, isText]) => json((n) => ({ method: "tools/call", params, jsonrpc: "2.0", id: isText ? `é${n}` : n })));
const anyOther = fc.constantFrom<unknown>(
  { jsonrpc: "2.0", method: "notifications/initialized" },
  { jsonrpc: "2.0", id: 1, result: { a: "é" } },
  { jsonrpc: "2.0", error: { code: 1, message: "x" } },
  { jsonrpc: "2.0", id: 1, result: 5 },
  { jsonrpc: "2.0", id: 1 },
  { jsonrpc: "2.0", id: 1.5, method: "x" },
  { jsonrpc: "1.0", id: "a", method: "x" },
  { jsonrpc: "2.0", id: "a", method: "x", more: 1 },
  [{ jsonrpc: "2.0", id: 1, method: "x" }],
  null,
  5,
);
const anyLong = fc
  .tuple(anyText, fc.constantFrom("result", "method", "params", "id"), fc.boolean())
  .map(([text, key, isLast]) =>
    json((id) => {
      const first = { [key]: { text, more: "x".repeat(maxMessageBytes), id: 0 } };
      return isLast ? { ...first, id } : { id, ...first, method: "x" };
    }),
  );
const anyBytes = fc.constantFrom(
  "",
  " \t",
  "{",
  "nonsense",
  '{"jsonrpc":"2.0","id":1,"method":"\xe9"}',
  "x".repeat(maxMessageBytes),
  "x".repeat(maxMessageBytes + 1),
);
const anyMakeLine = fc.oneof(
  { arbitrary: anyRequest, weight: 4 },
  anyOther.map((value) => json(() => value)),
  anyLong,
  anyBytes.map(
    (text): MakeLine =>
      () =>
        Buffer.from(text, "latin1"),
  ),
);
const anyInput = fc
  .array(fc.tuple(anyMakeLine, fc.constantFrom("\n", "\r\n")), { maxLength: 20 })
  .map((lines) => Buffer.concat(lines.flatMap(([make, end], n) => [make(n), Buffer.from(end)])));

it("any lines have the effect that the rules require, however the input is split", async () => {
  await fc.assert(
    fc.asyncProperty(anyInput, fc.array(fc.nat({ max: 4_000 })), async (input, cuts) => {
      const { transport, stdin, stdout } = await openTransport({ maxMessageBytes, maxConcurrentCalls: 100 });
      const effects: Effect[] = [];
      transport.onmessage = (message: JSONRPCMessage) => void effects.push({ message });
      stdout.on("line", ({ id, error }) => effects.push({ id, code: error.code }));
      const ends = [...new Set([...cuts, input.length].filter((cut) => cut <= input.length))].sort((a, b) => a - b);
      let start = 0;
      for (const end of ends) {
        stdin.emit("data", input.subarray(start, end)); // emitted by hand, because the stream would join chunks
        start = end;
      }
      await settled();
      await transport.close();
      expect(effects).toEqual(linesOf(input).flatMap((line) => effectOf(line) ?? []));
    }),
    { numRuns: 500 },
  );
});
