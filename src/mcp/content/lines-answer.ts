import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Artifact } from "../../store/model/artifact.js";
import type { LinesPage } from "../../store/ports/description.js";
import { nextCount, readCall } from "./read-call.js";
import type { LinesRequest } from "./read-request.js";

/** A page of lines. It begins with where it stands and with the call for the next page. */
export function linesAnswer(page: LinesPage & { readonly artifact: Artifact }, asked: LinesRequest): CallToolResult {
  const { artifact, text, first, last, total, cut, partial } = page;
  const shown = first === 0 ? 0 : last - first + 1;
  const isEnd = (total !== undefined && last >= total) || shown === 0;
  const next = { line: last + 1, lines: nextCount(asked.lines, shown) };
  const isShort = cut !== undefined || partial !== undefined;
  const end = isShort ? "" : "This is the end.";
  const isWhole = total !== undefined && partial === undefined;
  const parts = [
    `${spanOf("Line", first, last)}${isWhole ? ` of ${total}` : ""} (${typeOf(page)}, version ${artifact.version}).`,
    startText(asked, total),
    cut === undefined ? "" : cutText(artifact, cut),
    partial?.message ?? "",
    isEnd ? end : `${total === undefined ? "More, if there are any" : "Next page"}: ${readCall(artifact, next)}`,
  ];
  return {
    content: [
      { type: "text", text: parts.filter((part) => part !== "").join(" ") },
      { type: "text", text },
    ],
    _meta: {
      line: first,
      lines: shown,
      ...(isWhole ? { total_lines: total } : {}),
      ...(isEnd ? {} : { next_line: last + 1 }),
    },
  };
}

/** The lines or rows of a page: "Lines 3 to 5", "Line 3", "No lines". */
export function spanOf(what: "Line" | "Row", first: number, last: number): string {
  if (first === 0) return `No ${what.toLowerCase()}s`;
  return first === last ? `${what} ${first}` : `${what}s ${first} to ${last}`;
}

/** Why a page does not begin where it was asked for. */
function startText({ line = 1 }: LinesRequest, total = 0): string {
  return total > 0 && -line > total ? `There is no line ${line}, so this begins with line 1.` : "";
}

function typeOf({ artifact, encoding }: LinesPage & { readonly artifact: Artifact }): string {
  return encoding === "utf-8" ? artifact.mime_type : `${artifact.mime_type}, ${encoding}`;
}

function cutText(artifact: Artifact, cut: NonNullable<LinesPage["cut"]>): string {
  const { line, shown_bytes, line_bytes, next_offset: offset } = cut;
  const rest = offset === undefined ? "find shows parts of it." : `Its rest: ${readCall(artifact, { offset })}`;
  return `Line ${line} is cut: ${shown_bytes} of its ${line_bytes} bytes are shown. ${rest}`;
}
