import { mkdir, readdir, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ConnectionOptions, SqliteConnection } from "../../../src/engines/sqlite/database/connection.js";
import { loadSqliteDriver, type SqliteDriver } from "../../../src/engines/sqlite/database/driver.js";
import { openLocalConnection } from "../../../src/engines/sqlite/database/local-connection.js";
import { SqliteThread } from "../../../src/engines/sqlite/database/sqlite-thread.js";
import { temporaryDirectory } from "../../support/directories.js";

const isPackage = (await loadSqliteDriver()).name === "@photostructure/sqlite";

type Open = (file: string, options?: ConnectionOptions) => Promise<SqliteConnection>;

const insert = "INSERT INTO rows (key, value) VALUES ($1, $2) RETURNING key";
const pragmas = ["journal_mode=WAL", "synchronous=FULL"];

function connectionTests(place: string, openPlainly: Open) {
  const open: Open = async (file, options) => {
    const connection = await openPlainly(file, options);
    onTestFinished(() => connection.close());
    return connection;
  };
  async function openRows(options?: ConnectionOptions) {
    const file = join(await temporaryDirectory(), "rows %3F ü?.sqlite");
    const connection = await open(file, options);
    await connection.all("CREATE TABLE rows (key TEXT PRIMARY KEY, value TEXT)");
    return { file, connection };
  }

  describe(`a connection in the ${place}`, () => {
    it("runs statements in the order of the calls, with values of every type", async () => {
      const { connection } = await openRows();
      const [, , rows] = await Promise.all([
        connection.all(insert, ["a", "text"]),
        connection.all(insert, ["b", null]),
        connection.all("SELECT key, value FROM rows ORDER BY key"),
      ]);
      expect(rows).toEqual([
        { key: "a", value: "text" },
        { key: "b", value: null },
      ]);
      const types = "SELECT typeof(?) AS a, typeof(?) AS b, typeof(?) AS c, typeof(?) AS d";
      const values = ["x", 2 ** 53 - 1, 0.5, new Uint8Array([1])];
      expect(await connection.all(types, values)).toEqual([{ a: "text", b: "integer", c: "real", d: "blob" }]);
      const twice = "SELECT $2 || $1 || $2 AS text";
      expect(await connection.all(twice, ["a", "b"])).toEqual([{ text: "bab" }]);
      const many = Array.from({ length: 12 }, (_, n) => String.fromCharCode(97 + n));
      const joined = many.map((_, n) => `$${12 - n}`).join(" || ");
      expect(await connection.all(`SELECT ${joined} AS text`, many)).toEqual([{ text: "lkjihgfedcba" }]);
      await expect(connection.all("SELECT $1", ["a\0b"])).rejects.toThrow("NUL");
    });

    it("has the settings of its options before its first statement", async () => {
      const { connection } = await openRows({ pragmas });
      expect(await connection.all("PRAGMA journal_mode")).toEqual([{ journal_mode: "wal" }]);
      expect(await connection.all("PRAGMA synchronous")).toEqual([{ synchronous: 2 }]);
    });

    it("works with more different statements than it keeps compiled", async () => {
      const { connection } = await openRows();
      for (let n = 0; n < 250; n += 1) expect(await connection.all(`SELECT ${n} AS n`)).toEqual([{ n }]);
      expect(await connection.all("SELECT 0 AS n")).toEqual([{ n: 0 }]);
    });

    it("stays usable after a statement that fails to compile and one that fails to run", async () => {
      const { connection } = await openRows();
      const other = "INSERT INTO others (key) VALUES ($1)";
      await expect(connection.all(other, ["a"])).rejects.toMatchObject({ code: "SQLITE_ERROR" });
      await connection.all("CREATE TABLE others (key TEXT)");
      expect(await connection.all(other, ["a"])).toEqual([]);
      await connection.all(insert, ["a", "text"]);
      await expect(connection.all(insert, ["a", "text"])).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
      expect(await connection.all(insert, ["b", "text"])).toEqual([{ key: "b" }]);
    });

    it("commits the statements after one that failed because the database was busy, visibly to others", async () => {
      const { file, connection } = await openRows({ pragmas, busyTimeoutMs: 50 });
      const other = await open(file, { pragmas, busyTimeoutMs: 50 });
      expect(await connection.all(insert, ["a", "text"])).toEqual([{ key: "a" }]);
      await other.all("BEGIN IMMEDIATE");
      await expect(connection.all(insert, ["b", "text"])).rejects.toMatchObject({ code: "SQLITE_BUSY" });
      await other.all("COMMIT");
      const update = "UPDATE rows SET value = $1 WHERE key = $2 RETURNING key";
      expect(await connection.all(update, ["more", "a"])).toEqual([{ key: "a" }]);
      expect(await other.all("SELECT value FROM rows")).toEqual([{ value: "more" }]);
      expect(await other.all(insert, ["c", "text"])).toEqual([{ key: "c" }]); // nobody holds the lock
    });

    it("waits for a busy database without blocking the thread", async () => {
      const { file, connection } = await openRows({ pragmas, busyTimeoutMs: 60_000 });
      const other = await open(file, { pragmas });
      await other.all("BEGIN IMMEDIATE");
      const write = connection.all(insert, ["a", "text"]);
      expect(await Promise.race([write, delay(50, "waiting")])).toBe("waiting");
      expect(await other.all("SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await other.all("COMMIT");
      expect(await write).toEqual([{ key: "a" }]);
    });

    it("fails for a missing file without creating it, and opens it when it exists", async () => {
      const file = join(await temporaryDirectory(), "rows.sqlite");
      const attempt = () => open(file, { mustExist: true }).then((connection) => connection.all("SELECT 1 AS one"));
      for (const _ of [1, 2]) await expect(attempt()).rejects.toMatchObject({ code: "SQLITE_CANTOPEN" });
      const made = await open(file);
      await made.all("CREATE TABLE rows (key TEXT)");
      expect(await attempt()).toEqual([{ one: 1 }]);
    });

    it("reports SQLite's code for a file that is a folder, not a database, damaged, full or read-only", async () => {
      const folder = await temporaryDirectory();
      const read = async (file: string) => (await open(file)).all("SELECT * FROM sqlite_schema");
      await mkdir(join(folder, "folder"));
      await expect(read(join(folder, "folder"))).rejects.toMatchObject({ code: "SQLITE_CANTOPEN" });
      await writeFile(join(folder, "text"), "this is no database, and long enough to be looked at".repeat(20));
      await expect(read(join(folder, "text"))).rejects.toMatchObject({ code: "SQLITE_NOTADB" });

      const { file, connection } = await openRows();
      const [size] = await connection.all<{ page_count: number }>("PRAGMA page_count");
      await connection.all(`PRAGMA max_page_count=${size?.page_count}`);
      await expect(connection.all(insert, ["a", "x".repeat(100_000)])).rejects.toMatchObject({ code: "SQLITE_FULL" });
      await connection.all("PRAGMA query_only=ON");
      await expect(connection.all(insert, ["a", "x"])).rejects.toMatchObject({ code: "SQLITE_READONLY" });
      await connection.close();
      await truncate(file, 5_000);
      await expect(read(file)).rejects.toMatchObject({ code: "SQLITE_CORRUPT" });
    });

    it.skipIf(isPackage)("close() leaves only the database file in its folder (node:sqlite)", async () => {
      const { file, connection } = await openRows({ pragmas });
      for (let n = 0; n < 150; n += 1) await connection.all(`SELECT key FROM rows LIMIT ${n}`);
      await connection.all(insert, ["a", "text"]);
      expect(await readdir(dirname(file))).toHaveLength(3);
      await connection.close();
      expect(await readdir(dirname(file))).toEqual([basename(file)]);
    });

    it("rejects statements after close()", async () => {
      const { connection } = await openRows();
      const last = connection.all(insert, ["a", "text"]);
      await connection.close();
      expect(await last).toEqual([{ key: "a" }]);
      await expect(connection.all("SELECT 1")).rejects.toMatchObject({ code: "SQLITE_MISUSE" });
    });
  });
}

connectionTests("calling thread", openLocalConnection);

it("compiles each statement once", async () => {
  const driver: { DatabaseSync: SqliteDriver["DatabaseSync"] } = await loadSqliteDriver();
  const { DatabaseSync } = driver;
  onTestFinished(() => void Object.assign(driver, { DatabaseSync }));
  const compiled: string[] = [];
  driver.DatabaseSync = class extends DatabaseSync {
    override prepare(sql: string) {
      compiled.push(sql.split(" ")[0] ?? "");
      return super.prepare(sql);
    }
  };
  const connection = await openLocalConnection(":memory:");
  await connection.all("CREATE TABLE rows (key TEXT PRIMARY KEY, value TEXT)");
  for (const key of ["a", "b", "c"]) expect(await connection.all(insert, [key, "text"])).toEqual([{ key }]);
  expect(await connection.all("SELECT key FROM rows WHERE value = ?", ["text"])).toHaveLength(3);
  expect(compiled).toEqual(["CREATE", "INSERT", "SELECT"]);
  await connection.close();
});

const thread = new SqliteThread({ delayMs: 0 });
connectionTests("thread for writes", async (file, options) => {
  await expect.poll(() => thread.running()).toBeDefined();
  return thread.connect(file, options);
});
