import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { briefText, plainOrQuoted, textFacts } from "../../api/descriptions/brief-text.js";
import { outlined } from "../../api/descriptions/json-outline.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import { meantName } from "../../store/model/meant-name.js";
import { quote } from "../../store/model/quote.js";
import type { ColumnDescription, Description, PartialReason, TableDescription } from "../../store/ports/description.js";
import { success } from "../calls/tool-result.js";
import { upTo } from "../calls/up-to.js";
import { callText } from "../content/read-call.js";
import { columnLines, fullColumnLines, type ShownColumns } from "./column-lines.js";

/** Characters of the facts that may be many: columns, entries, tensors, the shape of JSON. */
const maxChars = 7_000;
/** Columns that an error, or the call for more, names. */
const maxNamed = 50;
const maxNextColumns = 5;
const maxNextChars = 300;

/** What is told of a content: a description without what its text has no room for, and its text. */
interface Told {
  readonly shown: Description;
  readonly lines: readonly string[];
}

/**
 * A description as lines of text, and the same facts as structured content.
 *
 * @param columns names of columns of which all is told
 * @throws ArtifactError `invalid_argument` if there are no such columns
 */
export function descriptionAnswer(
  artifact: Artifact,
  description: Description,
  columns: readonly string[] | undefined,
): CallToolResult {
  const { bucket, key, version, bytes, mime_type } = artifact;
  const { shown, lines } = toldOf(artifact, description, columns);
  const stored = description.mime_type === mime_type ? "" : `, stored as ${mime_type}`;
  const text = [
    `${[briefText(description), ...textFacts(description), count(bytes, "byte"), `version ${version}${stored}`].join(", ")}.`,
    ...(description.partial === undefined ? [] : [partialText(description.partial)]),
    ...lines,
  ].join("\n");
  return success({ bucket, key, version, bytes, ...shown }, text);
}

/** Damage says enough. A limit is none, so it is told what it means. */
function partialText({ reason, message }: PartialReason): string {
  return reason === "damaged" ? message : `Not all was looked at: ${message}`;
}

function toldOf(artifact: Artifact, description: Description, columns: readonly string[] | undefined): Told {
  const { table, json, archive, tensors, unknown } = description;
  if (columns !== undefined || table !== undefined) return toldOfTable(artifact, description, columns);
  if (json !== undefined) {
    const { shape, text } = outlined(json, maxChars);
    return { shown: { ...description, json: shape }, lines: [text] };
  }
  if (archive !== undefined) return toldOfArchive(description, archive);
  if (tensors !== undefined) return toldOfTensors(description, tensors);
  if (unknown === undefined) return { shown: description, lines: [] };
  const { first_bytes, entropy } = unknown;
  return { shown: description, lines: [`First bytes ${first_bytes}; entropy ${entropy} of 8 bits a byte.`] };
}

function toldOfTable(artifact: Artifact, description: Description, names: readonly string[] | undefined): Told {
  const { table, json } = description;
  if (table === undefined) throw refused(`This is no table, but ${briefText(description)}: leave columns out.`);
  const found = names === undefined ? table.column_details : namedColumns(table, names);
  const isAll = found.length === table.columns && table.more_columns !== true;
  const wanted = { columns: found, rows: table.rows, isAll };
  const told = names === undefined ? columnLines(wanted, maxChars) : fullColumnLines(wanted, maxChars);
  const lines = [...tableLine(table), ...told.lines, ...moreLine(artifact, table, told, found)];
  const shown = { ...description, table: { ...table, column_details: told.columns } };
  // The columns say what the shape says.
  return { shown: json === undefined ? shown : { ...shown, json: outlined(json, 0).shape }, lines };
}

/** @throws ArtifactError `invalid_argument` */
function namedColumns({ columns, column_details: all }: TableDescription, names: readonly string[]) {
  return [...new Set(names)].map((name) => {
    const found = all.find((column) => column.name === name);
    if (found !== undefined) return found;
    const meant = meantName(
      name,
      all.map((column) => column.name),
    );
    if (meant !== undefined) throw refused(`There is no column ${quote(name)}. Did you mean ${quote(meant)}?`);
    const known = all.slice(0, maxNamed).map((column) => quote(column.name));
    const rest = columns > known.length ? ` and ${columns - known.length} more` : "";
    const isAll = columns === all.length;
    const why = isAll
      ? `There is no column ${quote(name)}.`
      : `Only the first ${all.length} columns are described, and ${quote(name)} is none of them: read_artifact with columns reads its rows.`;
    throw refused(`${why} The columns are ${known.join(", ")}${rest}.`);
  });
}

const refused = (message: string): ArtifactError =>
  new ArtifactError("invalid_argument", message, { details: { argument: "columns" } });

function tableLine({ delimiter, header, skipped_lines: skipped = 0 }: TableDescription): string[] {
  const parts = [
    skipped === 0 ? "" : `the first ${skipped === 1 ? "line is" : `${skipped} lines are`} no part of the table`,
    delimiter === undefined || delimiter === "," ? "" : `cells are divided by ${JSON.stringify(delimiter)}`,
    header === false ? "the first row is data, so the columns have numbers for names" : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? [] : [`Here ${parts.join(", and ")}.`];
}

/** Says what is not told of the wanted columns, and names the call that tells more. */
function moreLine(
  { bucket, key, version }: Artifact,
  { columns: all, column_details: described }: TableDescription,
  { columns: told, isShort }: ShownColumns,
  wanted: readonly ColumnDescription[],
): string[] {
  const isCut = told.length < wanted.length;
  const parts = [
    all > described.length ? `Only the first ${described.length} of ${all} columns are described.` : "",
    isCut ? `${told.length} of ${wanted.length} are listed.` : "",
  ];
  if (isCut || isShort) {
    const names = wanted.slice(isCut ? told.length : 0).map(({ name }) => name);
    const columns = names.slice(0, Math.max(1, upTo(names, maxNextColumns, maxNextChars).length));
    const next = { bucket, key, version, columns };
    parts.push(`All about some of them: ${callText("describe_artifact", next)}`);
  }
  const line = parts.filter((part) => part !== "").join(" ");
  return line === "" ? [] : [line];
}

function toldOfArchive(description: Description, archive: NonNullable<Description["archive"]>): Told {
  const { entries, unpacked_bytes, list } = archive;
  const lines = list.map(({ name, bytes }) => `${plainOrQuoted(name)}\t${bytes} B`);
  const shown = upTo(lines, lines.length, maxChars);
  return {
    shown: { ...description, archive: { ...archive, list: list.slice(0, shown.length) } },
    lines: [`${count(unpacked_bytes, "byte")} after unpacking.`, ...shown, ...rest(entries, shown.length)],
  };
}

function toldOfTensors(description: Description, tensors: NonNullable<Description["tensors"]>): Told {
  const { metadata, list } = tensors;
  const pairs = Object.entries(metadata);
  const facts = upTo(
    pairs.map(([name, value]) => `${plainOrQuoted(name)} = ${plainOrQuoted(value)}`),
    pairs.length,
    maxChars / 2,
  );
  const lines = list.map(
    ({ name, type, shape }) => `${plainOrQuoted(name)}\t${plainOrQuoted(type)} [${shape.join(", ")}]`,
  );
  const shown = upTo(lines, lines.length, maxChars / 2);
  const told = { list: list.slice(0, shown.length), metadata: Object.fromEntries(pairs.slice(0, facts.length)) };
  return {
    shown: { ...description, tensors: { ...tensors, ...told } },
    lines: [...facts, ...shown, ...rest(tensors.tensors, shown.length)],
  };
}

function rest(all: number, shown: number): string[] {
  return all > shown ? [`... and ${all - shown} more.`] : [];
}
