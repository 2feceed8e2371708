import type { SchemaElement } from "hyparquet";
import type { ColumnType } from "../../../store/ports/description.js";
import { decimalCell, integer, timeOf, timeOfCount, timeOfDay } from "../logical-values.js";
import type { Cell } from "../table.js";

/** A value as it is stored. Integers of 64 bits can be numbers if these are exact; texts can be decoded. */
export type RawValue = number | bigint | boolean | string | Uint8Array;

/** What the values of a leaf of the schema are. */
export interface LeafType {
  readonly type: ColumnType;
  toCell(raw: RawValue): Cell;
  /** Statistics compare values as signed numbers, so that the older ones are right too. */
  readonly signed: boolean;
}

/** The logical type of a leaf. https://github.com/apache/parquet-format/blob/master/LogicalTypes.md */
export function leafTypeOf(element: SchemaElement): LeafType {
  if (element.logical_type?.type === "NULL") return { type: "empty", toCell: () => null, signed: false };
  if (isDecimal(element)) return { type: "number", toCell: decimalOf(element), signed: false };
  switch (element.type) {
    case "BOOLEAN":
      return { type: "boolean", toCell: (raw) => raw as boolean, signed: false };
    case "INT32":
      return int32(element);
    case "INT64":
      return int64(element);
    case "INT96":
      return { type: "time", toCell: (raw) => raw as unknown as Cell, signed: false };
    case "FLOAT":
    case "DOUBLE":
      return { type: "number", toCell: (raw) => raw as number, signed: true };
    default:
      return bytesOf(element);
  }
}

function int32({ converted_type, logical_type }: SchemaElement): LeafType {
  if (converted_type === "DATE" || logical_type?.type === "DATE") {
    return { type: "time", toCell: (raw) => timeOf(Number(raw) * 86_400_000) ?? Number(raw), signed: true };
  }
  if (converted_type === "TIME_MILLIS" || logical_type?.type === "TIME") {
    return { type: "text", toCell: (raw) => timeOfDay(BigInt(raw as number), 3), signed: false };
  }
  if (converted_type?.startsWith("UINT") || (logical_type?.type === "INTEGER" && !logical_type.isSigned)) {
    return { type: "integer", toCell: (raw) => (raw as number) >>> 0, signed: false };
  }
  return { type: "integer", toCell: (raw) => raw as number, signed: true };
}

function int64({ converted_type, logical_type }: SchemaElement): LeafType {
  const unit = logical_type && "unit" in logical_type ? logical_type.unit : undefined;
  const digits = unit === "NANOS" ? 9 : unit === "MICROS" || converted_type?.endsWith("_MICROS") ? 6 : 3;
  if (converted_type?.startsWith("TIMESTAMP") || logical_type?.type === "TIMESTAMP") {
    return { type: "time", toCell: (raw) => timeOfCount(BigInt(raw as bigint), digits), signed: true };
  }
  if (converted_type === "TIME_MICROS" || logical_type?.type === "TIME") {
    return { type: "text", toCell: (raw) => timeOfDay(BigInt(raw as bigint), digits), signed: false };
  }
  if (converted_type === "UINT_64" || (logical_type?.type === "INTEGER" && !logical_type.isSigned)) {
    return { type: "integer", toCell: (raw) => integer(BigInt.asUintN(64, BigInt(raw as bigint))), signed: false };
  }
  return { type: "integer", toCell: (raw) => (typeof raw === "bigint" ? integer(raw) : (raw as number)), signed: true };
}

function bytesOf({ converted_type, logical_type }: SchemaElement): LeafType {
  if (logical_type?.type === "UUID") return { type: "text", toCell: (raw) => uuid(raw as Uint8Array), signed: false };
  if (logical_type?.type === "FLOAT16")
    return {
      type: "number",
      toCell: (raw) => (raw instanceof Uint8Array ? float16(raw) : (raw as number)),
      signed: false,
    };
  const isText = ["UTF8", "ENUM", "JSON"].includes(converted_type ?? "");
  if (isText || ["STRING", "ENUM", "JSON"].includes(logical_type?.type ?? "")) {
    return {
      type: "text",
      toCell: (raw) => (typeof raw === "string" ? raw : decoder.decode(raw as Uint8Array)),
      signed: false,
    };
  }
  return { type: "bytes", toCell: (raw) => (raw as Uint8Array).slice(), signed: false };
}

const decoder = new TextDecoder();

function isDecimal({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === "DECIMAL" || logical_type?.type === "DECIMAL";
}

/** A number if it is exact, as far as numbers can be; else the decimal as text. */
function decimalOf(element: SchemaElement): (raw: RawValue) => Cell {
  const { logical_type } = element;
  const scale = (logical_type?.type === "DECIMAL" ? logical_type.scale : element.scale) ?? 0;
  return (raw) => {
    const unscaled = raw instanceof Uint8Array ? bigEndian(raw) : BigInt(raw);
    return decimalCell(unscaled, scale);
  };
}

function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

function uuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function float16(bytes: Uint8Array): number {
  const bits = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  const sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * 2 ** -24 * fraction : sign * 2 ** (exponent - 25) * (1024 + fraction);
}
