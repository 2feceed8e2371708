import { describe, expect, it } from "vitest";
import { type ReadArguments, readRequestOf } from "../../../src/mcp/content/read-request.js";

const defaults: ReadArguments = { encoding: "auto", regex: false, context: 0 };
const request = (args: Partial<ReadArguments>) => readRequestOf({ ...defaults, ...args });

describe("readRequestOf()", () => {
  it.each<[Partial<ReadArguments>, string, object]>([
    [{}, "page", { offset: 0, encoding: "auto", isPart: false }],
    [{ offset: 0 }, "page", { offset: 0, isPart: false }],
    [{ offset: 1 }, "page", { offset: 1, isPart: true }],
    [{ length: 9 }, "page", { offset: 0, length: 9, isPart: true }],
    [{ encoding: "base64" }, "page", { encoding: "base64" }],
    [{ line: 5 }, "lines", { line: 5 }],
    [{ lines: -20 }, "lines", { lines: -20 }],
    [{ line: 5, lines: 2, offset: 0, encoding: "utf8" }, "lines", { line: 5, lines: 2 }],
    [{ find: "x" }, "find", { find: "x", regex: false, context: 0 }],
    [{ find: "x", line: 9, regex: true, context: 3 }, "find", { find: "x", line: 9, regex: true, context: 3 }],
    [{ find: "x", line: -300, lines: 5 }, "find", { find: "x", line: -300, lines: 5 }],
    [{ columns: ["a"] }, "rows", { columns: ["a"] }],
    [{ row: -1 }, "rows", { row: -1 }],
    [{ rows: 5, columns: ["a"] }, "rows", { rows: 5, columns: ["a"] }],
  ])("reads from %j that %s are asked for", (args, mode, asked) => {
    expect(request(args)).toMatchObject({ mode, asked });
  });

  it.each<[Partial<ReadArguments>, string, string]>([
    [{ find: "x", offset: 5 }, "offset", "offset does not go with find."],
    [{ find: "x", rows: 5 }, "rows", "rows does not go with find."],
    [{ rows: 5, line: 5 }, "line", "line does not go with rows."],
    [{ columns: ["a"], length: 5 }, "length", "length does not go with columns."],
    [{ line: 5, length: 5 }, "length", "length does not go with line."],
    [{ lines: 5, encoding: "base64" }, "encoding", "encoding does not go with lines."],
    [{ line: 5, offset: 7 }, "offset", "offset does not go with line."],
  ])("refuses %j, and names those that go together", (args, argument, message) => {
    const together =
      " Those that go together are offset, length, encoding; line, lines; find, regex, context, line, lines; and columns, row, rows.";
    expect(() => request(args)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: message + together, details: { argument } }),
    );
  });

  it.each<[Partial<ReadArguments>, string, RegExp]>([
    [{ regex: true }, "regex", /^regex goes with find/],
    [{ context: 2, line: 5 }, "context", /^context goes with find/],
    [{ line: 0 }, "line", /lines count from 1, and from the end with -1/],
    [{ row: 0 }, "row", /rows count from 1, and from the end with -1/],
    [{ line: 0, find: "x" }, "line", /lines count from 1\b/],
    [{ lines: -300, find: "x", line: 1 }, "lines", /^lines is -300: .* line -300 searches the last 300 lines\.$/],
    [{ lines: 0 }, "lines", /lines is 0/],
    [{ rows: 0 }, "rows", /rows is 0/],
    [{ line: 5, lines: -2 }, "lines", /negative.*last lines: leave line out/],
    [{ row: 5, rows: -2 }, "rows", /negative.*last rows: leave row out/],
  ])("refuses %j", (args, argument, message) => {
    expect(() => request(args)).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        message: expect.stringMatching(message),
        details: { argument },
      }),
    );
  });
});
