import type { SchemaElement } from "hyparquet";
import { integer, timeOf, timeOfCount } from "../logical-values.js";
import type { LeafType } from "./leaf-values.js";

/**
 * How the library is to read a column that is not nested: texts as texts, so that those of a dictionary are made once,
 * and all else as it is stored, because our types keep more (exact decimals, times of day). Integers of 64 bits are called
 * times, so that `flatParsers` makes numbers of them.
 */
export function flatElement({ type, element }: LeafType & { readonly element: SchemaElement }): SchemaElement {
  if (element.type === "INT64") return { ...plain(element), converted_type: "TIMESTAMP_MILLIS" };
  const isText = type === "text" && element.type === "BYTE_ARRAY";
  return isText ? { ...plain(element), converted_type: "UTF8" } : plain(element);
}

/** How the library is to read an element of a nested column. It knows some types only by their older names. */
export function nestedElement(element: SchemaElement): SchemaElement {
  const { logical_type, converted_type } = element;
  switch (logical_type?.type ?? converted_type) {
    case "LIST":
    case "MAP":
    case "DATE":
      return { ...element, converted_type: (logical_type?.type ?? converted_type) as "LIST" | "MAP" | "DATE" };
    case "DECIMAL": {
      const scale = logical_type?.type === "DECIMAL" ? logical_type.scale : element.scale;
      return { ...element, converted_type: "DECIMAL", ...(scale !== undefined && { scale }) };
    }
    case "STRING":
    case "UTF8":
    case "ENUM":
    case "JSON":
      return { ...plain(element), converted_type: "UTF8" };
    case "BSON":
    case "INTERVAL":
    case "GEOMETRY":
    case "GEOGRAPHY":
      return plain(element);
    default:
      return element;
  }
}

/** How the library makes times in nested columns. */
export const nestedParsers = {
  timestampFromMilliseconds: (count: bigint) => timeOfCount(count, 3),
  timestampFromMicroseconds: (count: bigint) => timeOfCount(count, 6),
  timestampFromNanoseconds: (count: bigint) => timeOfCount(count, 9),
  dateFromDays: (days: number) => timeOf(days * 86_400_000) ?? days,
};

/** What the library makes of other columns: numbers, which need less memory than bigints, where they are exact. */
export const flatParsers = {
  timestampFromMilliseconds: (value: bigint) => integer(value),
  timestampFromNanoseconds: nestedParsers.timestampFromNanoseconds, // INT96
};

/** Lets the library leave statistics as they are stored. */
export const rawParsers = {
  timestampFromMilliseconds: (count: bigint) => count,
  timestampFromMicroseconds: (count: bigint) => count,
  timestampFromNanoseconds: (count: bigint) => count,
  dateFromDays: (days: number) => days,
  stringFromBytes: (bytes: Uint8Array) => bytes,
  uuidFromBytes: (bytes: Uint8Array) => bytes,
};

function plain(element: SchemaElement): SchemaElement {
  const { converted_type, logical_type, scale, precision, ...rest } = element;
  return rest;
}
