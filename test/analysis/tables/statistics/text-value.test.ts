import fc from "fast-check";
import { expect, test } from "vitest";
import { compareTexts } from "../../../../src/analysis/tables/statistics/extremes.js";
import { isBoolean, isCode, numberForm, timeOf } from "../../../../src/analysis/tables/statistics/text-value.js";

const dates = fc.date({
  min: new Date("0001-01-01T00:00:00Z"),
  max: new Date("9999-12-31T23:59:59.999Z"),
  noInvalidDate: true,
});

test("timeOf() reads what Date writes", () => {
  fc.assert(
    fc.property(dates, (date) => {
      const text = date.toISOString();
      expect(timeOf(text)).toBe(date.getTime());
      expect(timeOf(text.replace("T", " ").replace("Z", ""))).toBe(date.getTime());
      expect(timeOf(text.slice(0, 19))).toBe(Math.floor(date.getTime() / 1000) * 1000);
      expect(timeOf(text.slice(0, 16))).toBe(Math.floor(date.getTime() / 60_000) * 60_000);
      expect(timeOf(text.slice(0, 10))).toBe(Math.floor(date.getTime() / 86_400_000) * 86_400_000);
    }),
  );
});

test.each([
  ["2016-02-29", 1_456_704_000_000],
  ["2000-02-29", 951_782_400_000],
  ["1970-01-01T01:00:00+01:00", 0],
  ["1970-01-01T00:00-0130", 5_400_000],
  ["1970-01-01 00:00:00,5", 500],
  ["1970-01-01T00:00:00.123456Z", 123],
])("timeOf(%j) is %d", (text, time) => {
  expect(timeOf(text)).toBe(time);
});

test.each([
  "2015-02-29",
  "1900-02-29",
  "2015-04-31",
  "2015-00-10",
  "2015-01-00",
  "2015-01-01T24:00:00",
  "2015-01-01T23:60:00",
  "2015-01-01T2a:00:00",
  "2015-01-01T23",
  "2015-01-01x",
  "2015-1-1",
  "2015/01/01",
  "20150101",
  "",
])("timeOf(%j) is none", (text) => {
  expect(timeOf(text)).toBeNaN();
});

test("numberForm() takes what JSON writes, and no other text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })), (number) => {
      expect(numberForm(String(number))).toBe(/^-?\d+$/.test(String(number)) ? "integer" : "number");
    }),
  );
  const letters = fc.string({ unit: fc.constantFrom("1", "0", ".", "e", "-", "+", " ", "x", "_"), maxLength: 6 });
  fc.assert(
    fc.property(letters, (text) => {
      const reads = text.trim() === text && text !== "" && !/[x_]/.test(text) && Number.isFinite(Number(text));
      const isPadded = /^[+-]?0\d/.test(text);
      expect(numberForm(text) !== undefined).toBe(reads && !isPadded);
      if (reads) expect(isCode(text)).toBe(isPadded);
    }),
  );
});

test("isBoolean() takes true and false in any case", () => {
  for (const text of ["true", "FALSE", "True"]) expect(isBoolean(text)).toBe(true);
  for (const text of ["", "yes", "truth", "1", "true "]) expect(isBoolean(text)).toBe(false);
});

test("compareTexts() has the order of UTF-8", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "é", "\ud7ff", "\ue000", "\uffee", "😀", "🙂"),
    maxLength: 4,
  });
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(Math.sign(compareTexts(one, other))).toBe(Buffer.compare(Buffer.from(one), Buffer.from(other)));
    }),
  );
});
