import { expect, it } from "vitest";
import { parseTime } from "../../src/api/parse-time.js";
import { refusalOf } from "../support/refusal-of.js";

const march = Date.UTC(2026, 2, 1) / 1000;

it.each([
  ["2026-03-01", march],
  ["2026-03-01T08:30", march + 8.5 * 3600],
  ["2026-03-01T08:30:15", march + 8.5 * 3600 + 15],
  ["2026-03-01 08:30:15Z", march + 8.5 * 3600 + 15],
  ["2026-03-01T08:30:15.999Z", march + 8.5 * 3600 + 15],
  ["2026-03-01T00:00:00+01:00", march - 3600],
  ["2026-03-01T00:00:00-0130", march + 5400],
  [" 1772323200 ", 1_772_323_200],
  [1_772_323_200, 1_772_323_200],
  [0, 0],
])("parseTime() reads %j", (given, seconds) => {
  expect(parseTime(given, "created_after")).toBe(seconds);
});

it.each([
  "",
  "March",
  "2026",
  "2026-3-1",
  "2026-02-30",
  "2026-13-01",
  "2026-03-01T25:00Z",
  "1969-12-31",
  "1772323200000",
  -1,
  1.5,
  1e21,
  Number.NaN,
])("parseTime() refuses %j, and says how a time is written", (given) => {
  const refused = refusalOf(() => parseTime(given, "created_after"));
  expect(refused).toMatchObject({ code: "invalid_argument", details: { argument: "created_after" } });
  expect(refused.message).toMatch(/^created_after must be a time like 2026-03-01 or 2026-03-01T08:30:00Z, or unix /);
});
