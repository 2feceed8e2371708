import { describe, expect, it } from "vitest";
import { guardText, parseGuard } from "../../../src/store/model/guard.js";

describe("parseGuard()", () => {
  it.each([
    ["3", { if_version: 3 }],
    [3, { if_version: 3 }],
    [0, { if_version: 0 }],
    ["0", { if_version: 0 }],
    ["3.0", { if_version: 3 }],
    ["3.1", { if_version: 3, if_edit: 1 }],
    ["3.10", { if_version: 3, if_edit: 10 }],
  ])("reads %j", (value, guard) => {
    expect(parseGuard(value)).toEqual(guard);
  });

  it.each(["", "x", "-1", "v3", "3.", ".1", "3.1.1", "03", " 3", "3,1", "0.1", "9999999999999999"])(
    "refuses the text %j, and says what is allowed",
    (value) => {
      expect(() => parseGuard(value)).toThrow(/if_version must be the number of the newest version, like 3; "3.1"/);
    },
  );

  it.each([3.1, -1, Number.NaN, 1e300])("refuses the number %j: 3.1 and 3.10 would be the same", (value) => {
    expect(() => parseGuard(value, "from_if_version")).toThrow(
      expect.objectContaining({ code: "invalid_argument", details: { argument: "from_if_version" } }),
    );
  });
});

it("guardText() writes what parseGuard() reads", () => {
  expect(guardText({ version: 3 })).toBe("3");
  expect(guardText({ version: 3, edit: 0 })).toBe("3");
  expect(guardText({ version: 3, edit: 12 })).toBe("3.12");
  expect(guardText(undefined)).toBe("0");
});
