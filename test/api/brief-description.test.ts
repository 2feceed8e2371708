import { expect, it } from "vitest";
import { briefDescription, briefOf } from "../../src/api/brief-description.js";
import type { Description, JsonShape } from "../../src/store/ports/description.js";

const text: Description["text"] = {
  encoding: "utf-8",
  bom: false,
  line_ends: "lf",
  lines: 3_203,
  longest_line: { line: 1, bytes: 9 },
};

it.each<[JsonShape, string]>([
  [
    { type: "array", size: 3_201, items: { type: "object", members: { a: { type: "null" } } } },
    "array of 3201 of object",
  ],
  [{ type: "array", size: 0 }, "array of 0"],
  [{ type: "object", size: 2, members: { a: { type: "null" } } }, "object of 2"],
  [{ type: "number" }, "number"],
])("a brief description of JSON says what the value is: %j", (json, expected) => {
  const brief = briefOf({ format: "json", text, json });
  expect(brief).toEqual({ format: "json", lines: 3_203, json: expected });
  expect(briefDescription.strict().parse(brief)).toEqual(brief);
});
