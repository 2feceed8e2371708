import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { patience } from "../support/patience.js";

const script = fileURLToPath(new URL("../../scripts/race.mjs", import.meta.url));

it("several processes that make all kinds of calls at once lose nothing and leave nothing behind", async () => {
  const options = { env: { ...process.env, TMPDIR: await temporaryDirectory() }, ...patience };
  const { stdout } = await promisify(execFile)(process.execPath, [script, "8", "4"], options);
  expect(stdout).toMatch(/; 0 faults\n$/); // with a fault, the script fails and names it
  // The calls really raced: some came too late, and a sweep removed something.
  expect(stdout).toMatch(/version_conflict \d/);
  expect(stdout).toMatch(/[1-9]\d* settled/);
});
