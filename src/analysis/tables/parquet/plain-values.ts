import type { SchemaElement } from "hyparquet";
import { Unreadable } from "../unreadable.js";
import type { RawValue } from "./leaf-values.js";

/** How values of a physical type are stored plainly, that is one after the other. */
export interface PlainType {
  /** Bytes of a value; undefined if each begins with its own length. */
  readonly width: number | undefined;
  /** The value whose bytes begin at `at`. @throws RangeError if they break off */
  read(view: DataView, at: number): RawValue;
}

/** Of all types but booleans, which are bits. @throws Unreadable if the schema does not say it */
export function plainTypeOf({ type, type_length: length = 0 }: SchemaElement): PlainType {
  if (type === "FIXED_LEN_BYTE_ARRAY") {
    if (!Number.isInteger(length) || length <= 0) throw new Unreadable("A column of fixed length does not say it.");
    return { width: length, read: (view, at) => bytesAt(view, at, length) };
  }
  const plain = type && plainTypes[type];
  if (plain === undefined) throw new Unreadable(`Values of type ${type} cannot be stored so.`);
  return plain;
}

const plainTypes: Readonly<Record<string, PlainType>> = {
  INT32: { width: 4, read: (view, at) => view.getInt32(at, true) },
  INT64: { width: 8, read: (view, at) => view.getBigInt64(at, true) },
  INT96: { width: 12, read: (view, at) => (BigInt(view.getInt32(at + 8, true)) << 64n) | view.getBigUint64(at, true) },
  FLOAT: { width: 4, read: (view, at) => view.getFloat32(at, true) },
  DOUBLE: { width: 8, read: (view, at) => view.getFloat64(at, true) },
  BYTE_ARRAY: { width: undefined, read: (view, at) => bytesAt(view, at + 4, view.getUint32(at, true)) },
};

/** Not a copy. */
export function bytesAt(view: DataView, at: number, length: number): Uint8Array {
  if (at + length > view.byteLength) throw new Unreadable("A value breaks off.");
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

/** Reads values one after the other. */
export function plainReader(element: SchemaElement, view: DataView, start: number): () => RawValue {
  if (element.type === "BOOLEAN") {
    let bit = start * 8;
    return () => ((view.getUint8(bit >> 3) >> (bit++ & 7)) & 1) === 1;
  }
  const { width, read } = plainTypeOf(element);
  let at = start;
  return () => {
    const value = read(view, at);
    at += width ?? 4 + (value as Uint8Array).length;
    return value;
  };
}
