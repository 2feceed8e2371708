// Writes the files that are made from the program: docs/options.md and examples/hosts.
// Usage: npm run docs
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleProgram } from "./build.mjs";

const folder = await mkdtemp(join(tmpdir(), "artifacts-mcp-docs-"));
try {
  const program = join(folder, "pages.mjs");
  await bundleProgram("scripts/docs/pages.ts", program);
  const { generatedPages } = await import(pathToFileURL(program).href);
  for (const { path, text } of generatedPages()) await writeFile(new URL(`../${path}`, import.meta.url), text);
} finally {
  await rm(folder, { recursive: true, force: true });
}
