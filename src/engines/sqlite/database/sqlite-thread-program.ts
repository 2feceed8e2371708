import { parentPort } from "node:worker_threads";
import type { PostedAnswer, PostedRequest } from "../../threads/worker-requests.js";
import type { IndexWork } from "../index/maintain-index.js";
import type { ConnectionOptions, SqliteConnection, SqliteValue, StoreChange } from "./connection.js";
import { SqliteDriverError } from "./driver.js";
import { openLocalConnection } from "./local-connection.js";
import { SqliteError, type SqliteFailure } from "./sqlite-error.js";

/* The program of the thread of `SqliteThread`: it runs statements on its own connections and answers each request. */

/** A request about a connection by its number. */
export type SqliteRequest = { readonly connection: number } & (
  | { readonly kind: "open"; readonly file: string; readonly options: ConnectionOptions }
  | { readonly kind: "all"; readonly sql: string; readonly values: readonly SqliteValue[] }
  | { readonly kind: "change"; readonly batch: readonly StoreChange[]; readonly checkpointPages: number }
  | { readonly kind: "index"; readonly work: IndexWork }
  | { readonly kind: "timeout"; readonly ms: number }
  | { readonly kind: "close" }
);

const connections = new Map<number, SqliteConnection>();

async function serve(request: SqliteRequest): Promise<unknown> {
  const { connection: id } = request;
  if (request.kind === "open") {
    connections.set(id, await openLocalConnection(request.file, request.options));
    return undefined;
  }
  const connection = connections.get(id);
  // This is a programming error, and it ends the thread.
  if (connection === undefined) throw new Error(`connection ${id} is not open`);
  switch (request.kind) {
    case "all":
      return connection.all(request.sql, request.values);
    case "change":
      return connection.change(request.batch, request.checkpointPages);
    case "index":
      return connection.maintainIndex(request.work);
    case "timeout":
      return connection.setBusyTimeout(request.ms);
    case "close":
      connections.delete(id);
      return connection.close();
  }
}

function toFailure(error: unknown): SqliteFailure {
  if (error instanceof SqliteError) return { code: error.code, message: error.message };
  if (error instanceof SqliteDriverError) return { code: "SQLITE_CANTOPEN", message: error.message };
  throw error;
}

function answer(id: number, given: Partial<PostedAnswer<SqliteFailure>>): void {
  parentPort?.postMessage({ id, ...given } satisfies PostedAnswer<SqliteFailure>);
}

parentPort?.on("message", ({ id, request }: PostedRequest<SqliteRequest>) => {
  void serve(request).then(
    (result) => answer(id, { result }),
    (error) => answer(id, { failure: toFailure(error) }),
  );
});
