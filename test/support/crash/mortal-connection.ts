import type { ConnectionOptions, SqliteConnection } from "../../../src/engines/sqlite/database/connection.js";
import { openLocalConnection } from "../../../src/engines/sqlite/database/local-connection.js";
import { withCaller } from "./steps.js";

/** Opens a connection whose statements record which code called them. */
export async function openMortalConnection(file: string, options?: ConnectionOptions): Promise<SqliteConnection> {
  const connection = await openLocalConnection(file, options);
  const { all, change } = connection;
  connection.all = (...values) => withCaller(() => all.apply(connection, values)) as never;
  connection.change = (...values) => withCaller(() => change.apply(connection, values));
  return connection;
}
