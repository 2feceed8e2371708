import type { ColumnType } from "../../../store/ports/description.js";
import type { Cell, Table } from "../../tables/table.js";

/** What a cell is, beside its text. It counts in a comparison as the text does. */
export type CellKind = ColumnType | "";

/** The kinds of the cells of a table. */
export interface CellKinds {
  /** @param column index of its column in the table */
  of(cell: Cell, column: number): CellKind;
}

/** Kinds where one table has only texts: any two cells with the same text are equal. */
const noKinds: CellKinds = { of: () => "" };

/**
 * The kinds of cells of two tables. CSV has only texts, so if one of them is that, cells have no kind. JSON has no times, no
 * bytes and one kind of numbers: what another format has more counts as the kind that JSON writes it as.
 */
export function kindsOf(tables: readonly [Table, Table]): readonly [CellKinds, CellKinds] {
  if (tables.some(({ format }) => format === "csv" || format === "tsv")) return [noKinds, noKinds];
  const isJson = tables.some(({ format }) => format === "json" || format === "jsonl");
  const kinds = (table: Table): CellKinds => {
    const types = table.columns.map(({ type }) => (type === "mixed" || type === "empty" ? undefined : type));
    const kindOf = (cell: Cell, column: number): ColumnType =>
      cell === null || cell === undefined ? "empty" : (types[column] ?? typeOf(cell));
    return { of: isJson ? (cell, column) => asInJson(kindOf(cell, column)) : kindOf };
  };
  return [kinds(tables[0]), kinds(tables[1])];
}

function typeOf(cell: NonNullable<Cell>): ColumnType {
  if (typeof cell === "string") return "text";
  if (typeof cell === "number" || typeof cell === "bigint") return "number";
  if (typeof cell === "boolean") return "boolean";
  if (Array.isArray(cell)) return "list";
  if (cell instanceof Date) return "time";
  return cell instanceof Uint8Array || cell instanceof ArrayBuffer ? "bytes" : "object";
}

function asInJson(kind: ColumnType): ColumnType {
  if (kind === "integer") return "number";
  return kind === "time" || kind === "bytes" ? "text" : kind;
}
