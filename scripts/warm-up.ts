// Runs a bundle as the launcher does, and leaves the bytecode of all that was compiled on the way beside it.
// Bundled and run by scripts/build.mjs.
// Usage: warm-up.cjs <options of the server>   with the bundle in ARTIFACTS_BUNDLE, and requests on stdin
import { createRequire } from "node:module";
import { bundleScript } from "../src/bundle-script.js";

const { ARTIFACTS_BUNDLE: filename = "" } = process.env;
const { script, leaveBytecode } = bundleScript(filename);
process.on("exit", leaveBytecode);
script.runInThisContext()(createRequire(filename));
