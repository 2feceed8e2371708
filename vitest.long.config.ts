import { defineConfig } from "vitest/config";
import config from "./vitest.config.js";

/** The tests that have a long form, in it. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    env: { ARTIFACTS_LONG: "1" },
    include: [
      "test/e2e/{crash-points,full-disk,power-loss}.test.ts",
      "test/mcp/{calls/hostile-input,stdio/hostile-lines}.test.ts",
      "test/http/{hostile-requests,attack/attack}.test.ts",
      "test/{store/schedules,engines/disk/disk-faults}.test.ts",
    ],
  },
});
