import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Artifact } from "../../store/model/artifact.js";
import type { LinesPage } from "../../store/ports/description.js";
import { nextCount, readCall } from "./read-call.js";
import type { LinesRequest } from "./read-request.js";

/** A page of lines. It begins with where it stands and with the call for the next page. */
export function linesAnswer(page: LinesPage & { readonly artifact: Artifact }, asked: LinesRequest): CallToolResult {
  const { artifact, text, first, last, total, cut } = page;
  const shown = first === 0 ? 0 : last - first + 1;
  const isEnd = last >= total || shown === 0;
  const next = { line: last + 1, lines: nextCount(asked.lines, shown) };
  const parts = [
    `${spanOf("Line", first, last)} of ${total} (${typeOf(page)}, version ${artifact.version}).`,
    ...(cut === undefined ? [] : [cutText(artifact, cut)]),
    isEnd ? "This is the end." : `Next page: ${readCall(artifact, next)}`,
  ];
  return {
    content: [
      { type: "text", text: parts.join(" ") },
      { type: "text", text },
    ],
    _meta: { line: first, lines: shown, total_lines: total, ...(isEnd ? {} : { next_line: last + 1 }) },
  };
}

/** The lines or rows of a page: "Lines 3 to 5", "Line 3", "No lines". */
export function spanOf(what: "Line" | "Row", first: number, last: number): string {
  if (first === 0) return `No ${what.toLowerCase()}s`;
  return first === last ? `${what} ${first}` : `${what}s ${first} to ${last}`;
}

function typeOf({ artifact, encoding }: LinesPage & { readonly artifact: Artifact }): string {
  return encoding === "utf-8" ? artifact.mime_type : `${artifact.mime_type}, ${encoding}`;
}

function cutText(artifact: Artifact, cut: NonNullable<LinesPage["cut"]>): string {
  const rest = readCall(artifact, { offset: cut.next_offset });
  return `Line ${cut.line} is cut: ${cut.shown_bytes} of its ${cut.line_bytes} bytes are shown. Its rest: ${rest}.`;
}
