import { defineConfig } from "vitest/config";
import { everything, shared, sharedTest, workers } from "./vitest.config.js";

/** Agents' command lines from npm start our server, with a scripted model behind them. */
export default defineConfig({
  ...shared(),
  test: {
    ...sharedTest,
    globalSetup: [everything, workers],
    include: ["test/hosts/**/*.test.ts"],
    testTimeout: 60 * 60_000, // each step has a bound of its own
  },
});
