import { describe, expect, it } from "vitest";
import { humanBytes } from "../../../src/cli/terminal/sizes.js";

describe("humanBytes()", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [10_189, "10 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [340 * 1024 ** 2, "340 MiB"],
    [Number.MAX_SAFE_INTEGER, "8.0 PiB"],
  ])("%d is %s", (bytes, text) => {
    expect(humanBytes(bytes)).toBe(text);
  });
});
