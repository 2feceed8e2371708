import { stepwise } from "../faults.js";
import { callerDerived } from "./caller-engines.js";
import { failNextCommit } from "./mortal-driver.js";
import { failNextCall, hideFileSystem } from "./mortal-fs.js";
import { openAs } from "./process.js";
import { scenarios } from "./scenarios.js";
import { countSteps, die, say, withCaller } from "./steps.js";

/*
 * node child.mjs <scenario> <root> <session> <last step>: runs the scenario and dies right before that step, or at the
 * end. It closes nothing before it dies.
 */
const [, , name, root = "", id = "", last] = process.argv;
const scenario = scenarios.find((known) => known.name === name);
if (scenario === undefined) throw new Error(`no scenario ${name}`);

if (scenario.isUnknownFileSystem) hideFileSystem();
if (scenario.isOpening) countSteps(Number(last));
const running = await openAs(root, scenario.options, (engines) => stepwise(engines, withCaller), callerDerived);
if (!scenario.isOpening) countSteps(Number(last));
for (const call of scenario.act) {
  await call(running, id, { failNextCall, failNextCommit });
  say("answered", "");
}
die();
