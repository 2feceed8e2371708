import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** In milliseconds. A slow machine makes a test slow, and never makes it fail: only a wait without end does. */
export const patienceMs = 20 * 60_000;

/** Kills, cuts, full disks, races and memory under load: minutes each. `npm run test:exhaustive` runs them. */
const exhaustive = [
  "test/analysis/tables/{columnar-batches,columnar-files,columnar-flights,columnar-hostile,parquet-lies}.test.ts",
  "test/e2e/{broken-output,bucket-prefix,command,crash-points,full-disk,failing-sync,local-files,power-loss,race,read-only-disk}.test.ts",
  "test/e2e/cli/{archive,changing,completion,listing,reading,transfer,transfer-guards,transfer-kills}.test.ts",
  "test/e2e/{parallel-servers,uploads-across-processes}.test.ts",
  "test/e2e/{browser,code-cache,few-files,http,http-load,http-memory,installation,large-content,mcp-load,stdio,store-moved}.test.ts",
  "test/e2e/cli/{compact,operations}.test.ts",
  "test/analysis/describe/{damaged,hostile,vega-datasets}.test.ts",
  "test/analysis/tables/hostile-tables.test.ts",
  "test/e2e/cli/{backup,backup-load}.test.ts",
  "test/store/backup/backup-{kills,races}.test.ts",
  "test/http/attack/*.test.ts",
  "test/http/hostile-requests.test.ts",
  "test/mcp/{calls/hostile-input,stdio/hostile-lines}.test.ts",
  "test/analysis/compare/large-content.test.ts",
  "test/store/{crash-points,races,schedules}.test.ts",
  "test/engines/disk/{content,derived,disk}-faults.test.ts",
  "test/engines/sqlite/{full-disk,several-processes,index/{several-processes,many-artifacts}}.test.ts",
  "test/engines/local-files/local-{files,folders}.test.ts",
  "test/engines/threads/analysis-limits.test.ts",
];
const endToEnd = ["test/e2e/**/*.test.ts"];
const hosts = ["test/hosts/**"]; // they need npm: `npm run test:hosts`

/** New for each project: Vitest changes what it is given. */
export const shared = () => ({
  resolve: { alias: [{ find: /^sqlite3$/, replacement: path("src/engines/sqlite/database/sqlite3.ts") }] },
  define: { WORKERS_FOLDER: JSON.stringify(path("node_modules/.cache/test-workers")) },
});
export const sharedTest = {
  // The alias holds only in what is transformed.
  server: { deps: { inline: ["@keyv/sqlite"] } },
  testTimeout: patienceMs,
  hookTimeout: patienceMs,
  expect: { poll: { timeout: patienceMs } },
};
/** Builds the workers alone, or all that an end-to-end test runs; once, and only for a project that has tests to run. */
export const workers = "test/support/build-workers.ts";
export const everything = "test/support/build-once.ts";

export default defineConfig({
  test: {
    // Some tests wait for timers or other processes, so there is one worker more than processors.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        ...shared(),
        test: {
          ...sharedTest,
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...hosts, ...endToEnd, ...exhaustive],
          globalSetup: workers,
          pool: "threads", // they start faster than processes
          // The files of one thread share their modules: loading them anew took half the time. So none may use vi.mock.
          isolate: false,
          restoreMocks: true,
          unstubEnvs: true,
          unstubGlobals: true,
        },
      },
      {
        ...shared(),
        test: {
          ...sharedTest,
          name: "end-to-end",
          include: endToEnd,
          exclude: [...configDefaults.exclude, ...exhaustive],
          globalSetup: [everything, workers],
        },
      },
      {
        ...shared(),
        test: { ...sharedTest, name: "exhaustive", include: exhaustive, globalSetup: [everything, workers] },
      },
    ],
  },
});
