import { expect, it } from "vitest";
import { textOf } from "../../../../src/cli/store-commands/changing/bucket-text.js";

const found = { name: "b", max_age: 5, max_bytes: null, artifacts: 3, bytes: 9, unfinished_bytes: 0, too_old: 2 };

it("textOf() promises a minute only if a server can trust its clock at once", () => {
  expect(textOf(found, 0)).toContain("too old     2 artifacts: servers delete them within a minute\n");
  expect(textOf(found, 59 * 60_000 + 1)).toContain("and the rest after it has run for 60 minutes\n");
  expect(textOf({ ...found, too_old: 0 }, 1)).not.toContain("too old");
});
