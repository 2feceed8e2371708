import { readFileSync } from "node:fs";
import fc from "fast-check";
import Papa from "papaparse";
import { describe, expect, test } from "vitest";
import type { Source } from "../../../src/analysis/source.js";
import { openTable } from "../../../src/analysis/tables/open-table.js";
import type { WantedRows } from "../../../src/analysis/tables/table.js";
import { CsvParts } from "../../../src/analysis/tables/text/csv-parts.js";
import { gzipped, memorySource, unlimited } from "./memory-source.js";

async function read(source: Source, wanted?: WantedRows) {
  const table = await openTable(source, unlimited);
  if (table === undefined) throw new Error("no table");
  const rows: (readonly unknown[])[] = [];
  for await (const batch of table.batches(wanted)) rows.push(...batch.rows);
  return { names: table.columns.map(({ name }) => name), rows, broken: table.broken(), delimiter: table.delimiter };
}

const csv = (text: string | Uint8Array) => memorySource("a.csv", text);

describe("rows of RFC 4180", () => {
  test.each([
    ["LF", "a,b\n1,2\n3,4\n"],
    ["CRLF", "a,b\r\n1,2\r\n3,4\r\n"],
    ["CR", "a,b\r1,2\r3,4\r"],
    ["several line ends", "a,b\r\n1,2\n3,4\r"],
    ["CRLF that is cut behind a quote", 'a,b\r\n1,2\r\n"3","4"\r'],
    ["spaces behind quotes", '"a" ,"b"\t\n"1","2"  \r\n"3"  ,4'],
    ["no last line end", "a,b\n1,2\n3,4"],
    ["blank lines", "\n\na,b\n\n1,2\r\n\r\n3,4\n\n"],
    ["a byte order mark", "\ufeffa,b\n1,2\n3,4\n"],
    ["quotes around all", '"a","b"\n"1","2"\n"3","4"'],
  ])("with %s", async (_, text) => {
    expect(await read(csv(text))).toMatchObject({
      names: ["a", "b"],
      rows: [
        ["1", "2"],
        ["3", "4"],
      ],
      broken: undefined,
    });
  });

  test.each([
    ["a delimiter", '"x,y",2', "x,y"],
    ["a line feed", '"x\ny",2', "x\ny"],
    ["CRLF", '"x\r\ny",2', "x\r\ny"],
    ["a quote", '"x""y",2', 'x"y'],
    ["only quotes", '"""""",2', '""'],
    ["nothing", '"",2', ""],
    ["a quote inside", 'x"y",2', 'x"y"'],
    ["spaces", " x ,2", " x "],
  ])("a cell with %s", async (_, row, cell) => {
    const { rows } = await read(csv(`a,b\n${row}\n3,4\n`));
    expect(rows).toEqual([
      [cell, "2"],
      ["3", "4"],
    ]);
  });

  test("rows with too few cells are filled, and rows with too few or too many are told", async () => {
    const { rows, broken } = await read(csv("a,b\n1\n1,2,3\n4,5,\n6,7,,8\n"));
    expect(rows).toEqual([
      ["1", ""],
      ["1", "2"],
      ["4", "5"],
      ["6", "7"],
    ]);
    expect(broken?.reason).toBe("damaged");
    expect(broken?.message).toBe(
      "2 rows, the first one row 2, have more cells than there are columns. These cells were left out. Row 1 has fewer cells than there are columns. The cells at the end are empty.",
    );
  });
});

// papaparse takes a quoted cell to its next quote before a delimiter or a line end. That joins rows, so it is told.
describe("a quote in quotes that is not doubled", () => {
  test("is kept in the cell, and told", async () => {
    const { rows, broken } = await read(csv('a,b\n1,2\n\n"x"y"z",2\n3,4\n"5"6,7\n8,"9"\n'));
    expect(rows).toEqual([
      ["1", "2"],
      ['x"y"z', "2"],
      ["3", "4"],
      ['5"6,7\n8,"9', ""],
    ]);
    expect(broken?.reason).toBe("damaged");
    expect(broken?.message).toMatch(/^2 rows, the first one row 2, have a quote in a quoted cell that is not doubled/);
  });

  test("ends the table if no other quote ends the cell", async () => {
    const { rows, broken } = await read(csv('a,b\n1,2\n"x"y"z,2\n3,4\n'));
    expect(rows).toEqual([["1", "2"]]);
    expect(broken?.message).toMatch(
      /after 1 row: the next one begins at byte 8 \(line 3\), and has a quote that is not closed/,
    );
  });
});

test("short rows after long ones, with and without quotes", async () => {
  const long = "x,\n".repeat(20_000);
  const quoted = ["1", long, "2", "", "3", `${long}"`, "4"].map((cell) => [cell, "5"]);
  const rows = [...quoted, ["y".repeat(40_000), "6"], ["7", "8"], ["9", "10"], ["11", "12"]];
  expect((await read(csv(Papa.unparse([["a", "b"], ...rows])))).rows).toEqual(rows);
});

test("an empty cell in quotes is a row, and a blank line is none", async () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = ["a", '"1"', '""', "", '"2"', '""', ""].join(end);
    expect((await read(csv(text))).rows).toEqual([["1"], [""], ["2"], [""]]);
  }
});

test("CR at the end of a quoted cell is kept", async () => {
  const { rows } = await read(csv('a,b\r\n1,"2\r"\r\n3,"4"\r\n5,6\r\n7,"""\r"\n8,9"\r\n'));
  expect(rows.map((row) => row[1])).toEqual(["2\r", "4", "6", '"\r', '9"']);
});

describe("the header", () => {
  test.each([
    ["names", "a,b\n1,2\n", ["a", "b"]],
    ["names above texts", "a,b\nx,y\n", ["a", "b"]],
    ["a number, and a text above numbers", "a,1\n1,2\n", ["a", "1"]],
    ["a time, and a text above times", "a,2015-01-01\n2015-02-01,2\n", ["a", "2015-01-01"]],
    ["an index without a name", ",a,b\n0,x,2\n", ["column_1", "a", "b"]],
    ["a delimiter at its end", "a,b,\n1,2,3\n", ["a", "b", "column_3"]],
    ["empty names above texts", "a,,c\nx,y,z\n", ["a", "column_2", "c"]],
    ["names that come again", "id,name,name,name_2,name\n1,x,y,z,z\n", ["id", "name", "name_3", "name_2", "name_4"]],
    ["a name like that of an empty one", "column_2,,a\n1,2,3\n", ["column_2", "column_2_2", "a"]],
    ["the same name twice above texts", "a,a\nx,y\n", ["a", "a_2"]],
    ["numbers of pixels", "label,0,1,2\n5,0,0,0\n", ["label", "0", "1", "2"]],
    ["numbers of pixels above texts", "label,0,1,2\ncat,0,0,0\n", ["label", "0", "1", "2"]],
    ["years", "country,2019,2020\nPeru,5,6\n", ["country", "2019", "2020"]],
    ["years that fall", "country,2020,2010\nPeru,5,6\n", ["country", "2020", "2010"]],
    ["days", "country,code,2020-01-22,2020-01-23\nPeru,,5,6\n", ["country", "code", "2020-01-22", "2020-01-23"]],
    ["a text above numbers and empty cells", "id,5\n,x\n7,y\n", ["id", "5"]],
  ])("is the first row, with %s", async (_, text, names) => {
    const found = await read(csv(text));
    expect(found.names).toEqual(names);
    expect(found.rows).toHaveLength(text.split("\n").length - 2);
  });

  test.each([
    ["numbers", "1,2\n3,4\n"],
    ["a text above a text, and a number", "x,1\ny,2\n"],
    ["a text above a number and a text", "x,1\n5,2\ny,3\n"],
    ["a value that is missing above numbers", "NA,1\n5,2\n"],
    ["texts that come again", "red,red\nblue,green\nred,blue\n"],
    ["few texts among empty cells", "title,,\nid,name,city\n1,x,y\n"],
    ["years in each row", "x,2019,2020\ny,2001,2002\n"],
    ["numbers that are no series", "x,5,6\ny,7,9\n"],
    ["only one row with numbers", "x,2019,2020\n"],
    ["codes", "00501,00502\n00503,00504\n"],
  ])("is not there, with %s", async (_, text) => {
    const found = await read(csv(text));
    expect(found.names).toEqual(found.names.map((_name, index) => `column_${index + 1}`));
    expect(found.rows).toHaveLength(text.split("\n").length - 1);
  });
});

describe("lines before the first row", () => {
  test.each([
    ["sep=;\na;b\n1,5;2\n", 1, ";"],
    ["\ufeffSEP=|\r\na|b\r\n1,5|2\r\n", 1, "|"],
    ["# made by a program\n# on a day, at night\na,b,c\n1,2,3\n", 2, ","],
    ["## meta,1\n#a;b;c;d\n1;2,5;3;4\n", 1, ";"],
  ])("are left out: %j", async (text, lines, delimiter) => {
    const source = csv(text);
    const found = await read(source);
    const table = await openTable(source, unlimited);
    expect(found.delimiter).toBe(delimiter);
    expect(found.rows).toHaveLength(1);
    expect(found.names[1]).toBe("b");
    expect(table?.skippedLines).toBe(lines);
    expect((await read(csv(`${text}"`))).broken?.message).toContain(
      `begins at byte ${Buffer.byteLength(text)} (line ${lines + 3})`,
    );
  });

  test.each(["#a,b\n1,2\n", "#a\n1\n2\n", "# a, b\nx\n", "Title\na,b\n1,2\n", "#only\n"])(
    "are rows if they have as many cells, or do not begin with #: %j",
    async (text) => {
      const table = await openTable(csv(text), unlimited);
      expect(table?.skippedLines).toBeUndefined();
    },
  );
});

describe("the delimiter", () => {
  test.each([
    [",", "a,b;c\n1,2;3\n"],
    [";", "a;b\n1,5;2,5\n1;2,5\n"],
    ["\t", "a\tb\n1,5\t2\n"],
    ["|", "a|b\n1|2\n"],
    [",", "a\n1\n"],
    [";", '"a;b";c\n"1;2";3\n'],
  ])("%j is found", async (delimiter, text) => {
    expect((await read(csv(text))).delimiter).toBe(delimiter);
  });

  test("it is found in a first row that is longer than what is looked at", async () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `name${index}`);
    const found = await read(csv(`${names.join(";")}\n${names.map(() => "1,5").join(";")}\n`));
    expect(found.names).toEqual(names);
    expect(found.rows[0]).toHaveLength(20_000);
  });

  test("of TSV it is a tab", async () => {
    const { rows } = await read(memorySource("a.tsv", "a,b\tc\n1\t2,3\n"));
    expect(rows).toEqual([["1", "2,3"]]);
  });
});

describe("encodings", () => {
  const text = "náme,b\nÄ😀,2\n";
  test("UTF-16 with a byte order mark", async () => {
    const little = Buffer.from(`\ufeff${text}`, "utf16le");
    for (const bytes of [little, Buffer.from(little).swap16()]) {
      expect(await read(csv(bytes))).toMatchObject({ names: ["náme", "b"], rows: [["Ä😀", "2"]] });
    }
  });
  test("Latin-1", async () => {
    const found = await read(csv(Buffer.from("name,b\nÄöü Straße,2\n", "latin1")));
    expect(found.rows).toEqual([["Äöü Straße", "2"]]);
  });
  test("gzip", async () => {
    expect((await read(gzipped("a.csv", text))).rows).toEqual([["Ä😀", "2"]]);
  });
});

describe("a table that breaks off", () => {
  test("at a quote that is not closed", async () => {
    const { rows, broken } = await read(csv('a,b\nü,2\n3,"4\n5,6\n'));
    expect(rows).toEqual([["ü", "2"]]);
    expect(broken?.reason).toBe("damaged");
    expect(broken?.message).toMatch(
      /after 1 row: the next one begins at byte 9 \(line 3\), and has a quote that is not closed. Nothing behind that was read/,
    );
  });

  test("also tells of the rows before", async () => {
    for (const [newline, place] of [
      ["\n", "byte 23 (line 6)"],
      ["\r", "byte 23 (line 6)"],
      ["\r\n", "byte 28 (line 6)"],
    ] as const) {
      const text = ["a,b,c", "", "4,5", "6,7,8,9", "1,2", '3,"4', "5,6,7", ""].join(newline);
      const { rows, broken } = await read(csv(text));
      expect(rows).toEqual([
        ["4", "5", ""],
        ["6", "7", "8"],
        ["1", "2", ""],
      ]);
      expect(broken?.message).toBe(
        `The table breaks off after 3 rows: the next one begins at ${place}, and has a quote that is not closed. Nothing behind that was read. Row 2 has more cells than there are columns. These cells were left out. 2 rows, the first one row 1, have fewer cells than there are columns. The cells at the end are empty.`,
      );
    }
  });

  test("where gzip does", async () => {
    const whole = gzipped("a.csv", `a,b\n${"1,2\n".repeat(100_000)}`);
    const bytes = await whole.read(0, whole.bytes);
    const { rows, broken } = await read(memorySource("a.csv.gz", bytes.slice(0, bytes.length - 200)));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.length).toBeLessThan(100_000);
    expect(rows.at(-1)).toEqual(["1", "2"]);
    expect(broken?.reason).toBe("damaged");
  });

  test("at a row that is too long", async () => {
    const { rows, broken } = await read(csv(`a,b\n1,2\n3,${"x".repeat(9_000_000)}\n5,6\n`));
    expect(rows).toEqual([["1", "2"]]);
    expect(broken?.reason).toBe("size");
    expect(broken?.message).toMatch(/after 1 row: the next one begins at byte 8/);
  });
});

test("rows and columns that are not wanted are left out", async () => {
  const text = `a,b,c\n${Array.from({ length: 30_000 }, (_, n) => `${n + 1},"x\n${n + 1}",z\n`).join("")}`;
  const { rows } = await read(csv(text), { from: 20_001, to: 20_002, columns: [1, 0] });
  expect(rows).toEqual([
    ["x\n20001", "20001"],
    ["x\n20002", "20002"],
  ]);
  expect((await read(csv(text), { columns: [] })).rows).toHaveLength(30_000);
  expect((await read(csv(text), { from: 30_000 })).rows).toEqual([["30000", "x\n30000", "z"]]);
  expect((await read(csv(text), { from: 30_001 })).rows).toEqual([]);
});

/** Reads the text in two parts, as a table does. */
function inTwoParts(text: string, border: number, newline: "\n" | "\r"): string[][] {
  const dialect = { delimiter: ",", newline };
  const first = new CsvParts(text.slice(0, border), dialect, false);
  const found = [...rowsOf(first)];
  const rest = new CsvParts(text.slice(first.at), dialect, true);
  found.push(...rowsOf(rest));
  expect([first.failure, rest.failure]).toEqual([undefined, undefined]);
  return found;
}

function* rowsOf(parts: CsvParts) {
  for (let part = parts.next(); part !== undefined; part = parts.next()) {
    expect(part.stray).toEqual([]);
    yield* part.rows;
  }
}

const cell = fc.string({ unit: fc.constantFrom("a", "1", '"', ",", "\n", "\r", " ", "é", "😀"), maxLength: 6 });
/** A row of one empty cell is a blank line, which is no row. */
const table = fc.array(
  fc.array(cell, { minLength: 2, maxLength: 4 }).filter((row) => row.some((text) => text !== "")),
  { minLength: 1, maxLength: 6 },
);

test("what another program writes is read back, wherever a part of the text ends", () => {
  fc.assert(
    fc.property(table, fc.constantFrom("\n", "\r\n", "\r"), fc.boolean(), (rows, newline, quotes) => {
      const text = Papa.unparse(rows, { newline, quotes }) + newline;
      for (let border = 0; border <= text.length; border += 1)
        expect(inTwoParts(text, border, newline === "\r" ? "\r" : "\n")).toEqual(rows);
    }),
  );
});

/** Made by random-csv.py: texts, and the rows that Python reads from them. */
const cases: readonly [string, string[][]][] = JSON.parse(
  readFileSync(new URL("random-csv.json", import.meta.url), "utf8"),
);

test("any text has the rows that Python reads, up to a quote that is not doubled or not closed", () => {
  for (const [text, wanted] of cases) {
    const parts = new CsvParts(text, { delimiter: ",", newline: "\n" }, true);
    const part = parts.next() ?? { rows: [], stray: [] };
    expect([text, parts.next()]).toEqual([text, undefined]);
    const faulty = part.stray[0] ?? (parts.failure === undefined ? wanted.length : part.rows.length);
    expect([text, part.rows.slice(0, faulty)]).toEqual([text, wanted.slice(0, faulty)]);
    if (part.stray.length === 0 && parts.failure === undefined) expect(part.rows).toHaveLength(wanted.length);
  }
});
