import { lstat, unlink } from "node:fs/promises";
import { getuid } from "node:process";
import { ignoringErrno } from "../file-system.js";
import type { PartName } from "./part-names.js";
import { isOfProcess } from "./problem-of.js";
import { systemPath } from "./system-path.js";

/** A writer that nobody can ask counts as ended when its file has not changed for as long. */
const silentMs = 60 * 60 * 1_000;

/**
 * Whether the hidden file at a path is a regular file of this user whose writer has ended. Anything else with such a name
 * is nobody's hidden file, and stays.
 */
export async function isLeft(path: string, { writer }: PartName): Promise<boolean> {
  const found = await orUndefined(() => lstat(systemPath(path)));
  if (found === undefined || !isOwnFile(found)) return false;
  return writer === "ended" || (writer === "elsewhere" && Date.now() - found.mtimeMs > silentMs);
}

/** Whether it is a regular file of this user. Windows tells no user. */
export function isOwnFile(stats: { isFile(): boolean; readonly uid: number }): boolean {
  return stats.isFile() && (getuid === undefined || stats.uid === getuid());
}

/** Removes a hidden file, if the system permits it. Returns whether it did. */
export async function removePart(path: string): Promise<boolean> {
  const remove = () => unlink(systemPath(path)).then(() => true);
  return (await orUndefined(() => ignoringErrno(["ENOENT"], remove, false))) ?? false;
}

/** The result of `attempt`; undefined if the system refuses it. @throws Error if the process lacks something */
export async function orUndefined<Result>(attempt: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await attempt();
  } catch (error) {
    if (isOfProcess(error)) throw error;
    return undefined;
  }
}
