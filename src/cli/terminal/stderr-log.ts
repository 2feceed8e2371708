import type { Log, LogLevel } from "../../store/ports/log.js";

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/**
 * Creates a log on stderr, since stdout belongs to the protocol. An event is one line: time, level, event, facts as JSON.
 *
 * After a line could not be written, the log writes no more, and the server goes on.
 *
 * @param least events below this level are left out
 */
export function createStderrLog(stderr: NodeJS.WritableStream, least: LogLevel): Log {
  let isBroken = false;
  stderr.on("error", () => {
    isBroken = true;
  });
  return (level, event, facts) => {
    if (isBroken || ranks[level] < ranks[least]) return;
    const details = facts === undefined ? "" : ` ${JSON.stringify(facts)}`;
    stderr.write(`${new Date().toISOString()} ${level} ${event}${details}\n`);
  };
}
