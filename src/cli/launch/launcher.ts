#!/usr/bin/env node
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { bundleScript } from "./bundle-script.js";

/*
 * The command, `dist/main.js`. It runs the bundle of `main.ts`, which lies beside it. It is built for old versions of
 * Node too, so that it can say which version is needed.
 */

/** The files beside the server's bundle that it needs. */
const otherFiles = [
  "sqlite-thread.cjs",
  "digest-thread.cjs",
  "analysis-thread.cjs",
  "small-files-thread.cjs",
  "commands.cjs",
];

const leastNode = [20, 19];

function isTooOld(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = leastNode;
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

function homeOrEmpty(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}

/** Returns this program's folder in the user's cache. Returns undefined if the user has no such folder. */
function cacheFolder(): string | undefined {
  const { XDG_CACHE_HOME: given = "", LOCALAPPDATA: local = "" } = process.env;
  const home = homeOrEmpty();
  if (process.platform === "win32") return local === "" ? undefined : join(local, "artifacts-mcp", "Cache");
  if (given.startsWith("/")) return join(given, "artifacts-mcp");
  if (!home.startsWith("/")) return undefined;
  return join(home, process.platform === "darwin" ? "Library/Caches" : ".cache", "artifacts-mcp");
}

/** Runs the bundle. Returns the problem, in one sentence, if it cannot be run. */
function launch(): string | undefined {
  if (isTooOld()) return `Node ${process.version} is too old: use Node 22 from 22.22.3 on, 24 from 24.15 on, or 26.`;
  // Node has four threads for files by default. With eight, large writes leave some to other calls.
  if (process.env["UV_THREADPOOL_SIZE"] === undefined) process.env["UV_THREADPOOL_SIZE"] = "8";
  const path = join(__dirname, "server.cjs");
  const bundle = bundleScript(path, cacheFolder());
  if (bundle === undefined || !otherFiles.every((name) => existsSync(join(__dirname, name)))) {
    return `${__dirname} lacks a file: the package is only half installed, so install it again.`;
  }
  bundle.script.runInThisContext()(require, __dirname, bundle.storeBytecode);
  return undefined;
}

const problem = launch();
if (problem !== undefined) {
  process.stderr.write(`artifacts-mcp: ${problem}\n`);
  process.exitCode = 1;
}
