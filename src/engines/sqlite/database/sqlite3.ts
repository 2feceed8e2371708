import { fileURLToPath, pathToFileURL } from "node:url";
import type { ConnectionOptions, SqliteConnection, SqliteRow, SqliteValue } from "./connection.js";
import { openLocalConnection } from "./local-connection.js";
import { sharedSqliteThread } from "./sqlite-thread.js";

/*
 * Stands in for the native package `sqlite3`, which has to be compiled: `scripts/build.mjs` and `vitest.config.ts`
 * give it to @keyv/sqlite in its place. It has the methods that @keyv/sqlite calls, and no others.
 */

/** Where the statements of a connection run: `local` in the caller's thread, `thread` in `sharedSqliteThread`. */
export type Place = "local" | "thread";

type Done<Result = void> = (error: Error | null, result?: Result) => void;

/** A database file as @keyv/sqlite can hand it on: a URI with what the connection is to be. */
export function connectionUri(file: string, place: Place, options: ConnectionOptions = {}): string {
  const uri = pathToFileURL(file);
  uri.searchParams.set("place", place);
  uri.searchParams.set("options", JSON.stringify(options));
  return uri.href;
}

async function connect(uri: string): Promise<SqliteConnection> {
  if (!uri.startsWith("file:")) return sharedSqliteThread.connect(uri);
  const { searchParams } = new URL(uri);
  const file = fileURLToPath(uri.replace(/\?.*$/, ""));
  const options: ConnectionOptions = JSON.parse(searchParams.get("options") ?? "{}");
  return searchParams.get("place") === "local"
    ? openLocalConnection(file, options)
    : sharedSqliteThread.connect(file, options);
}

class Database {
  readonly #connection: Promise<SqliteConnection>;

  /** @param uri made by `connectionUri`, or a path @param opened called once the file is open, or is not */
  constructor(uri: string, opened: Done) {
    this.#connection = connect(uri);
    this.#connection.then(() => opened(null), opened);
  }

  configure(option: "busyTimeout", ms: number): void {
    if (option === "busyTimeout") void this.#connection.then((connection) => connection.setBusyTimeout(ms));
  }

  /** Runs a statement with its values, given one by one or as an array, and calls the last argument with its rows. */
  all(sql: string, ...rest: readonly [...unknown[], Done<SqliteRow[]>]): void {
    const done = rest.at(-1) as Done<SqliteRow[]>;
    const values = rest.slice(0, -1).flat() as SqliteValue[];
    this.#connection
      .then((connection) => connection.all(sql, values))
      .then(
        (rows) => done(null, rows),
        (error) => done(error),
      );
  }

  close(done: Done): void {
    this.#connection.then((connection) => connection.close()).then(() => done(null), done);
  }
}

// biome-ignore lint/style/noDefaultExport: the package's
export default { Database };
