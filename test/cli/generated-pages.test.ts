import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { generatedPages } from "../../scripts/docs/pages.js";

it.each(generatedPages())("$path is up to date (otherwise: npm run docs)", async ({ path, text }) => {
  expect(await readFile(new URL(`../../${path}`, import.meta.url), "utf8")).toBe(text);
});
