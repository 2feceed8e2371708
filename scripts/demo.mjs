// Shows in a few seconds what this server is for: an upload survives kill -9, and every byte is compared.
// Usage: node scripts/demo.mjs
// With ARTIFACTS_DEMO_CORRUPT=1 a stored byte is changed before it is read back. The demo must notice it and fail.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createScreen } from "./demo/screen.mjs";

const checkout = fileURLToPath(new URL("..", import.meta.url));
const paths = {
  main: join(checkout, "dist", "main.js"),
  data: join(checkout, "node_modules", "vega-datasets", "data"),
  sdk: join(checkout, "node_modules", "@modelcontextprotocol", "sdk"),
};
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const screen = createScreen(process.stdout);

class Stopped extends Error {
  /** @param {string} reason @param {number} exitCode */
  constructor(reason, exitCode) {
    super(reason);
    this.exitCode = exitCode;
  }
}

/** Rejects when the person stops the demo. Further signals are ignored, so that the demo can still remove its files. */
function whenStopped() {
  return new Promise((_, reject) => {
    for (const [signal, code] of Object.entries(exitCodes)) {
      process.on(signal, () => reject(new Stopped(signal, code)));
    }
    // `npm run demo | head` closes the pipe.
    process.stdout.on("error", () => reject(new Stopped("nobody reads the output", 1)));
  });
}

/** @param {unknown} error @param {string} serverLog */
function report(error, serverLog) {
  if (error instanceof Stopped) {
    process.stderr.write(`\ndemo stopped (${error.message}); nothing is left behind\n`);
    process.exitCode = error.exitCode;
    return;
  }
  const reason = error instanceof Error ? error.message : String(error);
  const lines = serverLog.trim().split("\n").slice(-20);
  const log = serverLog === "" ? "" : `\nThe last lines that the servers wrote to stderr:\n  ${lines.join("\n  ")}\n`;
  process.stderr.write(`\ndemo failed: ${reason}\n${log}`);
  process.exitCode = 1;
}

async function main() {
  const missing = Object.values(paths).find((path) => !existsSync(path));
  if (missing)
    throw new Error(`${missing} is missing: run \`npm ci\`, which installs and builds, or \`npm run build\``);
  // Imported here, because the SDK exists only after `npm ci`.
  const { createServers } = await import("./demo/servers.mjs");
  const { play } = await import("./demo/story.mjs");

  const stopped = whenStopped();
  stopped.catch(() => {});
  const began = performance.now();
  const directory = await mkdtemp(join(tmpdir(), "artifacts-mcp-demo-"));
  const root = join(directory, "store");
  const servers = createServers(paths.main, root);
  const isCorrupted = Boolean(process.env.ARTIFACTS_DEMO_CORRUPT);
  /** @type {unknown} */
  let failure;
  try {
    await Promise.race([play({ screen, servers, ...paths, root, isCorrupted }), stopped]);
  } catch (error) {
    failure = error;
    screen.end();
  } finally {
    await servers.end();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
  if (failure !== undefined) return report(failure, servers.log());
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  screen.line(`Done in ${seconds} s: every byte is right. The servers have ended, and their data is removed.`, "green");
}

await main().catch((error) => report(error, ""));
