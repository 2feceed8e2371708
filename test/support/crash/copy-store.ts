import { cp, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Copies a folder that has a store in `root`. The copy shows the store at one moment.
 *
 * The prebuilt driver closes a database only when its statements are garbage collected. This can remove the log at any
 * later time, so a copy during which that happens is made again.
 */
export async function copyStore(from: string, to: string): Promise<void> {
  for (;;) {
    const before = await stateOf(from);
    const isWhole = await cp(from, to, { recursive: true, preserveTimestamps: true }).then(() => true, isGone);
    if (isWhole && before === (await stateOf(from))) return;
    await rm(to, { recursive: true, force: true });
  }
}

/** A text that changes if the log is moved into the database. */
async function stateOf(folder: string): Promise<string> {
  const files = ["metadata.sqlite", "metadata.sqlite-wal", "metadata.sqlite-shm"];
  const states = files.map((name) =>
    stat(join(folder, "root", name)).then(({ size, mtimeMs }) => `${name} ${size} ${mtimeMs}`, isGone),
  );
  return (await Promise.all(states)).join("\n");
}

/** Ignores a missing file. @throws any other error */
function isGone(error: NodeJS.ErrnoException): false {
  if (error.code !== "ENOENT") throw error;
  return false;
}
