import { compareKeys } from "../../../store/model/key-order.js";
import { artifactPrefix } from "../../../store/model/row-keys.js";
import type { SearchOrder, SearchQuery } from "../../../store/ports/artifact-index.js";
import type { SqliteValue } from "../database/connection.js";
import { type Clause, clause } from "./clause.js";
import type { IndexedTexts } from "./index-tokens.js";
import { rangesOf } from "./search-conditions.js";

/** An artifact that a search looks at. */
export interface SearchedRow extends IndexedTexts {
  readonly id: number;
  readonly bytes: number;
  readonly created_at: number;
}

/** Where an artifact stands in an order: the values of the order's columns. */
export type Position = readonly SqliteValue[];

/** A position as a text, with the row's key as it is without the bucket prefix. */
export function encodePosition(position: Position, bucketPrefix = ""): string {
  const shown = position.map((value) =>
    typeof value === "string" ? artifactPrefix + value.slice((artifactPrefix + bucketPrefix).length) : value,
  );
  return JSON.stringify(shown);
}

/** The opposite of `encodePosition`. */
export function decodePosition(text: string, bucketPrefix = ""): Position {
  const shown: Position = JSON.parse(text);
  return shown.map((value) =>
    typeof value === "string" ? artifactPrefix + bucketPrefix + value.slice(artifactPrefix.length) : value,
  );
}

interface Order {
  readonly columns: readonly ("created_at" | "bytes" | "id" | "row_key")[];
  readonly isDescending: boolean;
}

const orders: Readonly<Record<SearchOrder, Order>> = {
  newest: { columns: ["created_at", "id"], isDescending: true },
  oldest: { columns: ["created_at", "id"], isDescending: false },
  largest: { columns: ["bytes", "id"], isDescending: true },
  smallest: { columns: ["bytes", "id"], isDescending: false },
  key: { columns: ["row_key"], isDescending: false },
};

export const positionOf = (order: SearchOrder, row: SearchedRow): Position =>
  orders[order].columns.map((column) => row[column]);

/** Negative, 0 or positive if the position `a` comes before, equals or comes after `b`. */
export function comparePositions(order: SearchOrder, a: Position, b: Position): number {
  const { isDescending } = orders[order];
  for (const [n, value] of a.entries()) {
    const other = b[n];
    const difference = typeof value === "string" ? compareKeys(value, String(other)) : Number(value) - Number(other);
    if (difference !== 0) return isDescending ? -difference : difference;
  }
  return 0;
}

/** How a search reads artifacts in their order. */
export interface OrderedScan {
  /** `FROM` with the index that has the order. */
  readonly from: string;
  /** The conditions that the index answers. */
  readonly ranges: readonly Clause[];
  readonly columns: string;
  readonly orderBy: string;
  after(position: Position): Clause;
  upTo(position: Position): Clause;
}

export function orderedScan(wanted: SearchQuery): OrderedScan {
  const { columns, isDescending } = orders[wanted.order];
  const { index, ranges } = indexOf(columns[0], wanted);
  const list = columns.join(", ");
  const marks = columns.map(() => "?").join(", ");
  const compared = (operator: string, position: Position): Clause =>
    clause(`(${list}) ${operator} (${marks})`, ...position);
  return {
    from: `index_newest INDEXED BY ${index}`,
    ranges,
    columns: list,
    orderBy: columns.map((column) => (isDescending ? `${column} DESC` : column)).join(", "),
    after: (position) => compared(isDescending ? "<" : ">", position),
    upTo: (position) => compared(isDescending ? ">=" : "<=", position),
  };
}

function indexOf(column: Order["columns"][number] | undefined, wanted: SearchQuery) {
  const { row, bucket, time, size } = rangesOf(wanted);
  if (column === "created_at" && bucket.length > 0) return { index: "index_by_bucket", ranges: [...bucket, ...time] };
  // A search under a bucket prefix looks at no other buckets, and sorts what it finds.
  if (column === "row_key" || wanted.bucket_prefix) return { index: "index_by_row", ranges: row };
  return column === "bytes" ? { index: "index_by_size", ranges: size } : { index: "index_by_time", ranges: time };
}
