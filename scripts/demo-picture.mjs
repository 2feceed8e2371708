// Runs the demo and draws its terminal: writes docs/demo.svg.
// Usage: node scripts/demo-picture.mjs
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { drawTerminal } from "./demo/draw-terminal.mjs";

const demo = fileURLToPath(new URL("demo.mjs", import.meta.url));
const picture = fileURLToPath(new URL("../docs/demo.svg", import.meta.url));
/** The picture ends with this section of the demo. The summary of the whole run follows it. */
const lastSection = 5;

/** @param {readonly string[]} lines */
function firstSections(lines) {
  const next = lines.findIndex((line) => line.includes(`${lastSection + 1}. `));
  const summary = lines.findLast((line) => line.includes("Done in"));
  if (next < 0 || summary === undefined) throw new Error("the demo does not print what the picture shows");
  return [...lines.slice(0, next), "   ...", summary];
}

const { status, stdout, stderr } = spawnSync(process.execPath, [demo], {
  encoding: "utf8",
  env: { ...process.env, FORCE_COLOR: "1", NO_COLOR: "" },
});
if (status !== 0) throw new Error(`the demo failed, so there is no picture:\n${stderr}`);
// A carriage return goes back to the start of the line: only the last state of the progress bar stays.
const lines = stdout.split("\n").map((line) => line.slice(line.lastIndexOf("\r") + 1));
await writeFile(picture, drawTerminal("npm run demo", firstSections(lines)));
process.stdout.write(`${picture}\n`);
