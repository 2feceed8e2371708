import { briefText, plainOrQuoted, textFacts } from "../../../api/descriptions/brief-text.js";
import { outlined } from "../../../api/descriptions/json-outline.js";
import type { Artifact } from "../../../store/model/artifact.js";
import { count } from "../../../store/model/count.js";
import type { ColumnDescription, Description, TableDescription } from "../../../store/ports/description.js";
import { printable } from "../../terminal/printable.js";
import { createTable, type TableColumn } from "../../terminal/table.js";

/** Characters of the shape of JSON. */
const maxShapeChars = 20_000;
/** Frequent values that are named of a column, and characters of all of them. */
const maxValues = 3;
const maxValuesChars = 60;

/** A description for a person: a line of facts, then what is in the content as a table. It may be printed to a terminal. */
export function describedText(artifact: Artifact, description: Description): string {
  const { bytes, version, mime_type } = artifact;
  const stored = description.mime_type === mime_type ? "" : `, stored as ${mime_type}`;
  const facts = [
    briefText(description),
    ...textFacts(description),
    count(bytes, "byte"),
    `version ${version}${stored}`,
  ];
  const { partial } = description;
  const lines = [`${facts.join(", ")}.\n`, ...(partial === undefined ? [] : [`${partial.message}\n`])];
  return printable(lines.join("")) + partsOf(description);
}

/** What the content is made of. */
function partsOf({ table, json, archive, tensors, unknown }: Description): string {
  if (table !== undefined) return columnsText(table);
  if (json !== undefined) return printable(`${outlined(json, maxShapeChars).text}\n`);
  if (archive !== undefined) {
    const rows = archive.list.map(({ name, bytes }) => [String(bytes), name]);
    return tableText([{ title: "BYTES", isNumber: true }, { title: "NAME" }], rows, archive.entries);
  }
  if (tensors !== undefined) {
    const facts = Object.entries(tensors.metadata).map(
      ([name, value]) => `${plainOrQuoted(name)} = ${plainOrQuoted(value)}\n`,
    );
    const rows = tensors.list.map(({ name, type, shape }) => [name, type, shape.join(" x ")]);
    const columns = [{ title: "NAME" }, { title: "TYPE" }, { title: "SHAPE" }];
    return printable(facts.join("")) + tableText(columns, rows, tensors.tensors);
  }
  if (unknown === undefined) return "";
  return `First bytes ${unknown.first_bytes}; entropy ${unknown.entropy} of 8 bits a byte.\n`;
}

const columnTitles: readonly TableColumn[] = [
  { title: "COLUMN" },
  { title: "TYPE" },
  { title: "EMPTY", isNumber: true },
  { title: "DIFFERENT", isNumber: true },
  { title: "LEAST" },
  { title: "GREATEST" },
  { title: "FREQUENT" },
];

function columnsText({ columns, column_details }: TableDescription): string {
  return tableText(columnTitles, column_details.map(columnRow), columns);
}

function columnRow({
  name,
  type,
  empties,
  least,
  greatest,
  distinct,
  distinct_exact,
  values,
}: ColumnDescription): string[] {
  const different = distinct === undefined ? "" : `${distinct_exact ? "" : ">="}${distinct}`;
  return [name, type, String(empties), different, edgeText(least), edgeText(greatest), frequentText(values)];
}

const edgeText = (value: number | string | undefined): string => (value === undefined ? "" : cut(String(value)));

/** Values that occur once each say nothing. */
function frequentText(values: ColumnDescription["values"] = []): string {
  if (values[0] === undefined || values[0].count === 1) return "";
  const named = values.slice(0, maxValues).map((one) => `${plainOrQuoted(one.value)} (${one.count})`);
  return cut(named.join(", "));
}

const cut = (text: string): string =>
  text.length <= maxValuesChars ? text : `${text.slice(0, maxValuesChars).toWellFormed()}...`;

/** @param all the number of rows, of which only the first are given */
function tableText(columns: readonly TableColumn[], rows: readonly (readonly string[])[], all: number): string {
  const rest = all > rows.length ? `... and ${all - rows.length} more\n` : "";
  return createTable(columns).lines(rows) + rest;
}
