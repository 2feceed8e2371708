import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { isatty } from "node:tty";
import packageJson from "../../package.json" with { type: "json" };
import { DataDirectoryError, openDataDirectory } from "../engines/data-directory.js";
import { DigestThread } from "../engines/digest-thread.js";
import { inspectSafety } from "../engines/disk/safety.js";
import { loadSqliteDriver, SqliteDriverError } from "../engines/sqlite/database/driver.js";
import { createMcpServer } from "../mcp/session/mcp-server.js";
import { serveStdio } from "../mcp/stdio/stdio.js";
import { startSweeper } from "../store/maintenance/sweeper.js";
import type { Log } from "../store/ports/log.js";
import { createStore } from "../store/store.js";
import { type Command, commandOfThisProcess, usage, type VerifyConfig } from "./command-line.js";
import type { Config } from "./config.js";
import { HttpServiceError, prepareHttp } from "./http-service.js";
import { messageFor } from "./messages.js";
import { ConfigError } from "./settings.js";
import { createStderrLog } from "./stderr-log.js";
import { openStdin } from "./stdin.js";
import { OutputError, print } from "./stdout.js";
import { runVerify } from "./verify-command.js";

const { version } = packageJson;
/** By then a host has asked what it asks at first, so what that takes is compiled. */
const bytecodeDelayMs = 5_000;

/**
 * Exit codes: 0 done, 1 the data directory or the address cannot be used, 2 the command line is wrong or stdout takes
 * no text; of `verify`, 0 all is well, 1 there are faults, 2 it could not run; of `doctor`, 1 there are faults; of
 * `setup`, 1 nothing was changed.
 */
async function main(): Promise<number> {
  const command = commandOfThisProcess();
  switch (command.kind) {
    case "help":
      await print(process.stdout, usage);
      return 0;
    case "version":
      await print(process.stdout, `${version}\n${command.isVerbose ? await details() : ""}`);
      return 0;
    case "serve":
      await serve(command.config);
      return 0;
    case "verify":
      return verify(command.config);
    case "setup":
    case "doctor":
      return runCommand(command);
  }
}

/** What else the behaviour depends on. @throws SqliteDriverError */
async function details(): Promise<string> {
  const { name, sqliteVersion } = await loadSqliteDriver();
  return `Node ${process.version} at ${process.execPath}\nSQLite ${sqliteVersion} by ${name}\n`;
}

/** Runs what is in a bundle of its own. */
async function runCommand(command: Extract<Command, { readonly kind: "setup" | "doctor" }>): Promise<number> {
  const { doctor, setup } = await import("./commands.js");
  const { exitCode, text, problem } =
    command.kind === "setup" ? await setup(command.config) : await doctor(command.config, commandOfPerson());
  await print(process.stdout, text);
  if (problem !== undefined) process.stderr.write(`artifacts-mcp: ${problem}\n`);
  return exitCode;
}

async function verify(config: VerifyConfig): Promise<number> {
  try {
    const { text, isSound } = await runVerify(config, process.stderr);
    await print(process.stdout, text);
    return isSound ? 0 : 1;
  } catch (error) {
    explain(error);
    return 2;
  }
}

async function serve(config: Config): Promise<void> {
  const log = createStderrLog(process.stderr, config.logLevel);
  const stopped = new Promise<string>((resolve) => {
    // A second signal finds the default handler, and ends the process at once.
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  for (const path of config.allowPaths) void warnIfMissing(path, log);
  const opened = { isNamed: config.isRootNamed, isReadOnly: config.readOnly };
  const directory = await openDataDirectory(config.root, opened, log);
  void warnIfUnsafe(config.root, log);
  const tell = (line: string): void => void process.stderr.write(`artifacts-mcp: ${line}\n`);
  const httpOptions = { ...config, version, tell };
  const http = config.http && (await prepareHttp(config.http, httpOptions, await directory.signingKey(), log));
  const digests = new DigestThread(log);
  const store = createStore({ ...config, ...directory, ...(http && { links: http.links }), digests, log });
  const sweeper = config.readOnly ? undefined : startSweeper(store.sweep, log);
  const origin = await http?.start(store);
  const mcp = { ...config, store, log, version, hasUrls: origin !== undefined };
  const session = config.stdio
    ? await serveStdio(
        createMcpServer({ ...mcp, isLocal: true }),
        openStdin(() => process.stdin),
        process.stdout,
        log,
      )
    : undefined;
  const { name: driver, sqliteVersion: sqlite } = await loadSqliteDriver();
  const { root, readOnly } = config;
  log("info", "started", { version, root, readOnly, driver, sqlite, ...(origin && { http: origin }) });
  setTimeout(() => LEAVE_BYTECODE?.(), bytecodeDelayMs).unref();
  if (session && isatty(0)) process.stderr.write(greeting(config.root));

  const reason = await Promise.race([stopped, ...(session ? [session.gone] : [])]);
  await Promise.all([session?.finish(), http?.stop()]);
  await sweeper?.stop();
  await store.close();
  await directory.close();
  log("info", "stopped", { reason });
  LEAVE_BYTECODE?.();
}

/** It may be made later: until then it allows nothing. */
async function warnIfMissing(path: string, log: Log): Promise<void> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) log("warn", "allowed_path_missing", { path, why: "no directory is there, so it allows nothing" });
}

async function warnIfUnsafe(root: string, log: Log): Promise<void> {
  const warnings = await inspectSafety(root, process.getuid?.()).catch((error) => {
    log("warn", "data_directory_not_inspected", { path: root, error: String(error) });
    return [];
  });
  for (const { event, ...facts } of warnings) log("warn", event, facts);
}

/** How the person has started this program. */
function commandOfPerson(): string {
  const script = process.argv[1] ?? "";
  return basename(script) === "artifacts-mcp" ? "artifacts-mcp" : `node ${script}`;
}

/** For someone who starts it by hand and wonders why nothing happens. */
function greeting(root: string): string {
  const [node, script] = [process.execPath, process.argv[1]];
  const host = { mcpServers: { artifacts: { command: node, args: [script, "--root", root] } } };
  return `
artifacts-mcp ${version} keeps files for AI agents in ${root}.
It is waiting for an MCP host to talk to it on stdin; it is not meant to be typed at.
To connect a host, run \`${commandOfPerson()} setup HOST --write\`, or put this into its configuration:

${JSON.stringify(host, null, 2)}

End it with Ctrl-D or Ctrl-C. Options: ${commandOfPerson()} --help

`;
}

/** Whether its message is one line that says all. */
function isExplained(error: unknown): error is Error {
  const kinds = [ConfigError, DataDirectoryError, HttpServiceError, OutputError, SqliteDriverError];
  return kinds.some((kind) => error instanceof kind);
}

function explain(error: unknown): void {
  const text = isExplained(error) ? messageFor(error) : (error as Error).stack;
  process.stderr.write(`artifacts-mcp: ${text}\n`);
}

// A full disk, a reader of the log that ended, or a terminal that was closed: nothing depends on what stderr has heard.
process.stderr.on("error", () => undefined);

main().then(
  (code) => process.exit(code),
  (error) => {
    explain(error);
    process.exit(error instanceof ConfigError || error instanceof OutputError ? 2 : 1);
  },
);
