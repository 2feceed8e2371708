import { stat } from "node:fs/promises";
import { inspectSafety } from "../../engines/disk/safety.js";
import type { Log } from "../../store/ports/log.js";

/** Logs a warning if an allowed directory does not exist. It is no error: the directory may be made later. */
export async function warnIfMissing(path: string, log: Log): Promise<void> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) log("warn", "allowed_path_missing", { path, why: "no directory is there, so it allows nothing" });
}

/** Logs a warning for each way in which others can read or change the data directory. */
export async function warnIfUnsafe(root: string, log: Log): Promise<void> {
  const warnings = await inspectSafety(root, process.getuid?.()).catch((error) => {
    log("warn", "data_directory_not_inspected", { path: root, error: String(error) });
    return [];
  });
  for (const { event, ...facts } of warnings) log("warn", event, facts);
}
