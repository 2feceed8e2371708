import { DataDirectoryError } from "../../engines/data-directory-error.js";
import { inspectDataDirectory } from "../../engines/data-root.js";
import { inspectSafety } from "../../engines/disk/safety.js";
import { loadSqliteDriver, nodesWithSafeSqlite } from "../../engines/sqlite/database/driver.js";
import { errorMessage } from "../error-message.js";
import type { DoctorConfig } from "../options/command-line.js";
import type { Surroundings } from "../setup/surroundings.js";
import { fileSystemFinding } from "./file-system.js";
import { type Finding, fault, note, ok } from "./finding.js";
import { hostFindings } from "./host-findings.js";

export interface Report {
  readonly text: string;
  /** There is no fault. */
  readonly isSound: boolean;
}

/**
 * Reports on what a server needs, and on the hosts that are configured to start one. It changes nothing.
 *
 * @param startCommand how the person starts this program
 */
export async function runDoctor(
  config: DoctorConfig,
  startCommand: string,
  surroundings: Surroundings,
): Promise<Report> {
  const findings = [
    nodeFinding(),
    await driverFinding(),
    ...(await dataDirectoryFindings(config)),
    ...(await hostFindings(startCommand, surroundings)),
  ];
  return {
    text: findings.map(({ state, text }) => `${state.padEnd(6)}${text}\n`).join(""),
    isSound: findings.every(({ state }) => state !== "fault"),
  };
}

function nodeFinding(): Finding {
  const about = `Node ${process.version} at ${process.execPath}`;
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major >= 22) return ok(about);
  return note(`${about}: its support has ended; use ${nodesWithSafeSqlite}`);
}

async function driverFinding(): Promise<Finding> {
  try {
    const { name, sqliteVersion } = await loadSqliteDriver();
    return ok(`SQLite ${sqliteVersion} by ${name}`);
  } catch (error) {
    return fault((error as Error).message);
  }
}

async function dataDirectoryFindings({ root, isRootNamed }: DoctorConfig): Promise<Finding[]> {
  const descriptions = {
    store: "holds a store",
    empty: "empty; the first start fills it",
    missing: "not there yet; the first start makes it",
  };
  try {
    const found = await inspectDataDirectory(root, { isNamed: isRootNamed });
    const unsafe = (await inspectSafety(root, process.getuid?.())).map(({ path, why }) => note(`${path}: ${why}`));
    return [ok(`data directory ${root}: ${descriptions[found]}`), ...unsafe, await fileSystemFinding(root)];
  } catch (error) {
    if (error instanceof DataDirectoryError) return [fault(errorMessage(error))];
    throw error;
  }
}
