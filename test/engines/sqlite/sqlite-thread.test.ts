import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { openLocalConnection } from "../../../src/engines/sqlite/local-connection.js";
import { SqliteThread } from "../../../src/engines/sqlite/sqlite-thread.js";
import { temporaryDirectory } from "../../support/directories.js";

const program = fileURLToPath(new URL("../../../dist/sqlite-thread.cjs", import.meta.url));
/** The thread's program fails at a connection that it does not know: a fault, of which it dies. */
const fault = { id: 0, request: { kind: "all", connection: -1, sql: "", values: [] } };

async function openRows(thread: SqliteThread) {
  const file = join(await temporaryDirectory(), "rows.sqlite");
  const pragmas = ["journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=7"];
  const connection = thread.connect(file, { pragmas, busyTimeoutMs: 60_000 });
  onTestFinished(() => connection.close());
  await connection.all("CREATE TABLE rows (key TEXT PRIMARY KEY)");
  return { file, connection };
}

it("a thread that ends fails what is under way as unknown, is reported, and is replaced", async () => {
  const thread = new SqliteThread(program);
  const reasons: Error[] = [];
  const stop = thread.onEnd((error) => reasons.push(error));
  const [{ file, connection }, { connection: other }] = [await openRows(thread), await openRows(thread)];
  await connection.all("INSERT INTO rows VALUES ('before')");
  const holder = await openLocalConnection(file);
  await holder.all("BEGIN IMMEDIATE");
  const calls = [connection.all("INSERT INTO rows VALUES ('waiting')"), connection.all("SELECT 1")];
  await other.all("SELECT 1"); // those before are with the thread now, and wait for the holder
  thread.current().postMessage(fault);
  const unknown = { status: "rejected", reason: { code: "SQLITE_THREAD_ENDED" } };
  expect(await Promise.allSettled(calls)).toMatchObject([unknown, unknown]);
  expect(reasons).toMatchObject([{ message: "connection -1 is not open" }]);

  // The connections are opened again, as they were set.
  await holder.all("ROLLBACK");
  await holder.close();
  await connection.all("INSERT INTO rows VALUES ('behind')");
  expect(await connection.all("SELECT key FROM rows ORDER BY key")).toEqual([{ key: "before" }, { key: "behind" }]);
  expect(await connection.all("PRAGMA wal_autocheckpoint")).toEqual([{ wal_autocheckpoint: 7 }]);
  expect(await other.all("SELECT key FROM rows")).toEqual([]);
  stop();
  thread.current().postMessage(fault);
  await expect(connection.all("SELECT 1")).rejects.toMatchObject({ code: "SQLITE_THREAD_ENDED" });
  expect(reasons).toHaveLength(1);
});

it("a thread that cannot be started fails each call, and the next one tries again", async () => {
  const folder = await temporaryDirectory();
  const thread = new SqliteThread(join(folder, "none.cjs"));
  const connection = thread.connect(join(folder, "rows.sqlite"));
  for (const _ of [1, 2]) {
    const failed = { code: "SQLITE_CANTOPEN", message: expect.stringContaining("none.cjs") };
    await expect(connection.all("SELECT 1")).rejects.toMatchObject(failed);
  }
  await connection.close();
});
