#!/usr/bin/env node
import { join } from "node:path";
import { bundleScript } from "./bundle-script.js";

/** The command, `dist/main.js`: the bundle of `main.ts` that lies beside it. */
bundleScript(join(__dirname, "server.cjs")).runInThisContext()(require);
