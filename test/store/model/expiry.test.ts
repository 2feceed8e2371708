import { describe, expect, it } from "vitest";
import { checkExpiresIn, parseExpiresIn, parseNewExpiresIn } from "../../../src/store/model/expiry.js";

describe("parseExpiresIn()", () => {
  it.each([
    ["1h", 3_600],
    ["36h", 129_600],
    ["1d", 86_400],
    ["365d", 31_536_000],
    ["8760h", 31_536_000],
  ])("reads %s", (text, seconds) => {
    expect(parseExpiresIn(text)).toBe(seconds);
    expect(parseNewExpiresIn(text)).toBe(seconds);
  });

  it.each(["", "0h", "366d", "8761h", "99999d", "1", "1m", "1w", "1.5h", "-1h", "01h", " 1h", "1 h", "1H", "never"])(
    "refuses %j, and says what is allowed",
    (text) => {
      expect(() => parseExpiresIn(text)).toThrow(/from 1h to 365d, like 12h or 30d\.$/);
    },
  );
});

it("parseNewExpiresIn() takes never for no expiry", () => {
  expect(parseNewExpiresIn("never")).toBeNull();
  expect(() => parseNewExpiresIn("forever")).toThrow(/like 12h or 30d, or never\.$/);
});

it("checkExpiresIn() refuses seconds out of range", () => {
  for (const seconds of [undefined, 3_600, 31_536_000]) checkExpiresIn(seconds);
  for (const seconds of [0, -1, 3_599, 3_600.5, 31_536_001, Number.NaN]) {
    expect(() => checkExpiresIn(seconds)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  }
});
