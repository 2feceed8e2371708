import { realpath } from "node:fs/promises";
import { loadSqliteDriver, SqliteDriverError } from "../engines/sqlite/database/driver.js";
import type { DoctorConfig, SetupConfig } from "./command-line.js";
import { runDoctor } from "./doctor-command.js";
import { ConfigError } from "./settings.js";
import { runSetup, SetupError } from "./setup/setup-command.js";
import { surroundingsOfThisProcess } from "./setup/surroundings.js";

/*
 * The commands that serve nobody: a bundle of their own, which a start of the server does not read. It has copies of
 * the classes that the server's bundle has too, so no error goes out of here.
 */

/** What a command came to. */
export interface Outcome {
  readonly exitCode: number;
  /** For stdout. */
  readonly text: string;
  /** One line for stderr, if it could not be done. */
  readonly problem?: string;
}

export function setup(config: SetupConfig): Promise<Outcome> {
  return explained(async () => {
    if (config.action === "write") await loadSqliteDriver(); // without one, what the host starts would end at once
    const program = { node: process.execPath, main: await realpath(process.argv[1] ?? "") };
    return { exitCode: 0, text: await runSetup(config, program, surroundingsOfThisProcess()) };
  });
}

/** @param program how the person starts this program */
export function doctor(config: DoctorConfig, program: string): Promise<Outcome> {
  return explained(async () => {
    const { text, isSound } = await runDoctor(config, program, surroundingsOfThisProcess());
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
