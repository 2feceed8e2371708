import { expect, it } from "vitest";
import { linesAnswer } from "../../../src/mcp/content/lines-answer.js";
import type { LinesRequest } from "../../../src/mcp/content/read-request.js";
import type { LinesPage } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";
import { textOf } from "../../support/mcp-client.js";

const artifact = artifactOf({ key: "k.csv", mime_type: "text/csv", version: 3 });
const at = '"bucket":"b","key":"k.csv","version":3';

function answer(page: Partial<LinesPage>, asked: LinesRequest) {
  const whole = { text: "a\n", first: 1, last: 1, total: 1, encoding: "utf-8" as const, ...page, artifact };
  return linesAnswer(whole, asked);
}

it.each<[string, Partial<LinesPage>, LinesRequest, string]>([
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
    { encoding: "utf-16le" },
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
    `Line 5 of 9 (text/csv, version 3). Line 5 is cut: 7500 of its 40000 bytes are shown. Its rest: read_artifact {${at},"offset":8123}. Next page: read_artifact {${at},"line":6}`,
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
