import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { expect, it, onTestFinished } from "vitest";
import { openLocalConnection } from "../../../src/engines/sqlite/database/local-connection.js";
import { SqliteThread } from "../../../src/engines/sqlite/database/sqlite-thread.js";
import { temporaryDirectory } from "../../support/directories.js";
import { canMount, coverReadOnly, memoryDisk, needsMounts } from "../../support/disks.js";

/** A request that makes the thread end with an error, because its connection is not open. */
const fatalRequest = { id: 0, request: { kind: "all", connection: -1, sql: "", values: [] } };

/** Resolves with the worker of the thread when it is running. */
async function started(thread: SqliteThread): Promise<Worker> {
  await expect.poll(() => thread.running()).toBeDefined();
  return thread.running() as Worker;
}

async function openRows(thread: SqliteThread) {
  const file = join(await temporaryDirectory(), "rows.sqlite");
  const pragmas = ["journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=7"];
  const connection = thread.connect(file, { pragmas, busyTimeoutMs: 60_000 });
  onTestFinished(() => connection.close());
  await connection.all("CREATE TABLE rows (key TEXT PRIMARY KEY)");
  return { file, connection };
}

it("a thread that ends fails the waiting calls with an unknown outcome, is reported, and is replaced", async () => {
  const thread = new SqliteThread({ delayMs: 0 });
  const worker = await started(thread);
  const reasons: Error[] = [];
  const stop = thread.onEnd((error) => reasons.push(error));
  const [{ file, connection }, { connection: other }] = [await openRows(thread), await openRows(thread)];
  await connection.all("INSERT INTO rows VALUES ('before')");
  const holder = await openLocalConnection(file);
  await holder.all("BEGIN IMMEDIATE");
  const calls = [connection.all("INSERT INTO rows VALUES ('waiting')"), connection.all("SELECT 1")];
  await other.all("SELECT 1"); // the calls before are in the thread now, and wait for the holder of the lock
  worker.postMessage(fatalRequest);
  const unknown = { status: "rejected", reason: { code: "SQLITE_THREAD_ENDED" } };
  expect(await Promise.allSettled(calls)).toMatchObject([unknown, unknown]);
  expect(reasons).toMatchObject([{ message: "connection -1 is not open" }]);

  // Until another thread is running, the connections are open in the calling thread, with the same settings.
  await holder.all("ROLLBACK");
  await holder.close();
  await connection.all("INSERT INTO rows VALUES ('behind')");
  expect(await connection.all("SELECT key FROM rows ORDER BY key")).toEqual([{ key: "before" }, { key: "behind" }]);
  expect(await connection.all("PRAGMA wal_autocheckpoint")).toEqual([{ wal_autocheckpoint: 7 }]);
  expect(await other.all("SELECT key FROM rows")).toEqual([]);
  expect(thread.isRunning(worker)).toBe(false);
  expect(reasons).toHaveLength(1);
  stop();
});

it("an idle thread does not keep the process alive", async () => {
  const ports = () => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
  const before = ports();
  const worker = await started(new SqliteThread({ delayMs: 0 }));
  expect(ports()).toBe(before); // also before its first request
  await worker.terminate();
});

it("close() succeeds if the thread ends meanwhile, because that closes its connections", async () => {
  const thread = new SqliteThread({ delayMs: 0 });
  const worker = await started(thread);
  const { connection } = await openRows(thread);
  worker.postMessage(fatalRequest);
  await connection.close();
  expect(thread.isRunning(worker)).toBe(false);
});

it("moves a connection to the thread between two statements, as soon as the thread is running", async () => {
  const thread = new SqliteThread({ delayMs: 0 });
  const { connection } = await openRows(thread);
  const keys = Array.from({ length: 2_000 }, (_, n) => String(n).padStart(4, "0"));
  const inserts = keys.map((key) => connection.all("INSERT INTO rows VALUES ($1) RETURNING key", [key]));
  const worker = await started(thread);
  const more = connection.all("INSERT INTO rows VALUES ('last') RETURNING key");
  expect(await Promise.all([...inserts, more])).toEqual([...keys, "last"].map((key) => [{ key }]));
  expect(thread.isRunning(worker)).toBe(true);
  const rows = await connection.all<{ key: string }>("SELECT key FROM rows ORDER BY rowid");
  expect(rows.map(({ key }) => key)).toEqual([...keys, "last"]);
  expect(await connection.all("PRAGMA wal_autocheckpoint")).toEqual([{ wal_autocheckpoint: 7 }]);
});

it.skipIf(!canMount)(`opens a file again if it was opened read-only before ${needsMounts}`, async () => {
  const disk = await memoryDisk(4 * 1024 * 1024);
  const file = join(disk.path, "rows.sqlite");
  for (const place of ["caller's", "other"]) {
    const thread = new SqliteThread({ delayMs: place === "other" ? 0 : 600_000 });
    const worker = place === "other" ? await started(thread) : undefined;
    const first = thread.connect(file, { pragmas: ["journal_mode=WAL"] });
    await first.all("CREATE TABLE IF NOT EXISTS rows (place TEXT)");
    const uncover = await coverReadOnly(disk.path);
    const connection = thread.connect(file, { mustExist: true });
    const insert = () => connection.all("INSERT INTO rows VALUES ($1) RETURNING place", [place]);
    for (const _ of [1, 2]) await expect(insert()).rejects.toMatchObject({ code: "SQLITE_READONLY" });
    uncover();
    expect(await insert()).toEqual([{ place }]);
    for (const each of [connection, first]) await each.close();
    await worker?.terminate();
  }
});

it.skipIf(!canMount)(
  `does not move a connection while the thread could open the file only for reading ${needsMounts}`,
  async () => {
    const disk = await memoryDisk(4 * 1024 * 1024);
    const thread = new SqliteThread({ delayMs: 0 });
    const connection = thread.connect(join(disk.path, "rows.sqlite"), { pragmas: ["journal_mode=WAL"] });
    await connection.all("CREATE TABLE rows (n INTEGER)");
    const uncover = await coverReadOnly(disk.path);
    await started(thread);
    const insert = (n: number) => connection.all("INSERT INTO rows VALUES ($1) RETURNING n", [n]);
    // The files of this connection are open already.
    expect(await Promise.all([insert(1), insert(2)])).toEqual([[{ n: 1 }], [{ n: 2 }]]);
    uncover();
    expect(await insert(3)).toEqual([{ n: 3 }]);
    await connection.close();
  },
);

it("works in the calling thread if the thread cannot be started, and reports why", async () => {
  const folder = await temporaryDirectory();
  const thread = new SqliteThread({ program: join(folder, "none.cjs"), delayMs: 0 });
  const reason = new Promise<Error>((resolve) => thread.onEnd(resolve));
  const { connection } = await openRows(thread);
  await connection.all("INSERT INTO rows VALUES ('before')");
  expect(String(await reason)).toContain("none.cjs");
  await connection.all("INSERT INTO rows VALUES ('behind')");
  expect(await connection.all("SELECT count(*) AS count FROM rows")).toEqual([{ count: 2 }]);
});
