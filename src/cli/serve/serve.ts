import { isatty } from "node:tty";
import packageJson from "../../../package.json" with { type: "json" };
import { openDataDirectory } from "../../engines/data-directory.js";
import { loadSqliteDriver } from "../../engines/sqlite/database/driver.js";
import { AnalysisThreads } from "../../engines/threads/analysis-threads.js";
import { DigestThread } from "../../engines/threads/digest-thread.js";
import { createMcpServer } from "../../mcp/session/mcp-server.js";
import { serveStdio } from "../../mcp/stdio/serve-stdio.js";
import { fullNamesLog } from "../../store/bucket-prefix/full-names-log.js";
import { startAgeLimiter } from "../../store/maintenance/age-limiter.js";
import { startSweeper } from "../../store/maintenance/sweeper.js";
import type { Log } from "../../store/ports/log.js";
import { createStore } from "../../store/store.js";
import { withTimeout } from "../../store/with-timeout.js";
import type { ServeConfig } from "../options/serve-config.js";
import { printable } from "../terminal/printable.js";
import { createStderrLog } from "../terminal/stderr-log.js";
import { warnIfMissing, warnIfUnsafe } from "./directory-warnings.js";
import { greeting } from "./greeting.js";
import { prepareHttp } from "./http-service.js";
import type { ServeHooks } from "./serve-ephemeral.js";
import { openStdin } from "./stdin.js";

const { version } = packageJson;
/** After this time a host has sent its first requests, so the code that they need is compiled. */
const bytecodeDelayMs = 5_000;
/** Analyses may go on this long after stdin has ended. Hosts send SIGTERM two seconds after that. */
const analysisGraceMs = 1_000;

/**
 * Serves the store until stdin ends or a signal comes. Then answers the requests that it has received, and closes. An
 * analysis of content is ended: at once by a signal, or a second after the end of stdin.
 *
 * @returns the exit code
 * @throws DataDirectoryError, SqliteDriverError
 * @throws HttpServiceError if the address cannot be used, and there is no stdio to serve
 * @throws ConfigError as `serveEphemeral` does
 */
export async function serve(config: ServeConfig): Promise<number> {
  const log = createStderrLog(process.stderr, config.logLevel);
  const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", ...(config.ephemeral ? (["SIGHUP"] as const) : [])];
  const stopped = new Promise<string>((resolve) => {
    // `once`: at a second signal the default handler ends the process at once.
    for (const signal of signals) process.once(signal, resolve);
  });
  if (config.ephemeral) {
    const { serveEphemeral } = await import("./serve-ephemeral.js");
    return serveEphemeral(config, log, (...of) => serveStore(log, stopped, ...of));
  }
  await serveStore(log, stopped, config);
  return 0;
}

/** @param stopped resolves with the name of a signal */
async function serveStore(log: Log, stopped: Promise<string>, config: ServeConfig, hooks?: ServeHooks): Promise<void> {
  for (const path of config.allowPaths) void warnIfMissing(path, log);
  const opened = { isNamed: config.isRootNamed, isReadOnly: config.readOnly };
  const directory = await openDataDirectory(config.root, opened, log);
  void warnIfUnsafe(config.root, log);
  const http = config.http && (await prepareHttp(config.http, config, await directory.signingKey(), log));
  const digests = new DigestThread(log);
  const analyses = new AnalysisThreads(log);
  const store = createStore({ ...config, ...directory, ...(http && { urls: http.urls }), digests, analyses, log });
  const background = config.readOnly
    ? []
    : [startSweeper(store.sweep, log, http?.metrics.swept), startAgeLimiter(store.ageLimits, log)];
  const origin = await http?.start(store);
  const onToolCalled = http?.metrics.toolCalled;
  const mcpOptions = {
    ...config,
    store,
    log: fullNamesLog(log, config.bucketPrefix),
    version,
    hasUrls: origin !== undefined,
    onToolCalled,
  };
  const session = config.stdio
    ? await serveStdio(
        createMcpServer({ ...mcpOptions, isLocal: true }),
        openStdin(() => process.stdin),
        process.stdout,
        log,
      )
    : undefined;
  const { name: driver, sqliteVersion: sqlite } = await loadSqliteDriver();
  const { root, readOnly } = config;
  log("info", "started", { version, root, readOnly, driver, sqlite, ...(origin && { http: origin }) });
  setTimeout(() => STORE_BYTECODE?.(), bytecodeDelayMs).unref();
  if (session && isatty(0) && !config.ephemeral) process.stderr.write(printable(greeting(config.root)));
  hooks?.started();

  const reason = await Promise.race([stopped, ...(session ? [session.gone] : [])]);
  const finished = Promise.all([session?.finish(), http?.stop()]);
  await withTimeout(analysisGraceMs, Promise.race([stopped, finished]));
  await analyses.close(); // an answer would wait for them, longer than a host waits for the server
  await finished;
  await Promise.all(background.map((work) => work.stop()));
  await hooks?.ending(store);
  await store.close();
  await directory.close();
  log("info", "stopped", { reason });
  STORE_BYTECODE?.();
}
