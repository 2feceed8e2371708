import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  resolve: { alias: [{ find: /^sqlite3$/, replacement: path("src/engines/sqlite/database/sqlite3.ts") }] },
  define: { WORKERS_FOLDER: JSON.stringify(path("dist")) },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/hosts/**"], // they need npm: `npm run test:hosts`
    globalSetup: "test/support/build-once.ts",
    // The alias above holds only in what is transformed.
    server: { deps: { inline: ["@keyv/sqlite"] } },
    // By default one processor is left free, which on two of them is half.
    maxWorkers: availableParallelism(),
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
