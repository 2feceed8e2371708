import type { DatabaseSyncInstance } from "@photostructure/sqlite";
import type { RowChange } from "../../../store/ports/metadata-store.js";
import type { StoreChange } from "./connection.js";
import { table, wrap } from "./keyv-rows.js";
import { pieceTable } from "./tables.js";

/**
 * A transaction that makes changes. Its statements are compiled once. They are run by `get` or `run`, because with
 * these the prebuilt driver reports SQLite's code of an error.
 */
export class ChangeTransaction {
  readonly #statements;

  constructor(database: DatabaseSyncInstance) {
    this.#statements = {
      begin: database.prepare("BEGIN IMMEDIATE"),
      commit: database.prepare("COMMIT"),
      rollBack: database.prepare("ROLLBACK"),
      // SQLite compares bytes. JavaScript would compare decoded texts, in which all damaged bytes look the same.
      compare: database.prepare(`SELECT value = ? AS isEqual FROM ${table} WHERE key = ?`),
      insertRow: database.prepare(`INSERT INTO ${table} (key, value) VALUES (?, ?)`),
      updateRow: database.prepare(`UPDATE ${table} SET value = ? WHERE key = ?`),
      deleteRow: database.prepare(`DELETE FROM ${table} WHERE key = ?`),
      putPiece: database.prepare(
        `INSERT INTO ${pieceTable} (name, bytes) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes`,
      ),
      dropPiece: database.prepare(`DELETE FROM ${pieceTable} WHERE name = ?`),
    };
  }

  /** Takes the lock for writing, so that the compared rows cannot change before the end of the transaction. */
  begin(): void {
    this.#statements.begin.run();
  }

  /** Makes one change if all its rows match. Returns whether it was made. */
  make({ rows, put, drop }: StoreChange): boolean {
    if (!rows.every((row) => this.#matches(row))) return false;
    for (const row of rows) this.#changeRow(row);
    for (const { name, bytes } of put) this.#statements.putPiece.run(name, bytes);
    for (const name of drop) this.#statements.dropPiece.run(name);
    return true;
  }

  commit(): void {
    this.#statements.commit.run();
  }

  /** Ends a transaction that has failed. Does nothing if SQLite has ended it already. */
  rollBack(): void {
    try {
      this.#statements.rollBack.run();
    } catch {
      // Either no transaction is active, or the next `begin` fails and is followed by another roll back.
    }
  }

  #matches({ key, old }: RowChange): boolean {
    const found = this.#statements.compare.get(old === undefined ? null : wrap(old), key);
    return old === undefined ? found === undefined : found?.["isEqual"] === 1;
  }

  #changeRow({ key, old, next }: RowChange): void {
    if (next === old) return;
    if (next === undefined) this.#statements.deleteRow.run(key);
    else if (old === undefined) this.#statements.insertRow.run(key, wrap(next));
    else this.#statements.updateRow.run(wrap(next), key);
  }
}
