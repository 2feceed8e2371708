import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { patience } from "../support/patience.js";

const script = fileURLToPath(new URL("../../scripts/race.mjs", import.meta.url));

it("several processes that do everything at once lose nothing and leave nothing", async () => {
  const options = { env: { ...process.env, TMPDIR: await temporaryDirectory() }, ...patience };
  const { stdout } = await promisify(execFile)(process.execPath, [script, "8", "4"], options);
  expect(stdout).toMatch(/; 0 faults\n$/); // with any, the script fails, and says which
  // It has raced: somebody came too late, and a sweep took something away.
  expect(stdout).toMatch(/version_conflict \d/);
  expect(stdout).toMatch(/[1-9]\d* settled/);
});
