import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { SqliteThread } from "../../../src/engines/sqlite/sqlite-thread.js";
import { temporaryDirectory } from "../../support/directories.js";

const program = fileURLToPath(new URL("../../../dist/sqlite-thread.cjs", import.meta.url));
/** Keeps the thread at work for a moment. */
const slow = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 2000000) SELECT count(*) FROM n";

async function openRows(thread: SqliteThread) {
  const file = join(await temporaryDirectory(), "rows.sqlite");
  const options = { pragmas: ["journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=7"] };
  const connection = thread.connect(file, options);
  onTestFinished(() => connection.close());
  await connection.all("CREATE TABLE rows (key TEXT PRIMARY KEY)");
  return connection;
}

it("a thread that ends fails what is under way as unknown, is reported, and is replaced", async () => {
  const thread = new SqliteThread(program);
  const reasons: Error[] = [];
  const stop = thread.onEnd((error) => reasons.push(error));
  const connection = await openRows(thread);
  const other = await openRows(thread);
  await connection.all("INSERT INTO rows VALUES ('before')");
  const calls = [connection.all(slow), other.all("INSERT INTO rows VALUES ('under way')")];
  const ended = Promise.allSettled(calls);
  await setImmediate(); // both are with the thread now
  await thread.current().terminate();
  const unknown = { status: "rejected", reason: { code: "SQLITE_THREAD_ENDED" } };
  expect(await ended).toMatchObject([unknown, unknown]);
  expect(reasons).toMatchObject([{ message: expect.stringContaining("exit code 1") }]);

  // The connections are opened again, as they were set.
  await connection.all("INSERT INTO rows VALUES ('behind')");
  expect(await connection.all("SELECT key FROM rows ORDER BY key")).toEqual([{ key: "before" }, { key: "behind" }]);
  expect(await connection.all("PRAGMA wal_autocheckpoint")).toEqual([{ wal_autocheckpoint: 7 }]);
  await other.all("INSERT OR REPLACE INTO rows VALUES ('under way')");
  expect(await other.all("SELECT key FROM rows")).toEqual([{ key: "under way" }]);
  stop();
  await thread.current().terminate();
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
