import { expect, it } from "vitest";
import { createIds } from "../../src/store/random-ids.js";

it("createIds() makes ids of 32 hex digits, and none twice", () => {
  const newId = createIds();
  const ids = Array.from({ length: 1_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set([...ids, ...Array.from({ length: 1_000 }, createIds())]).size).toBe(2_000);
});
