import { expect, it } from "vitest";
import { linesAnswer } from "../../../src/mcp/content/lines-answer.js";
import type { LinesRequest } from "../../../src/mcp/content/read-request.js";
import type { LinesPage } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";
import { textOf } from "../../support/mcp-client.js";

const artifact = artifactOf({ key: "k.csv", mime_type: "text/csv", version: 3 });
const at = '"bucket":"b","key":"k.csv","version":3';

type Page = Partial<Omit<LinesPage, "total">> & { readonly total?: number | undefined };

function answer({ total, ...page }: Page, asked: LinesRequest) {
  const whole = { text: "a\n", first: 1, last: 1, encoding: "utf-8" as const, ...page, artifact };
  return linesAnswer({ ...whole, ...(total === undefined ? {} : { total }) }, asked);
}

it.each<[string, Page, LinesRequest, string]>([
  [
    "lines in the middle, with the call for as many again",
    { first: 1000, last: 1020, total: 54321 },
    { line: 1000, lines: 21 },
    `Lines 1000 to 1020 of 54321 (text/csv, version 3). Next page: read_artifact {${at},"line":1021,"lines":21}`,
  ],
  [
    "a page that has no room for all, with the call for the rest",
    { first: 1, last: 60, total: 500 },
    { lines: 100 },
    `Lines 1 to 60 of 500 (text/csv, version 3). Next page: read_artifact {${at},"line":61,"lines":40}`,
  ],
  [
    "lines up to the end that do not all fit",
    { first: 481, last: 490, total: 500 },
    { lines: -20 },
    `Lines 481 to 490 of 500 (text/csv, version 3). Next page: read_artifact {${at},"line":491}`,
  ],
  [
    "the last lines",
    { first: 481, last: 500, total: 500 },
    { lines: -20 },
    "Lines 481 to 500 of 500 (text/csv, version 3). This is the end.",
  ],
  ["one line", { first: 7, last: 7, total: 7 }, { line: -1 }, "Line 7 of 7 (text/csv, version 3). This is the end."],
  [
    "no line",
    { first: 0, last: 0, total: 0, text: "" },
    { line: 1 },
    "No lines of 0 (text/csv, version 3). This is the end.",
  ],
  [
    "another encoding",
    { total: 1, encoding: "utf-16le" },
    { line: 1 },
    "Line 1 of 1 (text/csv, utf-16le, version 3). This is the end.",
  ],
  [
    "a line that is cut",
    {
      first: 5,
      last: 5,
      total: 9,
      cut: { line: 5, shown_bytes: 7_500, line_bytes: 40_000, next_offset: 8_123 },
    },
    { line: 5 },
    `Line 5 of 9 (text/csv, version 3). Line 5 is cut: 7500 of its 40000 bytes are shown. Its rest: read_artifact {${at},"offset":8123} Next page: read_artifact {${at},"line":6}`,
  ],
  [
    "a last line that is cut",
    { total: 1, cut: { line: 1, shown_bytes: 7_500, line_bytes: 9_863_892, next_offset: 7_500 } },
    {},
    `Line 1 of 1 (text/csv, version 3). Line 1 is cut: 7500 of its 9863892 bytes are shown. Its rest: read_artifact {${at},"offset":7500}`,
  ],
  [
    "a line of compressed text that is cut",
    { total: 1, cut: { line: 1, shown_bytes: 7_500, line_bytes: 9_863_892 } },
    {},
    "Line 1 of 1 (text/csv, version 3). Line 1 is cut: 7500 of its 9863892 bytes are shown. find shows parts of it.",
  ],
  [
    "lines of which the number is not known",
    { first: 5, last: 9, total: undefined },
    { line: 5 },
    `Lines 5 to 9 (text/csv, version 3). More, if there are any: read_artifact {${at},"line":10}`,
  ],
  [
    "a text that breaks off",
    {
      first: 5,
      last: 9,
      total: 9,
      partial: { reason: "damaged", message: "The gzip data breaks off after 90 unpacked bytes." },
    },
    { line: 5 },
    "Lines 5 to 9 (text/csv, version 3). The gzip data breaks off after 90 unpacked bytes.",
  ],
  [
    "a number before the first line",
    { first: 1, last: 3, total: 3 },
    { line: -300 },
    "Lines 1 to 3 of 3 (text/csv, version 3). There is no line -300, so this begins with line 1. This is the end.",
  ],
])("says where a page of lines stands: %s", (_what, page, asked, text) => {
  const result = answer(page, asked);
  expect(textOf(result)).toBe(text);
  expect(textOf(result, 1)).toBe(page.text ?? "a\n");
});

it("says in _meta which lines are shown", () => {
  expect(answer({ first: 3, last: 4, total: 9 }, {})._meta).toEqual({
    line: 3,
    lines: 2,
    total_lines: 9,
    next_line: 5,
  });
  expect(answer({ first: 3, last: 9, total: 9 }, {})._meta).toEqual({ line: 3, lines: 7, total_lines: 9 });
});
