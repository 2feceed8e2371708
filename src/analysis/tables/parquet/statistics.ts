import type { Cell, Column } from "../table.js";
import type { Leaf, ParquetColumn } from "./columns.js";
import type { ColumnChunk } from "./footer.js";
import { plainTypeOf } from "./plain-values.js";

/** A column chunk, and the number of its rows. */
export interface CountedChunk extends ColumnChunk {
  readonly rows: number;
}

type Facts = Pick<Column, "empties" | "least" | "greatest">;
type Extreme = number | bigint | string | Date;

/** A shorter text is whole: no writer is known that cuts statistics before. */
const surelyWholeBytes = 16;
const mostChars = 100;

/** What the statistics of all row groups say of a column. What they leave open is absent. */
export function factsOf(column: ParquetColumn, chunks: readonly CountedChunk[]): Facts {
  const [leaf] = column.leaves();
  if (!column.isFlat || leaf === undefined) return {};
  const nulls = sumOf(chunks.map((chunk) => nullsIn(chunk, leaf)));
  const filled = chunks.filter((chunk) => nullsIn(chunk, leaf) !== chunk.rows);
  const least = extremeOf(filled, leaf, -1);
  const greatest = extremeOf(filled, leaf, 1);
  // An empty text is empty too, and would be the least one.
  const countsAll = leaf.type !== "text" || filled.length === 0 || (least !== undefined && least !== "");
  return {
    ...(nulls !== undefined && countsAll ? { empties: nulls } : {}),
    ...(least !== undefined && greatest !== undefined ? { least: shown(least), greatest: shown(greatest) } : {}),
  };
}

function nullsIn({ statistics }: ColumnChunk, leaf: Leaf): number | undefined {
  if (leaf.maxDefinition === 0) return 0;
  const nulls = statistics?.["field_3"];
  return typeof nulls === "bigint" && nulls >= 0n ? Number(nulls) : undefined;
}

function sumOf(counts: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const count of counts) {
    if (count === undefined) return undefined;
    sum += count;
  }
  return sum;
}

/** @param sign -1 for the least, 1 for the greatest */
function extremeOf(chunks: readonly ColumnChunk[], leaf: Leaf, sign: -1 | 1): Extreme | undefined {
  let extreme: Extreme | undefined;
  for (const { statistics } of chunks) {
    const value = statistics && extremeIn(statistics, leaf, sign);
    if (value === undefined) return undefined;
    if (extreme === undefined || compare(value, extreme) * sign > 0) extreme = value;
  }
  return extreme;
}

/** Numbers of fields: Statistics in https://github.com/apache/parquet-format (parquet.thrift). */
function extremeIn(statistics: Readonly<Record<string, unknown>>, leaf: Leaf, sign: -1 | 1): Extreme | undefined {
  const [field, exact, older] = sign === 1 ? ["field_5", "field_7", "field_1"] : ["field_6", "field_8", "field_2"];
  const bytes = statistics[field as string] ?? (leaf.signed ? statistics[older as string] : undefined);
  if (!(bytes instanceof Uint8Array) || !hasOrder(leaf)) return undefined;
  const isExact = statistics[exact as string];
  if (isExact === false) return undefined;
  if (leaf.element.type === "BYTE_ARRAY") {
    return isExact === true || bytes.length < surelyWholeBytes ? extremeAs(leaf.toCell(bytes)) : undefined;
  }
  const plain = plainTypeOf(leaf.element);
  if (bytes.length !== plain.width) return undefined;
  return extremeAs(leaf.toCell(plain.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0)));
}

function hasOrder({ type, element }: Leaf): boolean {
  return (type === "integer" || type === "number" || type === "time" || type === "text") && element.type !== "INT96";
}

function extremeAs(cell: Cell): Extreme | undefined {
  if (typeof cell === "number") return Number.isNaN(cell) ? undefined : cell;
  return typeof cell === "bigint" || typeof cell === "string" || cell instanceof Date ? cell : undefined;
}

/** Parquet orders texts by their bytes. */
function compare(a: Extreme, b: Extreme): number {
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function shown(extreme: Extreme): number | string {
  if (typeof extreme === "number") return extreme;
  return extreme instanceof Date ? extreme.toISOString() : String(extreme).slice(0, mostChars);
}
