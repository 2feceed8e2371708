import sqlite3 from "sqlite3";
import { isChanging } from "./sql.js";
import { step } from "./steps.js";

/** Each run of a statement that changes something is a step. */
class MortalDatabase extends sqlite3.Database {
  override prepare(sql: string, ...rest: unknown[]): sqlite3.Statement {
    const statement = super.prepare(sql, ...rest);
    const { all } = statement;
    if (isChanging(sql)) {
      statement.all = (...values: unknown[]) => {
        step();
        return all.apply(statement, values);
      };
    }
    return statement;
  }
}

export const mortalSqlite3 = { ...sqlite3, Database: MortalDatabase };
