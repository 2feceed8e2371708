import { expect, it } from "vitest";
import { foundAnswer } from "../../../src/mcp/content/found-answer.js";
import type { FindRequest } from "../../../src/mcp/content/read-request.js";
import type { FoundLines } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";
import { textOf } from "../../support/mcp-client.js";

const artifact = artifactOf({ key: "k.log", version: 2 });
const at = '"bucket":"b","key":"k.log","version":2';

function answer(found: Partial<FoundLines>, asked: Partial<FindRequest> = {}) {
  const whole = { from: 1, total: 3, shown: 3, last: 90, text: "12:x\n", ...found, artifact };
  return foundAnswer(whole, { find: "x", regex: false, context: 0, ...asked });
}

const timeOver = { reason: "time", message: "The time limit was reached after line 72823." } as const;
const none = { total: 0, shown: 0, last: 0 };

it.each<[string, Partial<FoundLines>, Partial<FindRequest>, string]>([
  ["all", {}, {}, "3 lines match (text/plain, version 2)."],
  ["one", { total: 1, shown: 1, last: 12 }, {}, "1 line matches (text/plain, version 2)."],
  [
    "the first of many, with the call for more",
    { total: 120, shown: 40, last: 90 },
    {},
    `120 lines match (text/plain, version 2); 40 shown, to line 90. More: read_artifact {${at},"find":"x","line":91}`,
  ],
  [
    "the next of many, by an expression",
    { from: 91, total: 80, shown: 40, last: 300 },
    { regex: true, context: 2, line: 91 },
    `80 lines match from line 91 on (text/plain, version 2); 40 shown, to line 300. More: read_artifact {${at},"find":"x","regex":true,"context":2,"line":301}`,
  ],
  [
    "as many as were wanted",
    { total: 120, shown: 5, last: 30 },
    { lines: 5 },
    `120 lines match (text/plain, version 2); 5 shown, to line 30. More: read_artifact {${at},"find":"x","line":31,"lines":5}`,
  ],
  [
    "the last of many",
    { from: 301, total: 40, shown: 40, last: 500 },
    { line: 301 },
    "40 lines match from line 301 on (text/plain, version 2).",
  ],
  [
    "none from a line on",
    { from: 500, ...none },
    { line: 500 },
    "0 lines match from line 500 on (text/plain, version 2).",
  ],
  [
    "none of a text",
    none,
    {},
    "0 lines match (text/plain, version 2). Upper and lower case are different: with regex true, an expression that begins with (?i) ignores it.",
  ],
  [
    "none of an expression",
    none,
    { regex: true },
    "0 lines match (text/plain, version 2). Each line is tried alone, and upper and lower case are different unless the expression begins with (?i).",
  ],
  [
    "an expression that the time has ended",
    { total: 47, shown: 47, last: 72_000, searched_to: 72_823, partial: timeOver },
    { regex: true },
    `At least 47 lines match in lines 1 to 72823 (text/plain, version 2); the time limit was reached. A simpler expression gets further. More: read_artifact {${at},"find":"x","regex":true,"line":72824}`,
  ],
  [
    "a text that the time has ended, not all shown",
    { from: 9, total: 470, shown: 100, last: 3_000, searched_to: 72_823, partial: timeOver },
    { line: 9 },
    `At least 470 lines match in lines 9 to 72823 (text/plain, version 2); 100 shown, to line 3000; the time limit was reached. More: read_artifact {${at},"find":"x","line":3001}`,
  ],
  [
    "none until the time limit was reached",
    { ...none, searched_to: 72_823, partial: timeOver },
    {},
    `0 lines match in lines 1 to 72823 (text/plain, version 2); the time limit was reached. More: read_artifact {${at},"find":"x","line":72824}`,
  ],
  [
    "none where not all was tried",
    { ...none, partial: { reason: "size", message: "Line 1 is longer than 1 MiB." } },
    { regex: true },
    "0 lines match (text/plain, version 2). Line 1 is longer than 1 MiB.",
  ],
  [
    "content that breaks off",
    { partial: { reason: "damaged", message: "The gzip data breaks off after 9 unpacked bytes." } },
    {},
    "At least 3 lines match (text/plain, version 2). The gzip data breaks off after 9 unpacked bytes.",
  ],
  [
    "a line that is longer than a page",
    { total: 1, shown: 1, last: 1, cut: { lines: 1, line: 1, matches: 40, offset: 35_142 } },
    {},
    `1 line matches, 40 times (text/plain, version 2). Line 1 is cut: 1@35142 is a match at byte 35142. Around it: read_artifact {${at},"offset":34142,"length":3000}`,
  ],
  [
    "lines that are cut, although a page has room for each of them",
    { cut: { lines: 2, line: 7 } },
    {},
    `3 lines match (text/plain, version 2). 2 lines are cut. Line 7: read_artifact {${at},"line":7,"lines":1}`,
  ],
  [
    "a line that is longer than a page, of compressed text",
    { total: 1, shown: 1, last: 1, cut: { lines: 1, line: 1, matches: 40 } },
    {},
    "1 line matches, 40 times (text/plain, version 2). Line 1 is cut.",
  ],
])("says how many lines match: %s", (_what, found, asked, text) => {
  const result = answer(found, asked);
  expect(textOf(result)).toBe(text);
  expect(result.content).toHaveLength(found.shown === 0 ? 1 : 2);
});

const plain = "This was searched as plain text: for a regular expression, set regex true.";

it.each([
  ["ERROR|WARN", false, plain],
  ["/error/i", false, 'with its slashes: for the expression, set regex true and find "(?i)error".'],
  ["/err.r/", false, 'set regex true and find "err.r".'],
  ["code=.*X", false, plain],
  ["\\d+", false, plain],
  ["^ERROR", false, plain],
  ["done$", false, plain],
  ["[0-9]x", false, plain],
  ["(?i)error", false, plain],
  ["error: none", false, "Upper and lower case are different"],
  ["[[:digit:]]+", true, "[:digit:] does not mean in JavaScript what it does elsewhere: write \\d"],
  ["\\AERROR", true, "\\A does not mean in JavaScript what it does elsewhere: write ^."],
  ["ERROR\\Z", true, "\\Z does not mean in JavaScript what it does elsewhere: write $."],
  ["ERROR\\|WARN", true, "\\| does not mean in JavaScript what it does elsewhere: write | between alternatives."],
  ["/error/i", true, "/error/i does not mean in JavaScript what it does elsewhere: leave the slashes out"],
  ["error|warn", true, "Each line is tried alone"],
])("says why %s may not have matched (regex %s)", (find, regex, hint) => {
  expect(textOf(answer(none, { find, regex }))).toContain(hint);
});

it("says in _meta how many lines match", () => {
  expect(answer({})._meta).toEqual({ total: 3, shown: 3 });
  expect(answer({ shown: 2 })._meta).toEqual({ total: 3, shown: 2, next_line: 91 });
});
