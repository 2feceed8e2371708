import type { Log, LogLevel } from "../store/ports/log.js";

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/**
 * One line an event: time, level, event, and its facts as JSON. stdout belongs to the protocol.
 *
 * Once a line could not be written, no other one is: what the lines tell of goes on without them.
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
