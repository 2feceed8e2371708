import { expect, it } from "vitest";
import { exactTime, humanTime } from "../../../src/cli/terminal/times.js";

const seconds = 1_773_061_505;

it("exactTime() is ISO 8601 in UTC, to the second", () => {
  expect(exactTime(seconds)).toBe("2026-03-09T13:05:05Z");
});

it("humanTime() is the same minute in the time zone of the process", () => {
  const text = humanTime(seconds);
  expect(text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d$/);
  expect(new Date(text.replace(" ", "T")).getTime()).toBe((seconds - 5) * 1000);
});
