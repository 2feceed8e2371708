import type { SchemaElement, SchemaTree } from "hyparquet";
import type { ColumnType } from "../../../store/ports/description.js";
import { Unreadable } from "../unreadable.js";
import { type LeafType, leafTypeOf } from "./leaf-values.js";

/** A column of the table: a child of the schema's root. What is below it is made when it is needed: there may be many. */
export class ParquetColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Its only leaf is the column itself, and has at most one value in a row. */
  readonly isFlat: boolean;
  /** The number of its first chunk in a row group. */
  readonly firstLeaf: number;
  readonly leafCount: number;
  readonly #schema: readonly SchemaElement[];
  readonly #at: number;

  /** @param at where it is in the schema */
  constructor(schema: readonly SchemaElement[], at: number, tree: SchemaTree, firstLeaf: number) {
    const { element, children } = tree;
    this.name = element.name;
    this.isFlat = children.length === 0 && element.repetition_type !== "REPEATED";
    this.type = this.isFlat ? leafTypeOf(element).type : nestedType(element);
    this.firstLeaf = firstLeaf;
    this.leafCount = countLeaves(tree);
    this.#schema = schema;
    this.#at = at;
  }

  tree(): SchemaTree {
    return treeAt(this.#schema, this.#at, []);
  }

  /** All leaves below it, or itself. */
  leaves(): Leaf[] {
    const [root] = this.#schema;
    if (root === undefined) return [];
    const rootTree: SchemaTree = { children: [], count: this.#schema.length, element: root, path: [] };
    return [...leavesOf(this.tree(), [rootTree])].map((path, index) => leafAt(path, this.firstLeaf + index));
  }
}

/** A leaf of the schema, which each row group has a column chunk of. */
export interface Leaf extends LeafType {
  /** The number of its chunk in a row group. */
  readonly index: number;
  readonly element: SchemaElement;
  /** From the root to the leaf. */
  readonly path: readonly SchemaTree[];
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

const maxDepth = 32;

/** The columns of a schema. @throws Unreadable if the schema is no tree, or a deep one */
export function columnsOf(schema: readonly SchemaElement[]): ParquetColumn[] {
  const [root] = schema;
  if (root === undefined) throw new Unreadable("The schema is empty.");
  if (schema.length === 1) return [];
  const columns: ParquetColumn[] = [];
  let leaves = 0;
  let at = 1;
  for (let left = childrenOf(root, schema.length); left > 0; left--) {
    const tree = treeAt(schema, at, []);
    const column = new ParquetColumn(schema, at, tree, leaves);
    columns.push(column);
    leaves += column.leafCount;
    at += tree.count;
  }
  if (at !== schema.length) throw new Unreadable("The schema has elements that belong to no column.");
  return columns;
}

function treeAt(schema: readonly SchemaElement[], index: number, parents: readonly string[]): SchemaTree {
  const element = schema[index];
  if (element === undefined) throw new Unreadable("The schema breaks off.");
  if (typeof element.name !== "string") throw new Unreadable("A column has no name.");
  if (parents.length >= maxDepth) throw new Unreadable("The schema is nested too deeply.", "size");
  const path = [...parents, element.name];
  const children: SchemaTree[] = [];
  let count = 1;
  for (let left = childrenOf(element, schema.length); left > 0; left--) {
    const child = treeAt(schema, index + count, path);
    count += child.count;
    children.push(child);
  }
  return { children, count, element: withConvertedType(element), path };
}

/** The library knows lists and maps only by their older names. */
function withConvertedType(element: SchemaElement): SchemaElement {
  const type = element.logical_type?.type;
  return type === "LIST" || type === "MAP" ? { ...element, converted_type: type } : element;
}

function childrenOf({ num_children = 0, type }: SchemaElement, most: number): number {
  if (type !== undefined && num_children === 0) return 0;
  const isValid = Number.isInteger(num_children) && num_children > 0 && num_children < most && type === undefined;
  if (!isValid) throw new Unreadable("A group of the schema has no valid number of members.");
  return num_children;
}

function* leavesOf(tree: SchemaTree, parents: readonly SchemaTree[]): Generator<readonly SchemaTree[]> {
  const path = [...parents, tree];
  if (tree.children.length === 0) yield path;
  for (const child of tree.children) yield* leavesOf(child, path);
}

function countLeaves({ children }: SchemaTree): number {
  return children.length === 0 ? 1 : children.reduce((sum, child) => sum + countLeaves(child), 0);
}

function leafAt(path: readonly SchemaTree[], index: number): Leaf {
  const [, ...below] = path;
  const { element } = below[below.length - 1] as SchemaTree;
  const isVariant = below.some((tree) => tree.element.logical_type?.type === "VARIANT");
  const type = leafTypeOf(element);
  return {
    ...type,
    // The library assembles variants from their bytes.
    toCell: isVariant && type.type === "bytes" ? (raw) => raw as Uint8Array : type.toCell,
    index,
    element,
    path,
    maxDefinition: below.filter((tree) => tree.element.repetition_type !== "REQUIRED").length,
    maxRepetition: below.filter((tree) => tree.element.repetition_type === "REPEATED").length,
  };
}

function nestedType({ converted_type, logical_type, repetition_type }: SchemaElement): ColumnType {
  const isList = converted_type === "LIST" || logical_type?.type === "LIST" || repetition_type === "REPEATED";
  return isList ? "list" : "object";
}
