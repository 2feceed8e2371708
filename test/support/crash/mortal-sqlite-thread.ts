import type { SqliteConnection } from "../../../src/engines/sqlite/database/connection.js";
import { SqliteThread } from "../../../src/engines/sqlite/database/sqlite-thread.js";
import { withCaller } from "./steps.js";

/** The longest delay of a timer. */
const neverMs = 2 ** 31 - 1;

/** Never starts its thread. Every statement runs in the main thread, so that the process can be killed before each. */
class MortalSqliteThread extends SqliteThread {
  override connect(...args: Parameters<SqliteThread["connect"]>): SqliteConnection {
    const connection = super.connect(...args);
    const { all, change } = connection;
    connection.all = (...values) => withCaller(() => all.apply(connection, values)) as never;
    connection.change = (...values) => withCaller(() => change.apply(connection, values));
    return connection;
  }
}

export const mortalSqliteThread = new MortalSqliteThread({ delayMs: neverMs });
