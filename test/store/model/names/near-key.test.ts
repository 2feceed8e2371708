import { describe, expect, it } from "vitest";
import { isNearKey } from "../../../../src/store/model/names/near-key.js";

describe("isNearKey", () => {
  it.each([
    ["result.csv", "results.csv", true],
    ["x.md", "X.MD", true],
    ["data", "data.json", true],
    ["run-12.csv", "run-21.csv", true],
    ["marhc", "march", true],
    ["mrahc", "march", false],
    ["results.csv", "runs/3/results.csv", true],
    ["evals/runs/3/results.csv", "runs/3/results.csv", true],
    ["sults.csv", "runs/3/results.csv", false],
    ["a", "b", false],
    ["ab", "cd", false],
    ["report.md", "summary.md", false],
    ["x".repeat(1000), "y".repeat(1000), false],
  ])("of %s and %s", (given, key, isNear) => {
    expect(isNearKey(given, key)).toBe(isNear);
  });
});
