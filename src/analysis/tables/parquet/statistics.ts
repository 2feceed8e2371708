import type { RowGroup, SchemaElement, Statistics } from "hyparquet";
import type { Cell, Column } from "../table.js";
import type { ParquetColumn } from "./columns.js";
import type { RawValue } from "./leaf-values.js";

type Leaf = NonNullable<ParquetColumn["leaf"]>;
type Facts = Pick<Column, "empties" | "least" | "greatest">;
type Extreme = number | bigint | string | Date;
/** What the footer says of a column chunk. */
interface Chunk {
  readonly rows: number;
  readonly statistics: Statistics | undefined;
}

/** A shorter text is whole: no writer is known that cuts statistics before. */
const surelyWholeBytes = 16;
const mostChars = 100;

/** What the statistics of all row groups say of a column. What they leave open is absent. */
export function factsOf({ leaf, firstChunk }: ParquetColumn, groups: readonly RowGroup[]): Facts {
  if (leaf === undefined || groups.some(({ columns }) => columns[firstChunk]?.meta_data === undefined)) return {};
  const chunks = groups.map(({ num_rows, columns }) => ({
    rows: Number(num_rows),
    statistics: columns[firstChunk]?.meta_data?.statistics,
  }));
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

function nullsIn({ statistics }: Chunk, { element }: Leaf): number | undefined {
  if (element.repetition_type === "REQUIRED") return 0;
  const nulls = statistics?.null_count;
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
function extremeOf(chunks: readonly Chunk[], leaf: Leaf, sign: -1 | 1): Extreme | undefined {
  let extreme: Extreme | undefined;
  for (const { statistics } of chunks) {
    const value = statistics && extremeIn(statistics, leaf, sign);
    if (value === undefined) return undefined;
    if (extreme === undefined || compare(value, extreme) * sign > 0) extreme = value;
  }
  return extreme;
}

function extremeIn(statistics: Statistics, leaf: Leaf, sign: -1 | 1): Extreme | undefined {
  const { max, min, max_value, min_value, is_max_value_exact, is_min_value_exact } = statistics;
  const [value, isExact, older] =
    sign === 1 ? [max_value, is_max_value_exact, max] : [min_value, is_min_value_exact, min];
  const raw = value ?? (leaf.signed ? older : undefined);
  if (raw === undefined || isExact === false || !hasOrder(leaf)) return undefined;
  if (raw instanceof Uint8Array && !isWhole(raw, leaf.element, isExact)) return undefined;
  if (typeof raw === "number" && isDecimal(leaf.element)) return decimalOf(raw, leaf);
  return extremeAs(leaf.toCell(raw as RawValue));
}

/** The library leaves numbers of another length than their type has as bytes. */
function isWhole({ length }: Uint8Array, { type, type_length }: SchemaElement, isExact: boolean | undefined): boolean {
  if (type === "BYTE_ARRAY") return isExact === true || length < surelyWholeBytes;
  return type === "FIXED_LEN_BYTE_ARRAY" && length === type_length;
}

function isDecimal({ converted_type }: SchemaElement): boolean {
  return converted_type === "DECIMAL";
}

/** The library divides decimals of the older type, which is exact for small ones. */
function decimalOf(raw: number, { element, toCell }: Leaf): Extreme | undefined {
  const unscaled = Math.round(raw * 10 ** (element.scale ?? 0));
  return Number.isSafeInteger(unscaled) ? extremeAs(toCell(unscaled)) : undefined;
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
