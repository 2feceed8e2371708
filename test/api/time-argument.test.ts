import { describe, expect, it } from "vitest";
import { parseTime } from "../../src/api/time-argument.js";

const at = (time: string): number => Date.parse(time) / 1000;

describe("parseTime()", () => {
  it.each([
    ["1772618400", 1772618400],
    ["2026-03-01", at("2026-03-01T00:00:00Z")],
    ["2026-03-01T09:30", at("2026-03-01T09:30:00Z")],
    ["2026-03-01 09:30:15", at("2026-03-01T09:30:15Z")],
    ["2026-03-01T09:30:15.999Z", at("2026-03-01T09:30:15Z")],
    ["2026-03-01T09:30+02:00", at("2026-03-01T07:30:00Z")],
  ])("reads %s", (text, seconds) => expect(parseTime(text, "created_after", "first")).toBe(seconds));

  it("takes a day with all its seconds", () => {
    expect(parseTime("2026-03-31", "created_before", "last")).toBe(at("2026-03-31T23:59:59Z"));
  });

  it("is undefined for none", () => expect(parseTime(undefined, "created_after", "first")).toBeUndefined());

  it.each(["", "yesterday", "2026-13-01", "2026-03", "March 2026", "-5", "1.5", "2026-03-01T25:00"])(
    "refuses %j, and says which forms there are",
    (text) => {
      const refused = { code: "invalid_argument", details: { argument: "created_after" } };
      expect(() => parseTime(text, "created_after", "first")).toThrow(expect.objectContaining(refused));
      expect(() => parseTime(text, "created_after", "first")).toThrow(/2026-03-01T09:30Z/);
    },
  );
});
