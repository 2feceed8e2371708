import type { Log, LogLevel } from "../../store/ports/log.js";

/** A stream that tells how many bytes wait to be written. */
type Stderr = NodeJS.WritableStream & { readonly writableLength: number };

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** While this many bytes wait, nobody reads stderr. They would fill the memory, one line for each save. */
const maxWaitingBytes = 1024 * 1024;

/**
 * Creates a log on stderr, since stdout belongs to the protocol. An event is one line: time, level, event, facts as JSON.
 *
 * After a line could not be written, the log writes no more, and the server goes on. While nobody reads stderr, lines are
 * dropped; the event `log_lines_dropped` then says how many.
 *
 * @param least events below this level are left out
 */
export function createStderrLog(stderr: Stderr, least: LogLevel): Log {
  let isBroken = false;
  stderr.on("error", () => {
    isBroken = true;
  });
  let dropped = 0;
  function write(level: LogLevel, event: string, facts?: Readonly<Record<string, unknown>>): void {
    const details = facts === undefined ? "" : ` ${JSON.stringify(facts)}`;
    stderr.write(`${new Date().toISOString()} ${level} ${event}${details}\n`);
  }
  return (level, event, facts) => {
    if (isBroken || ranks[level] < ranks[least]) return;
    if (stderr.writableLength >= maxWaitingBytes) {
      dropped += 1;
      return;
    }
    if (dropped > 0) write("warn", "log_lines_dropped", { lines: dropped });
    dropped = 0;
    write(level, event, facts);
  };
}
