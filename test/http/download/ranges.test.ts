import { describe, expect, it } from "vitest";
import { readRanges } from "../../../src/http/download/ranges.js";

describe("readRanges()", () => {
  it.each([
    ["bytes=0-", 0, undefined],
    ["bytes=-0", 10, []],
    ["bytes=1-2,", 10, [{ start: 1, end: 3 }]],
    ["bytes=0-4,2-6", 10, [{ start: 0, end: 7 }]],
    [
      "bytes=5-6,0-1",
      10,
      [
        { start: 0, end: 2 },
        { start: 5, end: 7 },
      ],
    ],
    ["bytes=99999999999999999-", 10, []],
    ["bytes=3-9223372036854775806", 8, [{ start: 3, end: 8 }]],
    [`bytes=${Array.from({ length: 17 }, (_, at) => `${at * 2}-${at * 2}`).join()}`, 100, undefined],
  ])("reads %s of %i", (header, bytes, ranges) => {
    expect(readRanges(header, bytes)).toEqual(ranges);
  });
});
