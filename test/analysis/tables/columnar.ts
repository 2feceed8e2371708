import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openArrowTable } from "../../../src/analysis/tables/arrow-table.js";
import { jsonCell } from "../../../src/analysis/tables/json-cell.js";
import { openParquetTable } from "../../../src/analysis/tables/parquet-table.js";
import type { Cell, Table, WantedRows } from "../../../src/analysis/tables/table.js";

const files = fileURLToPath(new URL("files/", import.meta.url));

/** Paths of the test files in a folder, as `parquet/nulls.snappy.parquet`. */
export function filesIn(folder: string): string[] {
  return readdirSync(files + folder).map((name) => `${folder}/${name}`);
}

export function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(files + path));
}

export function isArrow(path: string): boolean {
  return /\.(arrows?|feather)$/.test(path);
}

/** Opens bytes as Parquet or Arrow, as the name says. @param isOver whether the time is over */
export async function openTableIn(path: string, bytes: Uint8Array, isOver = () => false): Promise<Table> {
  const read = async (start: number, length: number) => bytes.slice(start, start + length);
  const open = isArrow(path) ? openArrowTable : openParquetTable;
  return open({ key: path, mimeType: "", bytes: bytes.length, read }, { isOver, report: () => undefined });
}

/** All rows that are wanted, with their numbers in order. */
export async function rowsOf(table: Table, wanted?: WantedRows): Promise<(readonly Cell[])[]> {
  const rows: (readonly Cell[])[] = [];
  let next = wanted?.from ?? 1;
  for await (const batch of table.batches(wanted)) {
    if (batch.first !== next) throw new Error(`a batch begins with row ${batch.first} instead of ${next}`);
    rows.push(...batch.rows);
    next += batch.rows.length;
  }
  return rows;
}

/** A cell as expected.json has it. */
export function comparable(cell: Cell): unknown {
  if (cell instanceof Date) return { time: cell.getTime() };
  const plain = jsonCell(cell);
  return typeof plain === "number" && !Number.isFinite(plain) ? String(plain) : plain;
}
