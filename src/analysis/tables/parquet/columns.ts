import type { SchemaElement } from "hyparquet";
import type { ColumnType } from "../../../store/ports/description.js";
import { Unreadable } from "../unreadable.js";
import { type LeafType, leafTypeOf } from "./leaf-values.js";
import { flatElement, nestedElement } from "./library-elements.js";

/** A column of the table: a child of the schema's root. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** The elements of the schema that it has: itself, then all below it. */
  readonly elements: readonly SchemaElement[];
  /** What its values are; undefined for a nested column, which the library puts together. */
  readonly leaf: (LeafType & { readonly element: SchemaElement }) | undefined;
  /** The number of its first chunk in a row group. */
  readonly firstChunk: number;
  readonly chunks: number;
}

const maxDepth = 32;

/** The columns of a schema. @throws Unreadable if the schema is no tree, or a deep one */
export function columnsOf(schema: readonly SchemaElement[]): ParquetColumn[] {
  const [root] = schema;
  if (root === undefined) throw new Unreadable("The schema is empty.");
  if (schema.length === 1) return [];
  const columns: ParquetColumn[] = [];
  let firstChunk = 0;
  let at = 1;
  for (let left = childrenOf(root, schema.length); left > 0; left--) {
    const { end, leaves } = treeAt(schema, at, 0);
    columns.push({ ...columnOf(schema.slice(at, end)), firstChunk, chunks: leaves });
    firstChunk += leaves;
    at = end;
  }
  if (at !== schema.length) throw new Unreadable("The schema has elements that belong to no column.");
  return columns;
}

/** Names from the column to each of its leaves, in the order of the chunks. */
export function pathsOf(column: ParquetColumn): string[][] {
  const paths: string[][] = [];
  let at = 0;
  const visit = (parents: readonly string[]) => {
    const { name, num_children = 0 } = column.elements[at++] as SchemaElement;
    const path = [...parents, name];
    if (num_children === 0) paths.push(path);
    for (let left = num_children; left > 0; left--) visit(path);
  };
  visit([]);
  return paths;
}

/** How the library is to read the column. */
export function libraryElements({ elements, leaf }: ParquetColumn): SchemaElement[] {
  return leaf === undefined ? elements.map(nestedElement) : [flatElement(leaf)];
}

function columnOf(elements: readonly SchemaElement[]): Pick<ParquetColumn, "name" | "type" | "elements" | "leaf"> {
  const element = elements[0] as SchemaElement;
  const { name, converted_type, logical_type, repetition_type } = element;
  if (elements.length === 1 && repetition_type !== "REPEATED") {
    const leaf = { ...leafTypeOf(element), element };
    return { name, type: leaf.type, elements, leaf };
  }
  const isList = converted_type === "LIST" || logical_type?.type === "LIST" || repetition_type === "REPEATED";
  return { name, type: isList ? "list" : "object", elements, leaf: undefined };
}

/** Where the part of the schema ends that begins at `at`, and how many leaves it has. */
function treeAt(schema: readonly SchemaElement[], at: number, depth: number): { end: number; leaves: number } {
  const element = schema[at];
  if (element === undefined) throw new Unreadable("The schema breaks off.");
  if (typeof element.name !== "string") throw new Unreadable("A column has no name.");
  if (depth >= maxDepth) throw new Unreadable("The schema is nested too deeply.", "size");
  const children = childrenOf(element, schema.length);
  let end = at + 1;
  let leaves = children === 0 ? 1 : 0;
  for (let left = children; left > 0; left--) {
    const child = treeAt(schema, end, depth + 1);
    end = child.end;
    leaves += child.leaves;
  }
  return { end, leaves };
}

function childrenOf({ num_children = 0, type }: SchemaElement, most: number): number {
  if (type !== undefined && num_children === 0) return 0;
  const isValid = Number.isInteger(num_children) && num_children > 0 && num_children < most && type === undefined;
  if (!isValid) throw new Unreadable("A group of the schema has no valid number of members.");
  return num_children;
}
