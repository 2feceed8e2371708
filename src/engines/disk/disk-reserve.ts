import { randomBytes } from "node:crypto";
import { open, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { reserveBytes } from "../../store/model/limits.js";
import type { ContentStore } from "../../store/ports/content-store.js";
import type { Log } from "../../store/ports/log.js";
import { orElse } from "../file-system.js";

/** Makes the bytes on another thread, so that the process goes on with its work. */
const manyRandomBytes = promisify(randomBytes);

type Reserve = Pick<ContentStore, "releaseReserve" | "restoreReserve">;

/** The file `reserve`, whose space is given up on a full disk. */
export function createDiskReserve(root: string, log: Log): Reserve {
  const path = join(root, "reserve");
  return {
    releaseReserve: () => orElse(["ENOENT"], () => unlink(path).then(() => true), false),
    restoreReserve: () =>
      fillReserve(path).catch((error) => log("debug", "reserve_not_restored", { error: String(error) })),
  };
}

/**
 * Random bytes, so that no file system stores them in less space. A write that is cut short is kept: otherwise content
 * would take that space, and the next deletion might find no room.
 */
async function fillReserve(path: string): Promise<void> {
  const found = await orElse(["ENOENT"], () => stat(path), undefined);
  if (found?.size === reserveBytes) return;
  const file = await open(path, "w", 0o600);
  try {
    await file.write(await manyRandomBytes(reserveBytes));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
