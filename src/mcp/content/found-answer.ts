import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Artifact } from "../../store/model/artifact.js";
import type { FoundLines } from "../../store/ports/description.js";
import { readCall } from "./read-call.js";
import type { FindRequest } from "./read-request.js";

/** Lines that match. The answer begins with how many there are and with the call for those that are not shown. */
export function foundAnswer(found: FoundLines & { readonly artifact: Artifact }, asked: FindRequest): CallToolResult {
  const { artifact, total, shown, last, text, partial } = found;
  const isEnd = shown === 0 || found.before + shown >= total;
  const { find, regex, context } = asked;
  const next = { find, ...(regex ? { regex } : {}), ...(context > 0 ? { context } : {}), line: last + 1 };
  const parts = [
    `${total === 1 ? "1 line matches" : `${total} lines match`}${whichOf(found, asked)}.`,
    total === 0 ? hintFor(asked) : "",
    partial?.message ?? "",
    shown > 0 && isCsv(artifact) ? "The numbers are of lines, not of rows." : "",
    isEnd ? "" : `More: ${readCall(artifact, next)}`,
  ];
  const said = { type: "text" as const, text: parts.filter((part) => part !== "").join(" ") };
  return {
    content: shown === 0 ? [said] : [said, { type: "text", text }],
    _meta: { total, shown, ...(isEnd ? {} : { next_line: last + 1 }) },
  };
}

/** Whether rows have other numbers than lines have, because of a header and of line ends in cells. */
function isCsv({ mime_type }: Artifact): boolean {
  return /^text\/(?:csv|tab-separated-values) *(?:;|$)/i.test(mime_type);
}

/** Which of the matching lines are shown, and in which version. */
function whichOf(
  { artifact, total, shown, last }: FoundLines & { readonly artifact: Artifact },
  { line = 1 }: FindRequest,
): string {
  const where = ` (${artifact.mime_type}, version ${artifact.version})`;
  if (shown === 0) return total === 0 ? where : `${where}; none from line ${line} on`;
  if (shown === total) return where;
  const from = line > 1 ? ` from line ${line}` : "";
  return `${where}; ${shown} shown,${from} to line ${last}`;
}

function hintFor({ regex }: FindRequest): string {
  return regex
    ? "Each line is tried alone, and case counts unless the expression begins with (?i)."
    : "Case counts: with regex true, an expression that begins with (?i) ignores it.";
}
