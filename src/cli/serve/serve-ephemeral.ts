import { makeEphemeralDirectory } from "../../engines/ephemeral-directory.js";
import { createArchiveFolders } from "../../engines/local-files/archive-folder.js";
import { type ArchiveTarget, lookAtTarget } from "../../store/archive/archive-target.js";
import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import { largestPageLimit } from "../../store/model/limits.js";
import { quote } from "../../store/model/quote.js";
import type { ArchiveFolder } from "../../store/ports/archive-folder.js";
import type { Log } from "../../store/ports/log.js";
import type { Store } from "../../store/store.js";
import { errorMessage } from "../error-message.js";
import { ConfigError } from "../options/config-error.js";
import type { ServeConfig } from "../options/serve-config.js";
import { startCommand } from "../start-command.js";
import { printable } from "../terminal/printable.js";

/** What is done besides while a store is served. */
export interface ServeHooks {
  /** Called when requests are served. */
  started(): void;
  /** Called after the last request was answered, before the store is closed. */
  ending(store: Store): Promise<void>;
}

type ServeStore = (config: ServeConfig, hooks: ServeHooks) => Promise<void>;

/**
 * Serves a store in a temporary directory, which is removed at the end. With `keepTo`, the store is exported before
 * that. If the export fails, or the server does, the directory stays, and stderr says where it is.
 *
 * @returns the exit code
 * @throws ConfigError if nothing can be exported to `keepTo`; the errors of `serveStore`
 */
export async function serveEphemeral(config: ServeConfig, log: Log, serveStore: ServeStore): Promise<number> {
  const { keepTo } = config;
  const directory = await makeEphemeralDirectory({ keepTo }, log);
  const { root } = directory;
  /** There may be something in the store that must not be lost. */
  let isAtRisk = false;
  try {
    const keeping = keepTo === undefined ? undefined : await keepingIn(keepTo, root, log);
    await serveStore(
      { ...config, root, isRootNamed: true },
      {
        started() {
          isAtRisk = keeping !== undefined;
        },
        async ending(store) {
          if (keeping !== undefined) isAtRisk = !(await keep(store, keeping, log));
        },
      },
    );
  } finally {
    if (isAtRisk) tell(`The store is kept in ${root}: ${startCommand()} export DIR --root ${root}`);
    else await directory.remove();
  }
  return isAtRisk ? 1 : 0;
}

/** Where a store is to be exported. */
interface Keeping {
  readonly folder: ArchiveFolder;
  /** What the directory had at the start. */
  readonly target: ArchiveTarget;
}

/** @throws ConfigError if no export can go there */
async function keepingIn(keepTo: string, root: string, log: Log): Promise<Keeping> {
  try {
    const folder = createArchiveFolders({ forbidden: root, log }).at(keepTo);
    return { folder, target: await lookAtTarget(folder) };
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    throw new ConfigError(`--keep-to cannot be used: ${error.message}`, { cause: error });
  }
}

/** Exports the store. Returns whether all is exported; if not, stderr has a line for each problem. */
async function keep(store: Store, { folder, target }: Keeping, log: Log): Promise<boolean> {
  const { path } = folder;
  const { data } = await store.uploads.list({ limit: largestPageLimit });
  if (data.length > 0) log("warn", "uploads_left_out", { uploads: data.length });
  const onProblem = (name: string, error: ArtifactError): void => tell(`${quote(name)}: ${error.message}`);
  try {
    // Some hosts start a server only to ask for its tools.
    if (!(await store.archive.hasBeenUsed()) && (await lookAtTarget(folder)).owned.size > 0) {
      log("info", "export_left", { path, why: "this run has saved nothing, so the earlier export stays" });
      return true;
    }
    // An earlier run may have exported to the same directory: what this one does not have must not be taken for its own.
    // The result of a run that has ended meanwhile is not replaced, because nobody may have looked at it yet.
    const wanted = { path, removesStale: true, replaces: target };
    const { failed, ...exported } = await store.archive.export(wanted, { onProblem });
    if (failed > 0) tell(`${count(failed, "artifact")} could not be exported to ${path}.`);
    else log("info", "exported", exported);
    return failed === 0;
  } catch (error) {
    tell(`The store could not be exported to ${path}: ${errorMessage(error as Error)}`);
    return false;
  }
}

function tell(line: string): void {
  process.stderr.write(`artifacts-mcp: ${printable(line)}\n`);
}
