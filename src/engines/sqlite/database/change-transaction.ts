import type { DatabaseSyncInstance } from "@photostructure/sqlite";
import type { RowChange } from "../../../store/ports/metadata-store.js";
import type { StoreChange } from "./connection.js";
import { table, wrap } from "./keyv-rows.js";
import { pieceTable } from "./tables.js";

/**
 * The statements of a transaction that makes changes. Each is compiled once, and run by `get` or `run`: with these the
 * prebuilt driver tells SQLite's code of an error.
 */
export class ChangeTransaction {
  readonly #statements;

  constructor(database: DatabaseSyncInstance) {
    this.#statements = {
      begin: database.prepare("BEGIN IMMEDIATE"),
      commit: database.prepare("COMMIT"),
      rollBack: database.prepare("ROLLBACK"),
      // SQLite compares bytes. JavaScript would compare what it reads, where damaged bytes all look the same.
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

  /** Takes the lock for writing, so that what is compared stays so until the end. */
  begin(): void {
    this.#statements.begin.run();
  }

  /** Makes one change if all its rows match. Answers whether it did. */
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

  /** Ends a transaction that has failed. SQLite has often ended it itself; then this does nothing. */
  rollBack(): void {
    try {
      this.#statements.rollBack.run();
    } catch {
      // No transaction is active, or the next one fails to begin and comes here again.
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
