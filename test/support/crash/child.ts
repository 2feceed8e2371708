import { stepwise } from "../faults.js";
import { failNextCommit } from "./mortal-driver.js";
import { failNextCall, hideFileSystem } from "./mortal-fs.js";
import { openAs } from "./process.js";
import { scenarios } from "./scenarios.js";
import { askedFromHere, countSteps, die, say } from "./steps.js";

/*
 * node child.mjs <scenario> <root> <session> <last step>: does what the scenario says and dies on the way, right before
 * that step, or at the end, without having closed anything.
 */
const [, , name, root = "", id = "", last] = process.argv;
const scenario = scenarios.find((known) => known.name === name);
if (scenario === undefined) throw new Error(`no scenario ${name}`);

if (scenario.isUnknownFileSystem) hideFileSystem();
if (scenario.isOpening) countSteps(Number(last));
const running = await openAs(root, scenario.options, (engines) => stepwise(engines, askedFromHere));
if (!scenario.isOpening) countSteps(Number(last));
for (const call of scenario.act) {
  await call(running, id, { failNextCall, failNextCommit });
  say("answered", "");
}
die();
