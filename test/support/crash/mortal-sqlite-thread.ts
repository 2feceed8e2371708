import type { SqliteConnection } from "../../../src/engines/sqlite/connection.js";
import { SqliteThread } from "../../../src/engines/sqlite/sqlite-thread.js";
import { isChanging } from "./sql.js";
import { step } from "./steps.js";

/** Each run of a statement that changes something is a step. */
class MortalSqliteThread extends SqliteThread {
  override connect(...args: Parameters<SqliteThread["connect"]>): SqliteConnection {
    const connection = super.connect(...args);
    const { all } = connection;
    connection.all = (sql, values) => {
      if (isChanging(sql)) step();
      return all.call(connection, sql, values) as never;
    };
    return connection;
  }
}

export const mortalSqliteThread = new MortalSqliteThread();
