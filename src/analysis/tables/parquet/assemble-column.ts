import type { SchemaTree } from "hyparquet";
import { assembleNested } from "hyparquet/src/assemble.js";
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { jsonCell } from "../json-cell.js";
import type { Cell } from "../table.js";
import { Unreadable } from "../unreadable.js";
import type { Leaf } from "./columns.js";

/**
 * Makes the cells of a nested column.
 *
 * @param parts what each leaf below it has in the same rows
 */
export function assembleColumn(tree: SchemaTree, parts: readonly { leaf: Leaf; rows: unknown[] }[]): Cell[] {
  const rowsByPath = new Map(parts.map(({ leaf, rows }) => [pathOf(leaf.path[leaf.path.length - 1]), rows]));
  if (tree.children.length > 0) assembleNested(rowsByPath, tree, DEFAULT_PARSERS);
  const cells = rowsByPath.get(pathOf(tree));
  if (cells === undefined) throw new Unreadable(`The column ${tree.element.name} cannot be put together.`);
  return Array.from(cells, jsonCell);
}

function pathOf(tree: SchemaTree | undefined): string {
  return tree?.path.join(".") ?? "";
}
