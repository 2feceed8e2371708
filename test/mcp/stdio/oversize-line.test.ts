import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OversizeLine } from "../../../src/mcp/stdio/oversize-line.js";

/** Reads a line in pieces of `pieceBytes`. */
function scan(text: string | Buffer, pieceBytes = 7) {
  const line = new OversizeLine();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) line.push(bytes.subarray(at, at + pieceBytes));
  return { id: line.id, isResponse: line.isResponse };
}

describe("OversizeLine", () => {
  it.each([
    ["an id at the start", '{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":[1,{"b":2}]}}', 7],
    ["an id at the end", '{"method":"x","params":{"content":"..."},"jsonrpc":"2.0","id":"seven"}', "seven"],
    ["white space of any length", `${" ".repeat(5_000)}{${"\n".repeat(5_000)}"id" : 7 ,"method":"x"}`, 7],
    ["the last of several ids", '{"id":1,"method":"x","id":2}', 2],
    ["a last id that is not valid", '{"id":1,"method":"x","id":{"id":2}}', null],
    ["a key with escapes", '{"method":"x","\\u0069\\u0064":7}', 7],
    ["an id with escapes", '{"method":"x","id":"\\"}\\u00e9é"}', '"}éé'],
    ["a nested id", '{"method":"x","params":{"id":7}}', null],
    ["a nested id after the request's own", '{"method":"x","id":1,"params":[{"id":7}]}', 1],
    ["text that looks like an id", '{"method":"x","params":{"content":"\\"},\\"id\\":7,{"}}', null],
    ["a string that ends in backslashes", '{"method":"x","params":{"content":"\\\\\\\\"},"id":7}', 7],
    ["a value that is the text id", '{"method":"id","jsonrpc":"id"}', null],
    ["an id that is a fraction", '{"method":"x","id":7.5}', null],
    ["an id past 2^53", '{"method":"x","id":9007199254740993}', null],
    ["an id that is null", '{"method":"x","id":null}', null],
    ["an id that is too long to be kept", `{"method":"x","id":1,"id":"${"7".repeat(2_000)}"}`, null],
    ["a number that is too long to be kept", `{"method":"x","id":7.${"0".repeat(2_000)}1}`, null],
    ["an id that is not UTF-8", Buffer.from('{"method":"x","id":"\xff"}', "latin1"), null],
    ["an array", '[{"id":7,"method":"x"},"id",7]', null],
    ["a line that is not JSON", '}]],"id":7', null],
  ])("finds the id of %s", (_, text, id) => {
    for (const pieceBytes of [1, 7, 1e6]) expect(scan(text, pieceBytes)).toEqual({ id, isResponse: false });
  });

  it.each([
    ['{"id":7,"result":{"method":"x"}}', true],
    ['{"id":7,"error":{"code":1,"message":"x"}}', true],
    ['{"id":7,"result":{},"\\u006dethod":"x"}', false],
    ['{"id":7,"params":{"result":{}}}', false],
    ['"result"', false],
  ])("recognizes a response: %s %s", (text, isResponse) => {
    expect(scan(text).isResponse).toBe(isResponse);
  });

  it("finds what JSON.parse finds in any object, however it is split", () => {
    const anyKey = fc.constantFrom('"id"', '"\\u0069d"', '"method"', '"result"', '"i\\"d"', '"é"', '"__proto__"');
    const anyValue = fc.oneof(
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify(value, undefined, " ")),
    );
    const anyId = fc.oneof(fc.integer(), fc.string({ unit: "binary" })).map((id) => JSON.stringify(id));
    const anyMember = fc.tuple(anyKey, fc.oneof(anyValue, anyId)).map(([key, value]) => `${key} :${value}`);
    const anyLine = fc.array(anyMember, { maxLength: 6 }).map((members) => `{ ${members.join(" , ")}\t}`);
    fc.assert(
      fc.property(anyLine, fc.integer({ min: 1, max: 40 }), (text, pieceBytes) => {
        const members = JSON.parse(text);
        const { id = null } = members;
        const isId = typeof id === "string" || Number.isSafeInteger(id);
        const isResponse = Object.hasOwn(members, "result") && !Object.hasOwn(members, "method");
        expect(scan(text, pieceBytes)).toEqual({ id: isId ? id : null, isResponse });
      }),
      { numRuns: 200 },
    );
  });

  it("keeps the first 100 bytes for the log", () => {
    const line = new OversizeLine();
    for (let n = 0; n < 60; n += 1) line.push(Buffer.from(String(n % 10).repeat(9)));
    expect(line.start.toString()).toBe(
      Array.from({ length: 12 }, (_, n) => String(n % 10).repeat(9))
        .join("")
        .slice(0, 100),
    );
  });
});
