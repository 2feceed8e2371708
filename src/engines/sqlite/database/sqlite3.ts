import { fileURLToPath, pathToFileURL } from "node:url";
import type { ConnectionOptions, SqliteConnection, SqliteRow, SqliteValue } from "./connection.js";
import { openLocalConnection } from "./local-connection.js";
import { sharedSqliteThread } from "./sqlite-thread.js";

/*
 * Replaces the native package `sqlite3`, which would have to be compiled: `scripts/build.mjs` and `vitest.config.ts`
 * give this module to @keyv/sqlite. It has only the methods that @keyv/sqlite calls.
 */

/** Where the statements of a connection run: `local` in the calling thread, `thread` in `sharedSqliteThread`. */
export type ConnectionKind = "local" | "thread";

type Done<Result = void> = (error: Error | null, result?: Result) => void;

/** A URI that @keyv/sqlite passes on to `Database`: the file, and the kind and options of the connection. */
export function connectionUri(file: string, kind: ConnectionKind, options: ConnectionOptions = {}): string {
  const uri = pathToFileURL(file);
  uri.searchParams.set("kind", kind);
  uri.searchParams.set("options", JSON.stringify(options));
  return uri.href;
}

async function connect(uri: string): Promise<SqliteConnection> {
  if (!uri.startsWith("file:")) return sharedSqliteThread.connect(uri);
  const { searchParams } = new URL(uri);
  const file = fileURLToPath(uri.replace(/\?.*$/, ""));
  const options: ConnectionOptions = JSON.parse(searchParams.get("options") ?? "{}");
  return searchParams.get("kind") === "local"
    ? openLocalConnection(file, options)
    : sharedSqliteThread.connect(file, options);
}

class Database {
  readonly #connection: Promise<SqliteConnection>;

  /** @param uri from `connectionUri`, or a path @param opened called when the file was opened, or with the error */
  constructor(uri: string, opened: Done) {
    this.#connection = connect(uri);
    this.#connection.then(() => opened(null), opened);
  }

  configure(option: "busyTimeout", ms: number): void {
    if (option === "busyTimeout") void this.#connection.then((connection) => connection.setBusyTimeout(ms));
  }

  /** Runs a statement and passes its rows to the last argument. Its values are separate arguments or an array. */
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

// biome-ignore lint/style/noDefaultExport: the package has one
export default { Database };
