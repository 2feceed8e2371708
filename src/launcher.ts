#!/usr/bin/env node
import { join } from "node:path";
import { bundleScript } from "./bundle-script.js";

/** Node's threads for files and SQLite, four unless told: what is written at once leaves some to other calls. */
process.env["UV_THREADPOOL_SIZE"] ??= "8";

/** The command, `dist/main.js`: the bundle of `main.ts` that lies beside it. */
bundleScript(join(__dirname, "server.cjs")).script.runInThisContext()(require);
