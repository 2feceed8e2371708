import process from "node:process";
import type { DatabaseSync } from "@photostructure/sqlite";

/** A library with the API of `node:sqlite`. */
export interface SqliteDriver {
  readonly name: "node:sqlite" | "@photostructure/sqlite";
  /** Version of the SQLite in it, like 3.51.3. */
  readonly sqliteVersion: string;
  readonly DatabaseSync: typeof DatabaseSync;
}

/** No SQLite driver can be loaded. The message is one line that says what to install. */
export class SqliteDriverError extends Error {
  override readonly name = "SqliteDriverError";
}

/**
 * The package that is used if Node has no safe SQLite. It closes a database only after the statements were collected as
 * garbage, so the WAL may stay beside the database after a server has ended.
 */
const fallback = "@photostructure/sqlite@1.2.1";
/** In older versions several writing processes could damage a database: https://sqlite.org/wal.html#walresetbug */
const minSqliteVersion = [3, 51, 3];

/** The versions of Node whose own SQLite is safe. */
export const nodesWithSafeSqlite = "Node 22 from 22.22.3 on, 24 from 24.15 on, or 26";

let loading: Promise<SqliteDriver> | undefined;

/**
 * Loads Node's own SQLite if it is safe, otherwise the prebuilt package. A process loads only one of them, because two
 * copies of SQLite in one process lose each other's locks (https://sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application).
 *
 * @throws SqliteDriverError
 */
export function loadSqliteDriver(): Promise<SqliteDriver> {
  loading ??= load();
  return loading;
}

async function load(): Promise<SqliteDriver> {
  const own = process.versions["sqlite"];
  if (own !== undefined && isSafe(own)) {
    const found = await nodeSqlite().catch(() => undefined); // Node can be started without it
    if (found !== undefined) return { name: "node:sqlite", sqliteVersion: own, ...found };
  }
  try {
    const { DatabaseSync } = await import("@photostructure/sqlite");
    const sqliteVersion = versionIn(DatabaseSync);
    if (!isSafe(sqliteVersion)) throw new Error(`it has SQLite ${sqliteVersion}`);
    return { name: "@photostructure/sqlite", sqliteVersion, DatabaseSync };
  } catch (cause) {
    throw new SqliteDriverError(problem(own, cause), { cause });
  }
}

/** Compares without `localeCompare`, because that loads tables for 5 ms. */
function isSafe(version: string): boolean {
  const numbers = version.split(".").map(Number);
  const differs = minSqliteVersion.findIndex((least, index) => numbers[index] !== least);
  return differs === -1 || (numbers[differs] ?? 0) > (minSqliteVersion[differs] ?? 0);
}

/** Loads `node:sqlite` without the warning of Node 22 on stderr that it is experimental. */
async function nodeSqlite(): Promise<Pick<SqliteDriver, "DatabaseSync">> {
  const { emitWarning } = process;
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).startsWith("SQLite is an experimental feature")) Reflect.apply(emitWarning, process, args);
  };
  try {
    const name = "node:sqlite"; // not a literal, because the types of Node 20 do not contain this module
    return await import(name);
  } finally {
    process.emitWarning = emitWarning;
  }
}

function versionIn(Database: typeof DatabaseSync): string {
  const database = new Database(":memory:");
  const row = database.prepare("SELECT sqlite_version() AS version").get();
  database.close();
  return String(row?.["version"]);
}

function problem(own: string | undefined, cause: unknown): string {
  const node = `Node ${process.version}`;
  const has = own === undefined ? "has no SQLite" : `has SQLite ${own}, which several processes cannot share safely`;
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  const isMissing = code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND";
  const remedy = isMissing
    ? `install ${fallback} beside artifacts-mcp (\`npm install ${fallback}\`, with -g if artifacts-mcp is installed globally)`
    : `install ${fallback} again: it is installed but cannot be used (${String(message).split("\n")[0]})`;
  return `${node} ${has}: use ${nodesWithSafeSqlite}, or ${remedy}.`;
}
