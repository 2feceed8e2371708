import { DataType, type Field, type MapRow, type StructRow, TimeUnit, Type, type Vector } from "apache-arrow";
import { jsonCell } from "../json-cell.js";
import { decimalCell, integer, timeOf, timeOfDay } from "../logical-values.js";
import type { Cell } from "../table.js";
import { Unreadable } from "../unreadable.js";

/** Makes cells from the library's values. Lists may name the same items again and again: a limit on all of them ends that. */
export class ArrowCells {
  #itemsLeft: number;

  /** @param mostItems items of lists and maps that may be made in all */
  constructor(mostItems: number) {
    this.#itemsLeft = mostItems;
  }

  /** @param value what the library's vector answers for a row */
  cellOf(value: unknown, type: DataType): Cell {
    if (value === null || value === undefined) return null;
    if (DataType.isDictionary(type)) return this.cellOf(value, type.dictionary);
    return isNested(type) ? jsonCell(this.#nested(value, type)) : scalar(value, type);
  }

  #nested(value: unknown, type: DataType): unknown {
    if (value === null || value === undefined) return null;
    if (DataType.isDictionary(type)) return this.#nested(value, type.dictionary);
    if (DataType.isMap(type)) return this.#map(value as MapRow, type.children[0]?.type);
    if (DataType.isStruct(type)) return this.#struct(value as StructRow, type.children);
    if (isNested(type)) return this.#list(value as Vector, type.children?.[0] as Field | undefined);
    return scalar(value, type);
  }

  #list(items: Vector, field: Field | undefined): unknown[] {
    this.#count(items.length);
    const list: unknown[] = [];
    for (let index = 0; index < items.length; index++) list.push(field && this.#nested(items.get(index), field.type));
    return list;
  }

  #struct(row: StructRow, fields: readonly Field[]): Record<string, unknown> {
    this.#count(fields.length);
    return Object.fromEntries([...row].map(([name, value], index) => [name, this.#member(value, fields[index])]));
  }

  #map(row: MapRow, entries: DataType | undefined): Record<string, unknown> {
    this.#count(row.size);
    const [key, item] = entries?.children ?? [];
    return Object.fromEntries(
      [...row].map(([name, value]) => [String(this.#member(name, key)), this.#member(value, item)]),
    );
  }

  #member(value: unknown, field: Field | undefined): unknown {
    return field && this.#nested(value, field.type);
  }

  #count(items: number): void {
    this.#itemsLeft -= items;
    if (this.#itemsLeft < 0) throw new Unreadable("Its lists have too many items to read.", "size");
  }
}

function isNested(type: DataType): boolean {
  return (
    DataType.isList(type) ||
    DataType.isLargeList(type) ||
    DataType.isFixedSizeList(type) ||
    DataType.isStruct(type) ||
    DataType.isMap(type)
  );
}

function scalar(value: unknown, type: DataType): Cell {
  if (typeof value === "bigint" && type.typeId !== Type.Time) return integer(value);
  switch (type.typeId) {
    case Type.Date:
    case Type.Timestamp:
      return timeOf(Math.floor(value as number)) ?? (value as number);
    case Type.Time:
      return timeOfDay(BigInt(value as number | bigint), digitsOf((type as { unit?: TimeUnit }).unit));
    case Type.Decimal:
      return decimalCell(littleEndian(value as Uint32Array), (type as unknown as { scale: number }).scale);
    case Type.Interval:
      return intervalOf(value as Int32Array);
    default:
      return value instanceof Uint8Array ? value.slice() : (value as Cell);
  }
}

/** Of a second there are `10 ** digits` units. */
function digitsOf(unit: TimeUnit = TimeUnit.SECOND): number {
  return unit * 3;
}

/** Months; days and milliseconds; or months, days and nanoseconds, of which the last have two words. */
function intervalOf(words: Int32Array): Cell {
  if (words.length < 4) return Array.from(words);
  const [months = 0, days = 0, low = 0, high = 0] = words;
  return jsonCell([months, days, (BigInt(high) << 32n) | BigInt(low >>> 0)]);
}

function littleEndian(words: Uint32Array): bigint {
  let value = 0n;
  for (let index = words.length - 1; index >= 0; index--) value = (value << 32n) | BigInt(words[index] as number);
  return BigInt.asIntN(words.length * 32, value);
}
