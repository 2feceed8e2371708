import { assembleNested } from "hyparquet/src/assemble.js";
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import type { Cell } from "../table.js";
import { BrokenParquet } from "./broken-parquet.js";
import type { ParquetColumn } from "./columns.js";

/** Makes the cells of a nested column from what its leaves have in the same rows. */
export function assembleColumn(column: ParquetColumn, leaves: readonly unknown[][]): Cell[] {
  const { tree } = column;
  const parts = new Map(column.leaves.map((leaf, index) => [pathOf(leaf.path.slice(1)), leaves[index] ?? []]));
  if (tree.children.length > 0) assembleNested(parts, tree, DEFAULT_PARSERS);
  const cells = parts.get(pathOf([tree]));
  if (cells === undefined) throw new BrokenParquet(`The column ${tree.element.name} cannot be put together.`);
  return Array.from(cells, jsonCell);
}

function pathOf(path: ParquetColumn["leaves"][number]["path"]): string {
  return path[path.length - 1]?.path.join(".") ?? "";
}

/** A value that JSON can show: integers that numbers cannot hold become texts, and bytes base64. */
export function jsonCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, jsonCell);
  if (Array.isArray(value)) return value.map(jsonCell);
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonCell(member)]));
  }
  return value as Cell;
}
