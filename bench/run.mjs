// Measures the built server, and what people would use instead, on this machine in the same run.
// Usage: npm run bench [case ...]
// With cases, it prints their tables. Without, it runs all cases, and writes bench/RESULTS.md and its chart.
// ARTIFACTS_BENCH_BEFORE is the path of the dist/main.js of an earlier build, which is measured too.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { chart } from "./lib/chart.mjs";
import { machine } from "./lib/machine.mjs";
import { main } from "./lib/programs.mjs";
import { markdown } from "./lib/report.mjs";

/** @type {Record<string, () => Promise<{ run: () => Promise<import("./lib/report.mjs").Findings> }>>} */
const cases = {
  start: () => import("./cases/start.mjs"),
  saves: () => import("./cases/saves.mjs"),
  chunks: () => import("./cases/chunks.mjs"),
  reading: () => import("./cases/reading.mjs"),
  job: () => import("./cases/job.mjs"),
  files: () => import("./cases/files.mjs"),
  lines: () => import("./cases/lines.mjs"),
  http: () => import("./cases/http.mjs"),
  listing: () => import("./cases/listing.mjs"),
  search: () => import("./cases/search.mjs"),
  describe: () => import("./cases/describe.mjs"),
  memory: () => import("./cases/memory.mjs"),
  processes: () => import("./cases/processes.mjs"),
  "command-line": () => import("./cases/command-line.mjs"),
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in cases));
if (unknown !== undefined) {
  process.stderr.write(`bench: there is no case ${unknown}; the cases are ${Object.keys(cases).join(", ")}\n`);
  process.exit(2);
}
if (!existsSync(main)) {
  process.stderr.write("bench: dist/main.js is missing: run `npm ci` first, which installs and builds\n");
  process.exit(1);
}

/** @type {import("./lib/report.mjs").Findings} */
const all = { tables: [], targets: [], skipped: [] };
for (const name of wanted.length > 0 ? wanted : Object.keys(cases)) {
  process.stderr.write(`bench: ${name}\n`);
  const { run } = await /** @type {NonNullable<(typeof cases)[string]>} */ (cases[name])();
  const { tables, targets, skipped = [] } = await run();
  all.tables.push(...tables);
  all.targets.push(...targets);
  all.skipped?.push(...skipped.filter((reason) => !all.skipped?.includes(reason)));
}
const picture = wanted.length === 0 ? "\n\n![The targets, and what was measured](RESULTS.svg)" : "";
const text = `# Measured\n\nMade by \`npm run bench\`. Each value is the median of several rounds, in which the subjects take turns. MB/s counts 10^6 bytes; KB, MiB and the sizes of content are 1,024-based.\n\n${machine()}${picture}\n\n${markdown(all)}`;
if (wanted.length === 0) {
  await writeFile(new URL("RESULTS.md", import.meta.url), text);
  await writeFile(new URL("RESULTS.svg", import.meta.url), chart(all.targets));
}
process.stdout.write(text);
