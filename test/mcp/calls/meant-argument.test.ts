import { describe, expect, it } from "vitest";
import { type Arguments, connect, pageTextOf, textOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const at = { bucket: "lab", key: "t.jsonl" };

async function setup() {
  const connection = await connect(createMemoryEngines());
  await connection.answer("save_artifact", {
    ...at,
    content: '{"id":1,"State":"on","0":5}\n{"id":2,"State":"off","0":6}\n',
  });
  const refused = async (tool: string, args: Arguments) =>
    String((await connection.refusal(tool, { ...at, ...args }))["message"]);
  const read = async (args: Arguments) => pageTextOf(await connection.call("read_artifact", { ...at, ...args }));
  return { ...connection, refused, read };
}

describe("an argument that a tool does not have", () => {
  it.each<[string, Arguments, string]>([
    ["read_artifact", { start_line: 3 }, "line"],
    ["read_artifact", { from_line: 3 }, "line"],
    ["read_artifact", { startLine: 3 }, "line"],
    ["read_artifact", { line_start: 3 }, "line"],
    ["read_artifact", { line_end: 9 }, "line with lines, which says how many"],
    ["read_artifact", { end_line: 9 }, "line with lines, which says how many"],
    ["read_artifact", { limit: 5 }, "lines or rows"],
    ["read_artifact", { head: 5 }, "lines or rows"],
    ["read_artifact", { num_lines: 5 }, "lines"],
    ["read_artifact", { count: 5 }, "lines or rows"],
    ["read_artifact", { limit: 5, rows: 5 }, "lines"],
    ["read_artifact", { pattern: "ERROR" }, "find"],
    ["read_artifact", { query: "ERROR" }, "find"],
    ["read_artifact", { search: "ERROR" }, "find"],
    ["read_artifact", { grep: "ERROR" }, "find"],
    ["read_artifact", { filter: "State=on" }, "find"],
    ["read_artifact", { where: "State=on" }, "find"],
    ["read_artifact", { find: "on", case_insensitive: true }, '"regex": true, with (?i) at the beginning of find'],
    ["read_artifact", { find: "on", ignore_case: true }, '"regex": true, with (?i) at the beginning of find'],
    ["read_artifact", { tail: 7 }, '"lines": -7 for the last 7 lines, or "rows": -7 of a table'],
    ["read_artifact", { range: "1000-1020" }, '"line": 1000, "lines": 21'],
    ["read_artifact", { row_range: [10, 12] }, '"row": 10, "rows": 3'],
    ["describe_artifact", { column: ["State"] }, "columns"],
    ["compare_artifacts", { on: "id" }, "by"],
    ["save_artifact", { content: "x", content_type: "text/csv" }, "mime_type"],
    ["search_artifacts", { bucket: "lab", key: undefined, pattern: "x" }, "query"],
    ["compare_artifacts", { key2: "u.csv" }, "to_key"],
  ])("of %s: %j is answered by what is meant", async (tool, args, meant) => {
    const { refused } = await setup();
    expect(await refused(tool, args)).toMatch(/^unknown argument "[^"]+": did you mean [^?]+\?+/);
    expect((await refused(tool, args)).replace("(?i)", "(i)")).toContain(
      `: did you mean ${meant.replace("(?i)", "(i)")}?`,
    );
  });

  it("that nobody can guess is answered by those that there are", async () => {
    const { refused } = await setup();
    const message = await refused("describe_artifact", { shuffle: 3, column: "id" });
    expect(message).toBe(
      'unknown argument "shuffle", "column": this tool takes bucket, key, version, columns; for "column", give columns.',
    );
  });

  it("is refused with words about changes only by a tool that changes", async () => {
    const { refused } = await setup();
    expect(await refused("read_artifact", { limit: 5 })).not.toContain("Nothing was changed");
    expect(await refused("get_artifact", { key: "dir/" })).not.toContain("Nothing was changed");
    expect(await refused("update_artifact", { meta_data: {} })).toBe(
      'unknown argument "meta_data": did you mean metadata? Nothing was changed.',
    );
    expect(await refused("update_artifact", { key: "dir/", metadata: {} })).toMatch(/Nothing was changed\.$/);
  });
});

describe("a range in place of a number", () => {
  it.each<[string, Arguments, string]>([
    ["lines", { lines: "1000-1020" }, '"line": 1000, "lines": 21'],
    ["line", { line: "5..5" }, '"line": 5, "lines": 1'],
    ["rows", { rows: "3:4" }, '"row": 3, "rows": 2'],
  ])("of %s is answered by a first number and a count", async (_what, args, meant) => {
    const { refused } = await setup();
    expect(await refused("read_artifact", args)).toContain(`did you mean ${meant}?`);
  });

  it("that ends before it begins is answered by the rule alone", async () => {
    const { refused } = await setup();
    expect(await refused("read_artifact", { lines: "9-3" })).toBe(
      'lines must be a whole number, not "9-3" (or leave it out).',
    );
  });
});

describe("lists", () => {
  it("of one text count as that text", async () => {
    const { read, answer, call } = await setup();
    expect(await read({ find: ["off"] })).toMatch(/^2:/);
    expect(textOf(await call("compare_artifacts", { ...at, version: 1, to_key: ["t.jsonl"], by: ["id"] }))).toMatch(
      /^Identical/,
    );
    expect(await answer("get_artifact", { ...at, bucket: ["lab"] })).toMatchObject({ version: 1 });
  });

  it("of columns are no column by which tables are compared", async () => {
    const { refused } = await setup();
    expect(await refused("compare_artifacts", { to_key: "t.jsonl", by: ["id", "State"] })).toBe(
      'by must be a string, not ["id","State"]: did you mean one column, as "id"?',
    );
  });

  it("that are empty count as absent", async () => {
    const { read } = await setup();
    expect((await read({ columns: [], rows: 1 })).split("\n")[0]?.split(",").sort()).toEqual(["0", "State", "id"]);
  });

  it("of columns may have numbers, which are names", async () => {
    const { read, refused } = await setup();
    expect(await read({ columns: [0], rows: 1 })).toBe("0\n5\n");
    for (const tool of ["read_artifact", "describe_artifact"]) {
      const message = await refused(tool, { columns: [7] });
      expect(message).toMatch(/no column "7"\. (?:Its|The) columns are .*"State"/);
    }
  });
});

describe("a column that differs only in case or spaces", () => {
  it.each(["state", " State", "STATE "])("%j is answered by the one that is meant", async (name) => {
    const { refused } = await setup();
    for (const tool of ["read_artifact", "describe_artifact"]) {
      expect(await refused(tool, { columns: [name] }), tool).toContain(
        `no column ${JSON.stringify(name)}. Did you mean "State"?`,
      );
    }
  });
});
