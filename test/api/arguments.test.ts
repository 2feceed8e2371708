import { expect, it } from "vitest";
import { z } from "zod";
import { readArguments } from "../../src/api/arguments.js";
import { metadata } from "../../src/api/schemas.js";

it("a value nested deeper than the call stack is refused like any other wrong value", () => {
  let deep: unknown = "x";
  for (let level = 0; level < 50_000; level += 1) deep = { deep };
  const read = () => readArguments(z.strictObject({ metadata }), { metadata: { deep } }, "this tool");
  expect(read).toThrow(/^metadata\.deep must be a string, not a value of such depth: write JSON as a text/);
});
