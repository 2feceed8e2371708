import { parentPort } from "node:worker_threads";
import type { SqliteConnection } from "./connection.js";
import { SqliteDriverError } from "./driver.js";
import { openLocalConnection } from "./local-connection.js";
import { SqliteError, type SqliteFailure } from "./sqlite-error.js";
import type { ThreadAnswer, ThreadRequest } from "./sqlite-thread.js";

/* The program of `SqliteThread`: it runs statements on connections of its own and answers each request. */

const connections = new Map<number, SqliteConnection>();

async function serve(request: ThreadRequest): Promise<unknown> {
  const { connection: id } = request;
  if (request.kind === "open") {
    connections.set(id, await openLocalConnection(request.file, request.options));
    return undefined;
  }
  const connection = connections.get(id);
  if (connection === undefined) throw new Error(`connection ${id} is not open`); // a fault: it ends the thread
  switch (request.kind) {
    case "all":
      return connection.all(request.sql, request.values);
    case "change":
      return connection.change(request.batch, request.logPages);
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

function answer(id: number, given: Partial<ThreadAnswer>): void {
  parentPort?.postMessage({ id, ...given } satisfies ThreadAnswer);
}

parentPort?.on("message", ({ id, request }: { readonly id: number; readonly request: ThreadRequest }) => {
  void serve(request).then(
    (result) => answer(id, { result }),
    (error) => answer(id, { failure: toFailure(error) }),
  );
});
