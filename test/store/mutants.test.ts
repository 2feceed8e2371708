import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { mutants } from "../../scripts/mutants/list.mjs";

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

it.each(mutants)('the mutant "$name" replaces a text that stands once, and names tests that exist', (mutant) => {
  expect(readFileSync(path(mutant.file), "utf8").split(mutant.from)).toHaveLength(2);
  for (const name of mutant.tests) expect(existsSync(path(name)), name).toBe(true);
});
