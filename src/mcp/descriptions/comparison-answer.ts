import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { changesOf, comparisonText } from "../../api/descriptions/comparison-text.js";
import type { ComparedArtifacts } from "../../store/insight/insight.js";
import type { Artifact } from "../../store/model/artifact.js";
import type { Comparison } from "../../store/ports/description.js";
import { success } from "../calls/tool-result.js";
import { callText, readCall } from "../content/read-call.js";

/** How two versions differ: first what was not compared, then how many changes there are, then the changes. */
export function comparisonAnswer({ before, after, comparison }: ComparedArtifacts): CallToolResult {
  const { partial, ...found } = comparison;
  const said = [comparisonText(comparison, before, after), ...hintsOf(comparison, before, after)].join(" ");
  const text = [said, withoutNames(changesOf(comparison))].filter((part) => part !== "").join("\n");
  return success({ ...(partial && { partial }), before: placeOf(before), after: placeOf(after), ...found }, text);
}

/** A diff without its first two lines, which name what was compared: the text has said that. */
function withoutNames(diff: string): string {
  return diff.replace(/^--- .*\n\+\+\+ .*\n/, "");
}

function placeOf({ bucket, key, version, bytes }: Artifact) {
  return { bucket, key, version, bytes };
}

/** A diff of a table that is longer is worth another call. */
const longDiffChars = 1_000;

/** How to see what is not shown. */
function hintsOf({ kind, same, text, table, bytes }: Comparison, before: Artifact, after: Artifact): string[] {
  if (same !== undefined || kind === "identical") return [];
  const compareCall = (more: object) =>
    callText("compare_artifacts", {
      bucket: before.bucket,
      key: before.key,
      version: before.version,
      to_bucket: after.bucket === before.bucket ? undefined : after.bucket,
      to_key: after.key === before.key ? undefined : after.key,
      to_version: after.version,
      ...more,
    });
  const { by, likely_key: key } = table ?? {};
  if (by?.at_least) return [`If both are text, ${compareCall({})} compares all lines.`];
  if (by !== undefined) {
    const most = by.rows_removed > by.rows_added + by.rows_changed ? before : after;
    return by.cut ? [`Not all changes are shown: ${readCall(most, { rows: 5 })} reads rows.`] : [];
  }
  const isLong = text === undefined || text.cut || text.diff.length > longDiffChars;
  return [
    ...(text?.cut ? [`The diff is cut. Line by line from there: ${restOf(text, before, after)}.`] : []),
    ...(key !== undefined && isLong ? [`${compareCall({ by: key })} shows changed rows.`] : []),
    ...(bytes === undefined ? [] : ["describe_artifact says what each one is."]),
  ];
}

/** The call that reads on after a diff that is cut: of the first text if only removed lines are not shown. */
function restOf(text: NonNullable<Comparison["text"]>, before: Artifact, after: Artifact): string {
  const lines = withoutNames(text.diff).split("\n");
  const shown = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length;
  const onlyRemoved = shown("+") >= text.lines_added && shown("-") < text.lines_removed;
  const next = linesAfter(lines);
  return onlyRemoved ? readCall(before, { line: next.before }) : readCall(after, { line: next.after });
}

/** The lines of both texts that come after the lines of a diff. */
function linesAfter(lines: readonly string[]): { readonly before: number; readonly after: number } {
  const at = lines.findLastIndex((line) => line.startsWith("@@ "));
  const head = /^@@ -(\d+)(,0)?(?:,\d+)? \+(\d+)(,0)?(?:,\d+)? @@/.exec(lines[at] ?? "");
  if (head === null) return { before: 1, after: 1 };
  const shown = lines.slice(at + 1);
  const next = (first: string | undefined, none: string | undefined, signs: string): number =>
    // a range without lines is named by the line before it
    Number(first) +
    (none === undefined ? 0 : 1) +
    shown.filter((line) => line !== "" && signs.includes(line.charAt(0))).length;
  return { before: next(head[1], head[2], " -"), after: next(head[3], head[4], " +") };
}
