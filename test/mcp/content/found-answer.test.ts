import { expect, it } from "vitest";
import { foundAnswer } from "../../../src/mcp/content/found-answer.js";
import type { FindRequest } from "../../../src/mcp/content/read-request.js";
import type { FoundLines } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";
import { textOf } from "../../support/mcp-client.js";

const artifact = artifactOf({ key: "k.log", version: 2 });
const at = '"bucket":"b","key":"k.log","version":2';

function answer(found: Partial<FoundLines>, asked: Partial<FindRequest> = {}) {
  const whole = { total: 3, before: 0, shown: 3, last: 90, text: "12:x\n", ...found, artifact };
  return foundAnswer(whole, { find: "x", regex: false, context: 0, ...asked });
}

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
    { total: 120, before: 40, shown: 40, last: 300 },
    { regex: true, context: 2, line: 91 },
    `120 lines match (text/plain, version 2); 40 shown, from line 91 to line 300. More: read_artifact {${at},"find":"x","regex":true,"context":2,"line":301}`,
  ],
  [
    "the last of many",
    { total: 120, before: 80, shown: 40, last: 500 },
    { line: 301 },
    "120 lines match (text/plain, version 2); 40 shown, from line 301 to line 500.",
  ],
  [
    "none from a line on",
    { total: 3, before: 3, shown: 0, last: 0 },
    { line: 500 },
    "3 lines match (text/plain, version 2); none from line 500 on.",
  ],
  [
    "none of a text",
    { total: 0, shown: 0, last: 0 },
    {},
    "0 lines match (text/plain, version 2). Case counts: with regex true, an expression that begins with (?i) ignores it.",
  ],
  [
    "none of an expression",
    { total: 0, shown: 0, last: 0 },
    { regex: true },
    "0 lines match (text/plain, version 2). Each line is tried alone, and case counts unless the expression begins with (?i).",
  ],
  [
    "a search that a limit has ended",
    { partial: { reason: "time", message: "The time was over after the first 35,000,000 bytes." } },
    {},
    "3 lines match (text/plain, version 2). The time was over after the first 35,000,000 bytes.",
  ],
])("says how many lines match: %s", (_what, found, asked, text) => {
  const result = answer(found, asked);
  expect(textOf(result)).toBe(text);
  expect(result.content).toHaveLength(found.shown === 0 ? 1 : 2);
});

it("says in _meta how many lines match", () => {
  expect(answer({})._meta).toEqual({ total: 3, shown: 3 });
  expect(answer({ shown: 2 })._meta).toEqual({ total: 3, shown: 2, next_line: 91 });
});
