import { describe, expect, it } from "vitest";
import { createTable } from "../../../src/cli/terminal/table.js";

const columns = [{ title: "SIZE", isNumber: true }, { title: "NAME" }, { title: "TYPE" }];

describe("lines()", () => {
  it("aligns columns, with numbers at the right, under one line of titles", () => {
    const table = createTable(columns);
    expect(table.lines([["1 B", "a", "text/plain"]])).toBe("SIZE  NAME  TYPE\n 1 B  a     text/plain\n");
    expect(table.lines([["1000 B", "long name", ""]])).toBe("1000 B  long name\n");
    expect(table.lines([["1 B", "b", "x"]])).toBe("   1 B  b          x\n");
  });

  it("counts a wide character as two cells and a combining one as none", () => {
    const table = createTable([{ title: "A" }, { title: "B" }]);
    expect(
      table.lines([
        ["报告", "x"],
        ["e\u0301", "x"],
        ["👩‍💻!", "x"],
      ]),
    ).toBe("A     B\n报告  x\ne\u0301     x\n👩‍💻!   x\n");
  });

  it("never lets a cell control the terminal", () => {
    const line = createTable([{ title: "A" }]).lines([["a\u001b[2Jb\u202ec\nd\u009b"]]);
    expect(line).toBe("A\na\\u001b[2Jb\\u202ec\\u000ad\\u009b\n");
  });
});
