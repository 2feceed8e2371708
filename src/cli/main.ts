import packageJson from "../../package.json" with { type: "json" };
import { DataDirectoryError } from "../engines/data-directory-error.js";
import { loadSqliteDriver, SqliteDriverError } from "../engines/sqlite/database/driver.js";
import { errorMessage } from "./error-message.js";
import { type Command, commandOfThisProcess, type VerifyConfig } from "./options/command-line.js";
import { ConfigError } from "./options/config-error.js";
import { usage, usageOf } from "./options/usage.js";
import { HttpServiceError } from "./serve/http-service.js";
import { serve } from "./serve/serve.js";
import { startCommand } from "./start-command.js";
import { printable } from "./terminal/printable.js";
import { OutputError, print } from "./terminal/stdout.js";
import { runVerify } from "./verify-command.js";

/** Runs the command. Returns the exit code; `command-table.ts` says what each one means. */
async function main(): Promise<number> {
  const command = commandOfThisProcess();
  switch (command.kind) {
    case "help":
      await print(process.stdout, command.of === undefined ? usage : usageOf(command.of));
      return 0;
    case "version":
      await print(process.stdout, `${packageJson.version}\n${command.isVerbose ? await details() : ""}`);
      return 0;
    case "serve":
      return serve(command.config);
    case "verify":
      return verify(command.config);
    case "store": {
      const { runStoreCommand } = await import("./store-commands/run-store-command.js");
      return runStoreCommand(command.config);
    }
    case "completion": {
      const { completionScript } = await import("./commands.js");
      await print(process.stdout, completionScript(command.shell));
      return 0;
    }
    case "setup":
    case "doctor":
      return runCommand(command);
  }
}

/** The versions of Node and SQLite. @throws SqliteDriverError */
async function details(): Promise<string> {
  const { name, sqliteVersion } = await loadSqliteDriver();
  return `Node ${process.version} at ${process.execPath}\nSQLite ${sqliteVersion} by ${name}\n`;
}

/** Runs a command whose code is in a bundle of its own. */
async function runCommand(command: Extract<Command, { readonly kind: "setup" | "doctor" }>): Promise<number> {
  const { doctor, setup } = await import("./commands.js");
  const { exitCode, text, problem } =
    command.kind === "setup" ? await setup(command.config) : await doctor(command.config, startCommand());
  await print(process.stdout, printable(text));
  if (problem !== undefined) process.stderr.write(`artifacts-mcp: ${printable(problem)}\n`);
  return exitCode;
}

async function verify(config: VerifyConfig): Promise<number> {
  try {
    const { text, isSound } = await runVerify(config, process.stderr);
    await print(process.stdout, printable(text));
    return isSound ? 0 : 1;
  } catch (error) {
    explain(error);
    return 2;
  }
}

/** Whether the message of an error is one line that says what to do. */
function isExplained(error: unknown): error is Error {
  const kinds = [ConfigError, DataDirectoryError, HttpServiceError, OutputError, SqliteDriverError];
  return kinds.some((kind) => error instanceof kind);
}

function explain(error: unknown): void {
  const text = isExplained(error) ? errorMessage(error) : (error as Error).stack;
  process.stderr.write(`artifacts-mcp: ${printable(String(text))}\n`);
}

// stderr fails if its disk is full, its reader has ended or its terminal was closed. The server goes on without it.
process.stderr.on("error", () => undefined);

main().then(
  (code) => process.exit(code),
  (error) => {
    explain(error);
    process.exit(error instanceof ConfigError || error instanceof OutputError ? 2 : 1);
  },
);
