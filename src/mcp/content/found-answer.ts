import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Artifact } from "../../store/model/artifact.js";
import type { FoundLines } from "../../store/ports/description.js";
import { findHint } from "./find-hint.js";
import { readCall } from "./read-call.js";
import type { FindRequest } from "./read-request.js";

type Found = FoundLines & { readonly artifact: Artifact };

/** Bytes that the call for the surroundings of a match reads before it, and in all. */
const before = 1_000;
const around = 3_000;

/** Lines that match. The answer begins with how many there are and with the call for those that are not shown. */
export function foundAnswer(found: Found, asked: FindRequest): CallToolResult {
  const { artifact, from, total, searched_to, shown, last, text, cut, partial } = found;
  const nextLine = nextLineOf(found);
  const { find, regex, context, lines } = asked;
  const next = { find, ...(regex ? { regex } : {}), ...(context > 0 ? { context } : {}), line: nextLine, lines };
  const isSearched = searched_to === undefined;
  const parts = [
    `${matchesOf(found)} (${artifact.mime_type}, version ${artifact.version})${shown < total ? `; ${shown} shown, to line ${last}` : ""}${isSearched ? "" : "; the time limit was reached"}.`,
    total === 0 && from === 1 && partial === undefined ? findHint(find, regex) : "",
    isSearched ? (partial?.message ?? "") : "",
    !isSearched && regex ? "A simpler expression gets further." : "",
    shown > 0 ? numbersText(artifact) : "",
    cut === undefined ? "" : cutText(artifact, cut),
    nextLine === undefined ? "" : `More: ${readCall(artifact, next)}`,
  ];
  const said = { type: "text" as const, text: parts.filter((part) => part !== "").join(" ") };
  return {
    content: shown === 0 ? [said] : [said, { type: "text", text }],
    _meta: { total, shown, ...(nextLine === undefined ? {} : { next_line: nextLine }) },
  };
}

/** Rows of CSV have other numbers than lines have, because of a header and of line ends in cells. */
function numbersText({ mime_type }: Artifact): string {
  const isCsv = /^text\/(?:csv|tab-separated-values) *(?:;|$)/i.test(mime_type);
  return isCsv ? "The numbers are of lines, not of rows." : "";
}

function nextLineOf({ total, shown, last, searched_to }: FoundLines): number | undefined {
  if (shown > 0 && shown < total) return last + 1;
  return searched_to === undefined ? undefined : searched_to + 1;
}

/** "At least 47 lines match in lines 1 to 72823", "1 line matches, 40 times". */
function matchesOf({ from, total, searched_to, cut, partial }: FoundLines): string {
  const isOver = searched_to !== undefined;
  const isLeast = total > 0 && (isOver || partial?.reason === "damaged");
  const lines = total === 1 ? "1 line matches" : `${total} lines match`;
  const times = total === 1 && cut?.matches !== undefined && cut.matches > 1 ? `, ${cut.matches} times` : "";
  const begun = from > 1 ? ` from line ${from} on` : "";
  return `${isLeast ? "At least " : ""}${lines}${times}${isOver ? ` in lines ${from} to ${searched_to}` : begun}`;
}

/** That lines are cut, and the call that shows the first of them, or what is around its first match. */
function cutText(artifact: Artifact, { lines, line, matches, offset }: NonNullable<FoundLines["cut"]>): string {
  const are = lines === 1 ? `Line ${line} is cut` : `${lines} lines are cut`;
  if (matches === undefined)
    return `${are}. ${lines === 1 ? "Whole" : `Line ${line}`}: ${readCall(artifact, { line, lines: 1 })}`;
  if (offset === undefined) return `${are}.`;
  const call = readCall(artifact, { offset: Math.max(0, offset - before), length: around });
  return `${are}: ${line}@${offset} is a match at byte ${offset}. Around it: ${call}`;
}
