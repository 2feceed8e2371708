import type { SqliteConnection } from "../../../src/engines/sqlite/database/connection.js";
import { SqliteThread } from "../../../src/engines/sqlite/database/sqlite-thread.js";
import { askedFromHere } from "./steps.js";

/** As long as a timer can be. */
const neverMs = 2 ** 31 - 1;

/** It never starts its thread: every statement runs in the process's own, where it can be killed before any of them. */
class MortalSqliteThread extends SqliteThread {
  override connect(...args: Parameters<SqliteThread["connect"]>): SqliteConnection {
    const connection = super.connect(...args);
    const { all, change } = connection;
    connection.all = (...values) => askedFromHere(() => all.apply(connection, values)) as never;
    connection.change = (...values) => askedFromHere(() => change.apply(connection, values));
    return connection;
  }
}

export const mortalSqliteThread = new MortalSqliteThread({ delayMs: neverMs });
