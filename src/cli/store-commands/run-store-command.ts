import { openDataDirectory } from "../../engines/data-directory.js";
import { AnalysisThreads } from "../../engines/threads/analysis-threads.js";
import { DigestThread } from "../../engines/threads/digest-thread.js";
import { createUserFiles } from "../../engines/user-files/create-user-files.js";
import { ArtifactError } from "../../store/model/errors.js";
import { createStore } from "../../store/store.js";
import { ConfigError } from "../options/config-error.js";
import type { StoreCommandConfig } from "../options/store-command-config.js";
import { createStderrLog } from "../terminal/stderr-log.js";
import { createTerminal, ReaderGone } from "../terminal/terminal.js";
import { messageForCommand } from "./message-for-command.js";
import { problemText } from "./problem-text.js";
import { isFact } from "./store-command.js";
import { storeCommands } from "./store-commands.js";

/** Ended by a signal, as shells say it: 128 and the number of SIGINT. */
const interrupted = 130;

/**
 * Runs a command on the artifacts of a store, while servers may run on it. Returns the exit code.
 *
 * @throws ConfigError, DataDirectoryError, OutputError
 */
export async function runStoreCommand(config: StoreCommandConfig): Promise<number> {
  const command = await storeCommands[config.command]();
  if (isFact(command.isWriting, config) && config.readOnly) {
    throw new ConfigError(`${config.command} changes the store, and ARTIFACTS_READ_ONLY is set: unset it`);
  }
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once("SIGINT", stop); // `once`: a second signal ends the process at once
  process.once("SIGTERM", stop);
  const terminal = createTerminal(process.stdout, process.stderr, {
    isPrinter: isFact(command.isPrinter, config),
    signal: stopping.signal,
  });
  try {
    await command.check(config);
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    terminal.problem(messageForCommand(error));
    return 1;
  }
  const log = createStderrLog(process.stderr, config.logLevel);
  const opened = { isNamed: config.isRootNamed, mustExist: !isFact(command.makesStore, config) };
  const directory = await openDataDirectory(config.root, opened, log);
  const analyses = new AnalysisThreads(log);
  const store = createStore({ ...config, ...directory, digests: new DigestThread(log), analyses, log });
  const files = createUserFiles(config.root, log);
  try {
    const code = await command.run({ config, store, files, terminal, log, signal: stopping.signal });
    return stopping.signal.aborted ? interrupted : code;
  } catch (error) {
    const code = endedBy(error, stopping.signal);
    if (code !== undefined) return code;
    if (!(error instanceof ArtifactError)) throw error;
    terminal.problem(await problemText(store.artifacts, error, config.words));
    return 1;
  } finally {
    await files.close();
    await analyses.close();
    await store.close();
    await directory.close();
  }
}

/** The exit code if the command was ended by a signal or by its reader. Undefined for any other error. */
function endedBy(error: unknown, { aborted, reason }: AbortSignal): number | undefined {
  if (aborted && error === reason) return interrupted;
  if (error instanceof ReaderGone) return aborted ? interrupted : 0; // Ctrl+C ends the reader too, and often sooner
  return undefined;
}
