import type { ConnectionOptions, SqliteConnection } from "../../../src/engines/sqlite/database/connection.js";
import { openLocalConnection } from "../../../src/engines/sqlite/database/local-connection.js";
import { askedFromHere } from "./steps.js";

/** The statements that it runs know who asked for them. */
export async function openMortalConnection(file: string, options?: ConnectionOptions): Promise<SqliteConnection> {
  const connection = await openLocalConnection(file, options);
  const { all, change } = connection;
  connection.all = (...values) => askedFromHere(() => all.apply(connection, values)) as never;
  connection.change = (...values) => askedFromHere(() => change.apply(connection, values));
  return connection;
}
