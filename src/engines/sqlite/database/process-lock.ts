import { open } from "node:fs/promises";
import { ignoringErrno } from "../../file-system.js";
import { identityOf } from "./file-identity.js";
import { openLocalConnection } from "./local-connection.js";
import { SqliteError } from "./sqlite-error.js";

/** A file that this process has locked. */
export interface ProcessLock {
  release(): Promise<void>;
}

/** Another process has the lock, or has removed or replaced the file. */
const lostTo: readonly string[] = ["SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_MOVED"];

/**
 * Locks a file, which is made if it is missing. The system releases the lock when the process ends in any way, so it
 * tells whether the process still runs, which the number of a process does not: another one may get the number. Node has
 * no such locks, so this is the lock of an empty SQLite database.
 *
 * No other code of this process may open the file: closing it would release the lock.
 *
 * @param isShared any number of processes may have the lock at once, and none that does not share it
 * @returns undefined if another process has the lock, or has removed the file or its directory
 */
export async function lockForProcess(path: string, isShared = false): Promise<ProcessLock | undefined> {
  const made = await ignoringErrno(["ENOENT"], () => open(path, "a", 0o600), undefined);
  await made?.close();
  const identity = await identityOf(path);
  if (identity === undefined) return undefined;
  try {
    const connection = await openLocalConnection(path, { mustExist: true, identity, pragmas: ["journal_mode=MEMORY"] });
    try {
      await connection.all(isShared ? "BEGIN" : "BEGIN EXCLUSIVE");
      if (isShared) await connection.all("SELECT 1 FROM sqlite_schema"); // `BEGIN` alone takes no lock
      // A process that removed the file before it was locked may have gone on to remove more.
      if ((await identityOf(path)) !== identity)
        throw new SqliteError({ code: "SQLITE_MOVED", message: "the file was removed" });
    } catch (error) {
      await connection.close();
      throw error;
    }
    return {
      async release() {
        await connection.all("ROLLBACK"); // one of the drivers closes a database later
        await connection.close();
      },
    };
  } catch (error) {
    if (error instanceof SqliteError && lostTo.includes(error.code)) return undefined;
    throw error;
  }
}
