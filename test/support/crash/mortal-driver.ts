import type { DatabaseSyncInstance, StatementSyncInstance } from "@photostructure/sqlite";
import { loadSqliteDriver as loadReal, type SqliteDriver } from "../../../src/engines/sqlite/database/driver.js";
import { isChanging } from "./sql.js";
import { step } from "./steps.js";

export { SqliteDriverError } from "../../../src/engines/sqlite/database/driver.js";

let loading: Promise<SqliteDriver> | undefined;

/** Loads the driver. Each run of a statement that changes the disk is a step. */
export function loadSqliteDriver(): Promise<SqliteDriver> {
  loading ??= loadReal().then((driver) => ({ ...driver, DatabaseSync: mortal(driver.DatabaseSync) }));
  return loading;
}

let fullCommits = 0;

/** Makes the next `COMMIT` of this process fail as on a full disk. The transaction is rolled back. */
export function failNextCommit(): void {
  fullCommits += 1;
}

function mortal(DatabaseSync: SqliteDriver["DatabaseSync"]): SqliteDriver["DatabaseSync"] {
  return new Proxy(DatabaseSync, {
    construct: (target, values) => mortalDatabase(Reflect.construct(target, values) as DatabaseSyncInstance),
  });
}

function mortalDatabase(database: DatabaseSyncInstance): DatabaseSyncInstance {
  return proxied(database, {
    prepare: (sql: string) => mortalStatement(sql, database.prepare(sql)),
    exec(sql: string) {
      if (isChanging(sql)) step();
      database.exec(sql);
    },
  });
}

function mortalStatement(sql: string, statement: StatementSyncInstance): StatementSyncInstance {
  const stepping =
    <Values extends unknown[], Result>(run: (...values: Values) => Result) =>
    (...values: Values): Result => {
      if (isChanging(sql)) step();
      if (sql === "COMMIT" && fullCommits > 0) {
        fullCommits -= 1;
        throw Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
      }
      return run.apply(statement, values);
    };
  return proxied(statement, {
    run: stepping(statement.run),
    get: stepping(statement.get),
    all: stepping(statement.all),
  });
}

/** The same object, with the methods in `own` instead of its own. */
function proxied<Target extends object>(target: Target, own: Readonly<Record<string, unknown>>): Target {
  return new Proxy(target, {
    get(_, name) {
      if (typeof name === "string" && name in own) return own[name];
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
