// Runs a bundle as the launcher does. Then stores the bytecode of all compiled functions beside it.
// scripts/build.mjs bundles and runs it.
// Usage: warm-up.cjs <options of the server>   with the path of the bundle in ARTIFACTS_BUNDLE, and requests on stdin
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { bundleScript } from "../src/cli/launch/bundle-script.js";

const { ARTIFACTS_BUNDLE: filename = "" } = process.env;
const bundle = bundleScript(filename);
if (bundle === undefined) throw new Error(`there is no bundle ${filename}`);
const { script, storeBytecode } = bundle;
process.on("exit", () => {
  if (storeBytecode?.() === false) process.stderr.write(`the folder of ${filename} cannot hold bytecode\n`);
});
script.runInThisContext()(createRequire(filename), dirname(filename));
