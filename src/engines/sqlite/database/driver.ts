import process from "node:process";
import type { DatabaseSync } from "@photostructure/sqlite";

/** A library with the API of `node:sqlite`. */
export interface SqliteDriver {
  readonly name: "node:sqlite" | "@photostructure/sqlite";
  /** Version of the SQLite in it, like 3.51.3. */
  readonly sqliteVersion: string;
  readonly DatabaseSync: typeof DatabaseSync;
}

/** No driver can be loaded. The message is one line that says what to install. */
export class SqliteDriverError extends Error {
  override readonly name = "SqliteDriverError";
}

/**
 * What runs where Node has no SQLite that is safe, by name and version. It closes a database only after its statements
 * were collected as garbage, so the log of the writes may stay in its folder when a server has ended.
 */
const fallback = "@photostructure/sqlite@1.2.1";
/** Before it, several processes that write to one database could damage it: https://sqlite.org/wal.html#walresetbug */
const leastSqliteVersion = [3, 51, 3];

/** Those with a safe SQLite of their own. */
export const goodNodes = "Node 22 from 22.22.3 on, 24 from 24.15 on, or 26";

let loading: Promise<SqliteDriver> | undefined;

/**
 * Node's own SQLite if it is safe, otherwise the prebuilt package. A process loads one of them only: two copies of
 * SQLite in one process lose each other's locks (https://sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application).
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
    const found = await nodeSqlite().catch(() => undefined); // Node may have been told not to have it
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

/** Without `localeCompare`, which loads tables for 5 ms. */
function isSafe(version: string): boolean {
  const numbers = version.split(".").map(Number);
  const differs = leastSqliteVersion.findIndex((least, index) => numbers[index] !== least);
  return differs === -1 || (numbers[differs] ?? 0) > (leastSqliteVersion[differs] ?? 0);
}

/** `node:sqlite`, without the warning that it is experimental, which Node 22 prints to stderr. */
async function nodeSqlite(): Promise<Pick<SqliteDriver, "DatabaseSync">> {
  const { emitWarning } = process;
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).startsWith("SQLite is an experimental feature")) Reflect.apply(emitWarning, process, args);
  };
  try {
    const name = "node:sqlite"; // not a literal: the types of Node 20 do not know the module
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
    ? `install ${fallback} where artifacts-mcp is installed (\`npm install ${fallback}\`, with -g if that is global)`
    : `install ${fallback} again, which is there and cannot be used (${String(message).split("\n")[0]})`;
  return `${node} ${has}: use ${goodNodes}, or ${remedy}.`;
}
