import type { Log } from "../../store/ports/log.js";
import type { UserFiles } from "../../store/ports/user-files.js";
import type { Store } from "../../store/store.js";
import type { StoreCommandConfig } from "../options/store-command-config.js";
import type { Terminal } from "../terminal/terminal.js";

/** A fact of a command, or what tells it from the words and options, which may throw ConfigError. */
type Fact = boolean | ((config: StoreCommandConfig) => boolean);

/** A command on the artifacts of a store. */
export interface StoreCommand {
  /** Whether it changes the store, so that `ARTIFACTS_READ_ONLY` refuses it. */
  readonly isWriting: Fact;
  /** Whether all it does is to print, so that it ends when nobody reads stdout any more. */
  readonly isPrinter?: Fact;
  /** Whether it makes a store where there is none. */
  readonly makesStore?: Fact;
  /**
   * Checks the words and options, and what else can be checked before the store is opened or made. It is awaited, and its
   * result is not used.
   *
   * @throws ConfigError; ArtifactError as `run`
   */
  check(config: StoreCommandConfig): unknown;
  /**
   * Does the work. Returns the exit code, as `command-table.ts` says.
   *
   * @throws ArtifactError if the command as a whole could not be done: the caller prints its message and ends with 1
   */
  run(context: StoreCommandContext): Promise<number>;
}

/** @throws ConfigError */
export function isFact(fact: Fact | undefined, config: StoreCommandConfig): boolean {
  return typeof fact === "function" ? fact(config) : fact === true;
}

export interface StoreCommandContext {
  readonly config: StoreCommandConfig;
  readonly store: Store;
  /** The files of the person who runs the command. */
  readonly files: UserFiles;
  readonly terminal: Terminal;
  readonly log: Log;
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Who made a version, for `saved_by`. */
export const savedByCommand = "command line";
