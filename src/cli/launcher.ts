#!/usr/bin/env node
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { bundleScript } from "./bundle-script.js";

/*
 * The command, `dist/main.js`: runs the bundle of `main.ts` that lies beside it. It is built for old versions of Node
 * too, so that it can say which one is needed.
 */

/** What lies beside the server's bundle. */
const others = ["sqlite-thread.cjs", "digest-thread.cjs", "commands.cjs"];

const leastNode = [20, 19];

function isTooOld(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = leastNode;
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

/** Empty if this user has none. */
function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}

/** Where programs keep what they can make again, for this user; undefined if there is no such folder. */
function cacheFolder(): string | undefined {
  const { XDG_CACHE_HOME: given = "", LOCALAPPDATA: local = "" } = process.env;
  const home = homeFolder();
  if (process.platform === "win32") return local === "" ? undefined : join(local, "artifacts-mcp", "Cache");
  if (given.startsWith("/")) return join(given, "artifacts-mcp");
  if (!home.startsWith("/")) return undefined;
  return join(home, process.platform === "darwin" ? "Library/Caches" : ".cache", "artifacts-mcp");
}

function launch(): string | undefined {
  if (isTooOld()) return `Node ${process.version} is too old: use Node 22 from 22.22.3 on, 24 from 24.15 on, or 26.`;
  // Node's threads for files, four unless told: large writes leave some to other calls.
  if (process.env["UV_THREADPOOL_SIZE"] === undefined) process.env["UV_THREADPOOL_SIZE"] = "8";
  const path = join(__dirname, "server.cjs");
  const bundle = bundleScript(path, cacheFolder());
  if (bundle === undefined || !others.every((name) => existsSync(join(__dirname, name)))) {
    return `${__dirname} lacks a file: the package is only half installed, so install it again.`;
  }
  bundle.script.runInThisContext()(require, __dirname, bundle.leaveBytecode);
  return undefined;
}

const problem = launch();
if (problem !== undefined) {
  process.stderr.write(`artifacts-mcp: ${problem}\n`);
  process.exitCode = 1;
}
