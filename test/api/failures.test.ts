import { expect, it } from "vitest";
import { describeError } from "../../src/api/failures.js";
import { ArtifactError } from "../../src/store/model/errors.js";

it("describeError() tells all causes, and cuts a long one in its middle, so that its stack stays", () => {
  const cause = new SyntaxError(`Invalid regular expression: /${"a".repeat(1_000_000)}/: too large`);
  const described = describeError(new ArtifactError("internal", "It failed.", { cause }));
  expect(described).toMatch(/^internal: It failed\. <- SyntaxError: Invalid regular expression: \/a+ \[\.\.\.\] /);
  expect(described).toContain("too large\n    at ");
  expect(described.length).toBeLessThan(4_100);
});
