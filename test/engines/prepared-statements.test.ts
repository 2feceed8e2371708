import { join } from "node:path";
import sqlite3 from "sqlite3";
import { expect, it, vi } from "vitest";
import { PreparedStatements } from "../../src/engines/prepared-statements.js";
import { temporaryDirectory } from "../support/directories.js";

const pragmas = ["journal_mode=WAL", "synchronous=FULL"];

async function openDatabase(): Promise<string> {
  const file = join(await temporaryDirectory(), "rows.sqlite");
  await new Promise<void>((resolve, reject) => {
    const database = new sqlite3.Database(file, (error) => error && reject(error));
    database.exec("CREATE TABLE rows (key TEXT PRIMARY KEY, value TEXT)", (error) => error && reject(error));
    database.close((error) => (error ? reject(error) : resolve()));
  });
  return file;
}

const insert = "INSERT INTO rows (key, value) VALUES ($1, $2) RETURNING key";

it("compiles a statement once, and tells the connection what it was told to", async () => {
  const prepare = vi.spyOn(sqlite3.Database.prototype, "prepare");
  const statements = new PreparedStatements(await openDatabase(), 1_000, pragmas);
  for (const key of ["a", "b", "c"]) expect(await statements.all(insert, [key, "text"])).toEqual([{ key }]);
  expect(await statements.all("SELECT key FROM rows WHERE value = $1", ["text"])).toHaveLength(3);
  expect(prepare.mock.calls.map(([sql]) => sql)).toEqual([insert, "SELECT key FROM rows WHERE value = $1"]);
  expect(await statements.all("PRAGMA journal_mode", [])).toEqual([{ journal_mode: "wal" }]);
  expect(await statements.all("PRAGMA synchronous", [])).toEqual([{ synchronous: 2 }]);
  await statements.close();
  prepare.mockRestore();
});

it("goes on after a statement that fails, as it is compiled and as it runs", async () => {
  const statements = new PreparedStatements(await openDatabase(), 1_000, pragmas);
  const other = "INSERT INTO others (key) VALUES ($1)";
  await expect(statements.all(other, ["a"])).rejects.toMatchObject({ code: "SQLITE_ERROR" });
  await statements.all("CREATE TABLE others (key TEXT)", []);
  expect(await statements.all(other, ["a"])).toEqual([]);
  await statements.all(insert, ["a", "text"]);
  await expect(statements.all(insert, ["a", "text"])).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
  expect(await statements.all(insert, ["b", "text"])).toEqual([{ key: "b" }]);
  await statements.close();
});

it("commits what follows a statement that found the database busy, for others to see", async () => {
  const file = await openDatabase();
  const [statements, other] = [1, 2].map(() => new PreparedStatements(file, 50, pragmas));
  if (statements === undefined || other === undefined) throw new Error("there are two");
  expect(await statements.all(insert, ["a", "text"])).toEqual([{ key: "a" }]);
  await other.all("BEGIN IMMEDIATE", []);
  await expect(statements.all(insert, ["b", "text"])).rejects.toMatchObject({ code: "SQLITE_BUSY" });
  await other.all("COMMIT", []);
  const update = "UPDATE rows SET value = $1 WHERE key = $2 RETURNING key";
  expect(await statements.all(update, ["more", "a"])).toEqual([{ key: "a" }]);
  expect(await other.all("SELECT value FROM rows", [])).toEqual([{ value: "more" }]);
  expect(await other.all(insert, ["c", "text"])).toEqual([{ key: "c" }]); // nobody holds the database
  for (const each of [statements, other]) await each.close();
});

it("looks for the database again where it could not be opened", async () => {
  const file = join(await temporaryDirectory(), "rows.sqlite");
  const statements = new PreparedStatements(file, 1_000, []);
  for (const _ of [1, 2]) {
    await expect(statements.all("SELECT 1", [])).rejects.toMatchObject({ code: "SQLITE_CANTOPEN" });
  }
  await statements.close();
});
