import { join } from "node:path";
import type { Log } from "../../store/ports/log.js";
import { errorCodeOf } from "../engine-error.js";
import type { LocalConnection } from "../sqlite/database/connection.js";
import { openLocalConnection } from "../sqlite/database/local-connection.js";

/**
 * The file that shows that a folder is a backup. It is made first, and stays empty. Processes lock it by SQLite's locks,
 * which the system takes back when a process dies, in containers too.
 */
export const claimFile = ".artifacts-mcp-backup";

export interface FolderClaim {
  release(): Promise<void>;
}

/**
 * Claims a folder until `release`, or until this process ends: for one writer, or for any number of readers. Undefined if
 * other processes have claimed it otherwise.
 *
 * A file system that has no locks, or cannot be written to, gives a claim that keeps nobody out; that is logged.
 */
export async function claimFolder(path: string, kind: "writer" | "reader", log: Log): Promise<FolderClaim | undefined> {
  let connection: LocalConnection | undefined;
  const release = async (): Promise<void> => {
    // The prebuilt driver may keep a closed connection open for a while, and with it the lock.
    await connection?.all("ROLLBACK").catch(() => undefined);
    await connection?.close();
  };
  try {
    // Nothing is ever written, so a journal would only be one more file.
    const options = { mustExist: kind === "reader", pragmas: ["journal_mode=MEMORY"] };
    connection = await openLocalConnection(join(path, claimFile), options);
    await connection.all(kind === "writer" ? "BEGIN EXCLUSIVE" : "BEGIN");
    await connection.all("SELECT count(*) FROM sqlite_schema"); // `BEGIN` alone takes no lock
    return { release };
  } catch (error) {
    await release();
    if (errorCodeOf(error) === "SQLITE_BUSY") return undefined;
    log("warn", "backup_not_locked", { path, error: String(error) });
    return { release: async () => undefined };
  }
}
