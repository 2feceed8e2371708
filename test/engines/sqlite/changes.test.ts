import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import type {
  ConnectionOptions,
  SqliteConnection,
  StoreChange,
} from "../../../src/engines/sqlite/database/connection.js";
import { openLocalConnection } from "../../../src/engines/sqlite/database/local-connection.js";
import { SqliteThread } from "../../../src/engines/sqlite/database/sqlite-thread.js";
import { makeTables } from "../../../src/engines/sqlite/database/tables.js";
import { groupedPage, rangePage } from "../../../src/engines/sqlite/ordered-pages.js";
import { temporaryDirectory } from "../../support/directories.js";

const writing: ConnectionOptions = { mustExist: true, busyTimeoutMs: 20_000, pragmas: ["synchronous=FULL"] };

async function newDatabase() {
  const file = join(await temporaryDirectory(), "metadata.sqlite");
  const reader = await openLocalConnection(file);
  onTestFinished(() => reader.close());
  await makeTables(reader);
  const keys = async () =>
    (await reader.all<{ key: string }>("SELECT key FROM keyv ORDER BY key")).map(({ key }) => key);
  const names = async () =>
    (await reader.all<{ name: string }>("SELECT name FROM pieces ORDER BY name")).map(({ name }) => name);
  return { file, reader, keys, names };
}

/** Creates rows, with a piece under the first key. */
const creation = (...keys: string[]): StoreChange => ({
  rows: keys.map((key) => ({ key, old: undefined, next: "1" })),
  put: [{ name: keys[0] ?? "", bytes: new Uint8Array(1_000) }],
  drop: [],
});

/** A request that makes the thread end with an error, because its connection is not open. */
const fatalRequest = { id: 0, request: { kind: "all", connection: -1, sql: "", values: [] } };

const thread = new SqliteThread({ delayMs: 0 });
async function inThread(file: string): Promise<SqliteConnection> {
  await expect.poll(() => thread.running()).toBeDefined();
  return thread.connect(file, writing);
}

for (const [place, connect] of [
  ["calling thread", (file: string) => openLocalConnection(file, writing)],
  ["thread for writes", inThread],
] as const) {
  describe(`a batch of changes in the ${place}`, () => {
    async function open(file: string): Promise<SqliteConnection> {
      const connection = await connect(file);
      onTestFinished(() => connection.close());
      return connection;
    }

    it("makes each change whose rows match after the changes before it, and no part of the others", async () => {
      const { file, keys, names } = await newDatabase();
      const connection = await open(file);
      const replacing: StoreChange = { rows: [{ key: "a", old: "1", next: "2" }], put: [], drop: ["a"] };
      const batch = [creation("a", "b"), creation("c", "b"), replacing, replacing, creation("d")];
      expect(await connection.change(batch, 1_000)).toEqual([true, false, true, false, true]);
      expect(await keys()).toEqual(["a", "b", "d"]);
      expect(await names()).toEqual(["d"]);
    });

    it("is rolled back if a statement fails, and the connection stays usable", async () => {
      const { file, reader, keys, names } = await newDatabase();
      const connection = await open(file);
      await reader.all(
        "CREATE TRIGGER no BEFORE INSERT ON keyv WHEN new.key = 'bad' BEGIN SELECT raise(ABORT, 'no'); END",
      );
      const failed = connection.change([creation("a"), creation("b", "bad"), creation("c")], 1_000);
      await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
      expect(await connection.change([creation("d")], 1_000)).toEqual([true]);
      expect(await keys()).toEqual(["d"]);
      expect(await names()).toEqual(["d"]);
    });

    it("is rolled back if the commit fails, and the connection stays usable", async () => {
      const { file, reader, keys } = await newDatabase();
      const connection = await open(file);
      await reader.all("CREATE TABLE parent (id INTEGER PRIMARY KEY)");
      await reader.all("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
      await reader.all(
        "CREATE TRIGGER fails AFTER INSERT ON keyv WHEN new.key = 'bad' BEGIN INSERT INTO child VALUES (1); END",
      );
      await connection.all("PRAGMA foreign_keys=ON");
      const failed = connection.change([creation("a"), creation("bad")], 1_000);
      await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
      expect(await keys()).toEqual([]);
      expect(await connection.change([creation("a")], 1_000)).toEqual([true]);
      expect(await keys()).toEqual(["a"]);
    });

    it("waits for the transaction of another connection, and fails with SQLITE_BUSY if that takes too long", async () => {
      const { file, reader } = await newDatabase();
      const connection = await open(file);
      await reader.all("BEGIN IMMEDIATE");
      const change = connection.change([creation("a")], 1_000);
      expect(await Promise.race([change, delay(50, "waiting")])).toBe("waiting");
      await reader.all("COMMIT");
      expect(await change).toEqual([true]);
      await connection.setBusyTimeout(20);
      await reader.all("BEGIN IMMEDIATE");
      await expect(connection.change([creation("b")], 1_000)).rejects.toMatchObject({ code: "SQLITE_BUSY" });
      await reader.all("COMMIT");
      expect(await connection.change([creation("b")], 1_000)).toEqual([true]);
    });

    it("checkpoints the WAL at the given length", async () => {
      const { file, reader } = await newDatabase();
      const connection = await open(file);
      const movedPages = async (): Promise<number | undefined> => {
        const [row] = await reader.all<{ checkpointed: number }>("PRAGMA wal_checkpoint(NOOP)").catch(() => []);
        return row?.checkpointed;
      };
      await connection.change([creation("a")], 1_000);
      const before = await movedPages();
      await connection.change([creation("b")], 1);
      expect(await connection.all("PRAGMA wal_autocheckpoint")).toEqual([{ wal_autocheckpoint: 1 }]);
      if (before !== undefined) expect(await movedPages()).toBeGreaterThan(before);
      await connection.change([creation("c")], 1_000);
      expect(await connection.all("PRAGMA wal_autocheckpoint")).toEqual([{ wal_autocheckpoint: 1_000 }]);
    });
  });
}

it("a change whose thread ends while it waits fails with an unknown outcome, and was not made", async () => {
  const { file, reader, keys } = await newDatabase();
  const own = new SqliteThread({ delayMs: 0 });
  await expect.poll(() => own.running()).toBeDefined();
  const connection = own.connect(file, writing);
  onTestFinished(() => connection.close());
  expect(await connection.change([creation("before")], 1_000)).toEqual([true]);
  await reader.all("BEGIN IMMEDIATE");
  const change = connection.change([creation("a")], 1_000);
  await delay(20);
  const outcome = expect(change).rejects.toMatchObject({ name: "SqliteThreadError", code: "SQLITE_THREAD_ENDED" });
  own.running()?.postMessage(fatalRequest);
  await outcome;
  await reader.all("COMMIT");
  expect(await keys()).toEqual(["before"]);
  // This runs in the calling thread, until another thread is running.
  expect(await connection.change([creation("a")], 1_000)).toEqual([true]);
});

it("if the thread ends during changes, each change is made or not made, and nobody is blocked", async () => {
  const { file, reader, keys, names } = await newDatabase();
  const expected = new Set<string>();
  for (let round = 0; round < 15; round += 1) {
    const own = new SqliteThread({ delayMs: 0 });
    await expect.poll(() => own.running()).toBeDefined();
    const connection = own.connect(file, writing);
    const batches = Array.from({ length: 40 }, (_, n) => `${round}-${n}`);
    const calls = batches.map((name) => connection.change([creation(name, `${name} too`)], 1_000));
    const outcomes = Promise.allSettled(calls);
    if (round % 2 === 1) await Promise.race([calls[round], delay(round)]);
    own.running()?.postMessage(fatalRequest);
    for (const [n, { status }] of (await outcomes).entries()) {
      if (status === "fulfilled") expected.add(batches[n] ?? "");
    }
    await connection.close();
    // The next connection can write.
    const next = await openLocalConnection(file, { ...writing, busyTimeoutMs: 2_000 });
    expect(await next.change([creation(`${round} next`, `${round} next too`)], 1_000)).toEqual([true]);
    await next.close();
  }
  const pieces = await names();
  expect(await keys()).toEqual(pieces.flatMap((name) => [name, `${name} too`]).sort());
  expect([...expected].filter((name) => !pieces.includes(name))).toEqual([]);
  expect(await reader.all("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
});

it("the statements of pages search in the index at each step", async () => {
  const { reader } = await newDatabase();
  for (const isIncluded of [true, false]) {
    const start = { key: "a", isIncluded };
    const pages = [
      { sql: rangePage(start), values: ["a", "b", 3] },
      { sql: groupedPage(start), values: ["a", "/", "a", "b", 3] },
    ];
    for (const { sql, values } of pages) {
      const plan = await reader.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, values);
      const steps = plan.map(({ detail }) => detail).filter((detail) => /keyv|first|later|found/.test(detail));
      expect(steps.length).toBeGreaterThan(0);
      for (const step of steps) expect(step).toMatch(/^SEARCH .* USING .*INDEX sqlite_autoindex_keyv_1 \(key[>=]/);
    }
  }
});
