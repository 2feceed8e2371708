import { realpath } from "node:fs/promises";
import { loadSqliteDriver, SqliteDriverError } from "../engines/sqlite/database/driver.js";
import { runDoctor } from "./doctor/doctor-command.js";
import type { DoctorConfig } from "./options/command-line.js";
import { ConfigError } from "./options/config-error.js";
import type { SetupConfig } from "./options/setup-config.js";
import { runSetup, SetupError } from "./setup/setup-command.js";
import { surroundingsOfThisProcess } from "./setup/surroundings.js";

export { completionScript } from "./completion/completion-script.js";

/*
 * These commands are a bundle of their own, so that a start of the server does not read them. The bundle has its
 * own copies of the error classes: main.ts could not recognise these errors, so none is thrown from here.
 */

/** The result of a command. */
export interface Outcome {
  readonly exitCode: number;
  /** For stdout. */
  readonly text: string;
  /** One line for stderr, if the command failed. */
  readonly problem?: string;
}

export function setup(config: SetupConfig): Promise<Outcome> {
  return explained(async () => {
    if (config.action === "write") await loadSqliteDriver(); // without a driver, the server would end at its start
    const program = { node: process.execPath, main: await realpath(process.argv[1] ?? "") };
    return { exitCode: 0, text: await runSetup(config, program, surroundingsOfThisProcess()) };
  });
}

/** @param startCommand how the person starts this program */
export function doctor(config: DoctorConfig, startCommand: string): Promise<Outcome> {
  return explained(async () => {
    const { text, isSound } = await runDoctor(config, startCommand, surroundingsOfThisProcess());
    return { exitCode: isSound ? 0 : 1, text };
  });
}

async function explained(run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SetupError) return { exitCode: error.exitCode, text: "", problem: error.message };
    if (error instanceof ConfigError) return { exitCode: 2, text: "", problem: error.message };
    if (error instanceof SqliteDriverError) return { exitCode: 1, text: "", problem: error.message };
    throw error;
  }
}
