import { assembleNested } from "hyparquet/src/assemble.js";
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { jsonCell } from "../json-cell.js";
import type { Cell } from "../table.js";
import { Unreadable } from "../unreadable.js";
import type { ParquetColumn } from "./columns.js";

/** Makes the cells of a nested column from what its leaves have in the same rows. */
export function assembleColumn(column: ParquetColumn, leaves: readonly unknown[][]): Cell[] {
  const { tree } = column;
  const parts = new Map(column.leaves.map((leaf, index) => [pathOf(leaf.path.slice(1)), leaves[index] ?? []]));
  if (tree.children.length > 0) assembleNested(parts, tree, DEFAULT_PARSERS);
  const cells = parts.get(pathOf([tree]));
  if (cells === undefined) throw new Unreadable(`The column ${tree.element.name} cannot be put together.`);
  return Array.from(cells, jsonCell);
}

function pathOf(path: ParquetColumn["leaves"][number]["path"]): string {
  return path[path.length - 1]?.path.join(".") ?? "";
}
