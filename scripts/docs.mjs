// Writes docs/options.md from the table of options.
// Usage: npm run docs
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleProgram } from "./build.mjs";

const folder = await mkdtemp(join(tmpdir(), "artifacts-mcp-docs-"));
try {
  const program = join(folder, "options-page.mjs");
  await bundleProgram("scripts/docs/options-page.ts", program);
  const { optionsPage } = await import(pathToFileURL(program).href);
  await writeFile(new URL("../docs/options.md", import.meta.url), optionsPage());
} finally {
  await rm(folder, { recursive: true, force: true });
}
