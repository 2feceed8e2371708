import { describe, expect, test } from "vitest";
import { createExactParser, parseExactJson } from "../../../../src/analysis/tables/text/exact-json.js";

describe("numbers that a JavaScript number does not hold", () => {
  test.each<[string, unknown]>([
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", 9007199254740993n],
    ["-9007199254740993", -9007199254740993n],
    ['{"id":1700000000000000001}', { id: 1700000000000000001n }],
    ["[1, 17000000000000000012]", [1, 17000000000000000012n]],
    ['{"a":{"b":[1700000000000000001,2]}}', { a: { b: ["1700000000000000001", 2] } }],
    ['{"a":1e400,"b":-1E+400,"c":1e-400}', { a: "1e400", b: "-1E+400", c: 0 }],
    [`[1${"0".repeat(299)}]`, [10n ** 299n]],
    [`[1${"0".repeat(300)}]`, [`1${"0".repeat(300)}`]],
    [
      '{"a":0.1234567890123456789,"b":1e100,"c":12345678901234567890.5}',
      { a: 0.12345678901234568, b: 1e100, c: 12345678901234567000 },
    ],
    ['{"a":" 1700000000000000001","\\u0061":1700000000000000001}', { a: 1700000000000000001n }],
    ['{"a":1700000000000000001,"a":1}', { a: 1 }],
    ['"at 1700000000000000001 \\u00e9 \\ud83d\\ude00 é 😀"', "at 1700000000000000001 é 😀 é 😀"],
    ["[[],{},1700000000000000001]", [[], {}, 1700000000000000001n]],
  ])("%s", (text, value) => {
    expect(parseExactJson(text)).toStrictEqual(value);
    expect(parseExactJson('{"next":1700000000000000003}')).toStrictEqual({ next: 1700000000000000003n });
  });

  test("__proto__ is a name like any other", () => {
    const value = parseExactJson('{"__proto__":1700000000000000001}') as object;
    expect(Object.entries(value)).toEqual([["__proto__", 1700000000000000001n]]);
  });

  test("nesting does not exhaust the stack", () => {
    const text = `${"[".repeat(100_000)}1700000000000000001${"]".repeat(100_000)}`;
    let value = parseExactJson(text);
    while (Array.isArray(value)) [value] = value;
    expect(value).toBe("1700000000000000001");
  });

  test.each(["1700000000000000001x", '{"a":01700000000000000001}', "[1700000000000000001", "1e4000,"])(
    "%s is no JSON, and the next row is read",
    (text) => {
      expect(() => parseExactJson(text)).toThrow(SyntaxError);
      expect(parseExactJson("[1700000000000000001]")).toEqual([1700000000000000001n]);
    },
  );
});

test("JSON in parts: rows in an array, whose cells are two levels deep", () => {
  const rows: unknown[] = [];
  const parser = createExactParser({ paths: ["$.*"], keepStack: false }, 2);
  parser.onValue = (row) => rows.push(row);
  for (const part of ['[{"a":17000000', '00000000001,"b":[1700000000000000', "001]},", "1700000000000000001]"]) {
    parser.write(part);
  }
  expect(rows).toEqual([{ a: 1700000000000000001n, b: ["1700000000000000001"] }, 1700000000000000001n]);
});
