import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { ComparedArtifacts } from "../../store/insight/insight.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import type { Comparison } from "../../store/ports/description.js";
import { success } from "../calls/tool-result.js";
import { callText, readCall } from "../content/read-call.js";
import { plainOrQuoted } from "./brief-text.js";

/** How two versions differ: first what was compared and how many changes there are, then the changes. */
export function comparisonAnswer({ before, after, comparison }: ComparedArtifacts): CallToolResult {
  const [first, second] = namesOf(before, after);
  const { kind, partial } = comparison;
  const head =
    kind === "identical"
      ? `Identical: ${first} and ${second} have the same ${count(after.bytes, "byte")}.`
      : `From ${first} to ${second}: ${countsOf(comparison)}.`;
  const parts = [
    head,
    ...remarksOn(comparison),
    ...(partial === undefined ? [] : [partial.message]),
    ...hintsOf(comparison, before, after),
  ];
  const changes = comparison.table?.by?.changes ?? withoutNames(comparison.text?.diff ?? "");
  const text = [parts.join(" "), changes].filter((part) => part !== "").join("\n");
  return success({ before: placeOf(before), after: placeOf(after), ...comparison }, text);
}

/** A diff without its first two lines, which name what was compared: the text has said that. */
function withoutNames(diff: string): string {
  return diff.replace(/^--- .*\n\+\+\+ .*\n/, "");
}

function placeOf({ bucket, key, version, bytes }: Artifact) {
  return { bucket, key, version, bytes };
}

/** What the two are called: by their versions, and by their keys and buckets where these differ. */
function namesOf(before: Artifact, after: Artifact): [string, string] {
  const nameOf = ({ bucket, key, version }: Artifact): string => {
    if (before.bucket !== after.bucket) return `${plainOrQuoted(`${bucket}/${key}`)} version ${version}`;
    return before.key === after.key ? `version ${version}` : `${plainOrQuoted(key)} version ${version}`;
  };
  return [nameOf(before), nameOf(after)];
}

function countsOf({ text, table, bytes }: Comparison): string {
  if (table !== undefined) return tableCounts(table);
  if (text !== undefined) {
    const { lines_added, lines_removed, hunks } = text;
    return `${count(lines_added, "line")} added, ${lines_removed} removed, in ${count(hunks, "place")}`;
  }
  if (bytes === undefined) return "they differ";
  return `${bytes.before} to ${count(bytes.after, "byte")}, the first that differs is at offset ${bytes.first_difference}`;
}

function tableCounts({
  rows_before,
  rows_after,
  columns_added,
  columns_removed,
  by,
}: NonNullable<Comparison["table"]>) {
  const names = (columns: readonly string[]): string => columns.map(plainOrQuoted).join(", ");
  const parts = [
    rows_before === rows_after ? count(rows_after, "row") : `${rows_before} to ${count(rows_after, "row")}`,
    columns_added.length === 0 ? "" : `columns added: ${names(columns_added)}`,
    columns_removed.length === 0 ? "" : `columns removed: ${names(columns_removed)}`,
    by === undefined
      ? ""
      : `by ${plainOrQuoted(by.column)} ${count(by.rows_added, "row")} added, ${by.rows_removed} removed, ${by.rows_changed} changed`,
  ];
  return parts.filter((part) => part !== "").join("; ");
}

/** What a reader of the changes must know. */
function remarksOn({ text, table }: Comparison): string[] {
  const { encodings, line_ends: ends } = text ?? {};
  const { column, repeated_keys: repeated, empty_keys: empty } = table?.by ?? { repeated_keys: 0, empty_keys: 0 };
  return [
    encodings === undefined ? "" : `They are ${encodings.join(" and ")}: their characters are compared.`,
    ends === undefined ? "" : `Their line ends are ${ends.join(" and ")}, and are not compared.`,
    repeated + empty === 0
      ? ""
      : `${plainOrQuoted(column ?? "")} does not name each row: ${repeated} repeat a value and ${empty} have none, and are matched in order.`,
  ].filter((part) => part !== "");
}

/** How to see what is not shown. */
function hintsOf({ kind, text, table, bytes }: Comparison, before: Artifact, after: Artifact): string[] {
  const call = {
    bucket: before.bucket,
    key: before.key,
    version: before.version,
    to_bucket: after.bucket === before.bucket ? undefined : after.bucket,
    to_key: after.key === before.key ? undefined : after.key,
    to_version: after.version,
  };
  if (table?.by !== undefined) {
    return table.by.cut ? [`Not all changes are shown: ${readCall(after, { rows: 5 })} reads rows.`] : [];
  }
  const byHint = `${callText("compare_artifacts", { ...call, by: "COLUMN" })} shows changed rows, by a column that names them.`;
  const cut =
    text?.cut === true
      ? [`The diff is cut. Line by line from there: ${readCall(after, { line: lineAfter(text.diff) })}.`]
      : [];
  if (kind === "table") return text === undefined || text.cut ? [...cut, byHint] : cut;
  return bytes === undefined ? cut : ["describe_artifact says what each one is."];
}

/** The line of the second text that comes after a diff. */
function lineAfter(diff: string): number {
  const hunks = [...diff.matchAll(/^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@.*$/gm)];
  const last = hunks.at(-1);
  if (last === undefined) return 1;
  const shown = diff.slice(last.index + last[0].length).match(/^[ +]/gm) ?? [];
  return Number(last[1]) + shown.length;
}
