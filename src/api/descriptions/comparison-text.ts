import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import type { Comparison } from "../../store/ports/description.js";
import { plainOrQuoted } from "./brief-text.js";

/** How two versions differ, in a few sentences: what was not compared, how many changes there are, what they are not. */
export function comparisonText(comparison: Comparison, before: Artifact, after: Artifact): string {
  const { partial } = comparison;
  const parts = [
    ...(partial === undefined ? [] : [partial.message]),
    headOf(comparison, before, after),
    ...remarksOn(comparison),
  ];
  return parts.join(" ");
}

/**
 * The lines that differ: a unified diff, or the changed rows of a table. Empty where only the order of many lines differs:
 * they would say nothing.
 */
export function changesOf({ same, differs, text, table }: Comparison): string {
  if (table?.by !== undefined) return table.by.changes;
  const isNoise = same !== undefined && (text?.cut === true || differs?.includes("format"));
  return isNoise ? "" : (text?.diff ?? "");
}

function headOf(comparison: Comparison, before: Artifact, after: Artifact): string {
  const [first, second] = namesOf(before, after);
  if (comparison.kind === "identical") {
    return `Identical: ${first} and ${second} have the same ${count(after.bytes, "byte")}.`;
  }
  const isOneArtifact = before.bucket === after.bucket && before.key === after.key;
  const range = `${first} to ${isOneArtifact ? after.version : second}`;
  if (comparison.same !== undefined) return sameText(comparison, range);
  const { table } = comparison;
  // Rows that were not matched are only counted: as many of them must not read as the same ones.
  if (table !== undefined && table.by === undefined) return `They differ, from ${range}: ${countsOf(comparison)}.`;
  return `From ${range}: ${countsOf(comparison)}.`;
}

/** The same for a reader: as "Same text: only the line ends differ, from version 1 to 2." */
function sameText({ same, differs = [], table, partial }: Comparison, range: string): string {
  const words = differs.map((one) => (one === "order" ? `the order of ${same}` : wordsFor[one]));
  const only =
    words.length === 0
      ? "only how it is written differs"
      : `only ${words.join(" and ")} ${words.length > 1 || differs.includes("line_ends") ? "differ" : "differs"}`;
  const rows = table === undefined || partial !== undefined ? "" : `. ${count(table.rows_after, "row")}`;
  return `Same ${same}: ${only}, from ${range}${rows}.`;
}

const wordsFor = {
  format: "the format",
  compression: "the compression",
  encoding: "the encoding",
  line_ends: "the line ends",
  column_order: "the order of columns",
};

/** What the two are called: by their versions, and by their keys and buckets where these differ. */
function namesOf(before: Artifact, after: Artifact): [string, string] {
  const nameOf = ({ bucket, key, version }: Artifact): string => {
    if (before.bucket !== after.bucket) return `${plainOrQuoted(`${bucket}/${key}`)} version ${version}`;
    return before.key === after.key ? `version ${version}` : `${plainOrQuoted(key)} version ${version}`;
  };
  return [nameOf(before), nameOf(after)];
}

function countsOf({ text, table, bytes, partial }: Comparison): string {
  const isOver = partial?.reason === "time";
  if (table !== undefined) {
    const { by } = table;
    const rows = by?.at_least ? "" : rowCounts(table, isOver);
    const parts = [rows, ...columnChanges(table), by ? changedRows(by) : shortLineCounts(text, isOver)];
    return parts.filter((part) => part !== "").join("; ");
  }
  if (text !== undefined) return lineCounts(text, isOver);
  if (bytes === undefined) return "they differ";
  const sizes = `${bytes.before} to ${count(bytes.after, "byte")}`;
  return isOver ? sizes : `${sizes}, the first that differs is at offset ${bytes.first_difference}`;
}

type ComparedTable = NonNullable<Comparison["table"]>;
type ComparedKeys = NonNullable<ComparedTable["by"]>;

function lineCounts(text: NonNullable<Comparison["text"]>, isOver: boolean): string {
  const least = isOver ? "at least " : "";
  return `${least}${count(text.lines_added, "line")} added, ${text.lines_removed} removed, in ${count(text.hunks, "place")}`;
}

/** For a table, whose rows say more. */
function shortLineCounts(text: Comparison["text"], isOver: boolean): string {
  return text === undefined ? "" : `${isOver ? "at least " : ""}+${text.lines_added} -${text.lines_removed} lines`;
}

function rowCounts({ rows_before: before, rows_after: after }: ComparedTable, isOver: boolean): string {
  if (isOver) return `at least ${before} rows before and ${after} after`;
  return before === after ? `${count(after, "row")} each` : `${before} to ${count(after, "row")}`;
}

/** Names of columns in a list. */
const maxNames = 20;
/** A comparison has no more: there may be others. */
const mostKnownNames = 200;

function columnChanges({ columns_added: added, columns_removed: removed }: ComparedTable): string[] {
  const names = (columns: readonly string[]): string => {
    const listed = columns.slice(0, maxNames).map(plainOrQuoted).join(", ");
    const more = columns.length - maxNames;
    return more > 0 ? `${listed} and ${columns.length < mostKnownNames ? "" : "at least "}${more} more` : listed;
  };
  return [
    added.length === 0 ? "" : `columns added: ${names(added)}`,
    removed.length === 0 ? "" : `columns removed: ${names(removed)}`,
  ];
}

function changedRows(by: ComparedKeys): string {
  const column = plainOrQuoted(by.column);
  const counts = [
    [by.rows_added, "added"],
    [by.rows_removed, "removed"],
    [by.rows_changed, "changed"],
  ] as const;
  if (by.at_least !== true) {
    const [[added], ...others] = counts;
    const rest = others.map(([number, what]) => `${number} ${what}`);
    return `by ${column} ${[`${count(added, "row")} added`, ...rest].join(", ")}`;
  }
  const known = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return known.length === 0
    ? `by ${column} no change was found in the rows that were matched`
    : `by ${column} at least ${known.join(", at least ")}`;
}

/** What a reader of the changes must know. */
function remarksOn({ text, table }: Comparison): string[] {
  const { encodings, line_ends: ends } = text ?? {};
  const { by } = table ?? {};
  return [
    encodings === undefined ? "" : `They are ${encodings.join(" and ")}: their characters are compared.`,
    ends === undefined ? "" : `Their line ends are ${ends.join(" and ")}, and are not compared.`,
    by === undefined || by.repeated_keys + by.empty_keys === 0
      ? ""
      : `${plainOrQuoted(by.column)} does not name each row: ${repeatsOf(by)}. These are matched in order.`,
  ].filter((part) => part !== "");
}

function repeatsOf({ repeated_keys: repeated, repeated_at_least: isLeast, empty_keys: empty }: ComparedKeys): string {
  const repeats = repeated === 1 ? "repeats" : "repeat";
  return `${isLeast ? "at least " : ""}${repeated} ${repeats} a value and ${empty} ${empty === 1 ? "has" : "have"} none`;
}
