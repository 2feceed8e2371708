import { fileURLToPath } from "node:url";
import { bundleWorkers } from "../../scripts/build.mjs";

/** The programs of threads, for the tests that run the source as it is; `vitest.config.ts` names the folder. */
export async function setup(): Promise<void> {
  await bundleWorkers(fileURLToPath(new URL("../../node_modules/.cache/test-workers", import.meta.url)));
}
