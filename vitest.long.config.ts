import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { everything, shared, sharedTest, workers } from "./vitest.config.js";

/** The tests that have a long form, in it. */
export default defineConfig({
  ...shared(),
  test: {
    ...sharedTest,
    maxWorkers: availableParallelism(),
    globalSetup: [everything, workers],
    env: { ARTIFACTS_LONG: "1" },
    testTimeout: 3 * 60 * 60_000,
    include: [
      "test/e2e/{crash-points,full-disk,power-loss}.test.ts",
      "test/mcp/{calls/hostile-input,stdio/hostile-lines}.test.ts",
      "test/http/{hostile-requests,attack/attack}.test.ts",
      "test/{store/schedules,engines/disk/disk-faults}.test.ts",
    ],
  },
});
