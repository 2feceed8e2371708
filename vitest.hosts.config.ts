import { configDefaults, defineConfig } from "vitest/config";
import config from "./vitest.config.js";

/** Agents' command lines from npm start our server, with a scripted model behind them. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    include: ["test/hosts/**/*.test.ts"],
    exclude: configDefaults.exclude,
    testTimeout: 1_800_000, // each step has a bound of its own
  },
});
