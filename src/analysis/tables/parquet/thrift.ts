import { Unreadable } from "../unreadable.js";

/*
 * Finds the parts of a struct in Thrift's compact protocol, and checks all lengths in it, without building anything. A
 * library can then decode a part of a known size. https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

/** A field of a struct. Its value lies in bytes `[start, end)`. */
export interface ThriftField {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

export const thriftTypes = { i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

const maxDepth = 32;

/** The fields of the struct that begins at `start`, by their ids. @throws Unreadable */
export function fieldsOf(bytes: Uint8Array, start: number): ReadonlyMap<number, ThriftField> {
  const fields = new Map<number, ThriftField>();
  eachField(bytes, start, (id, field) => fields.set(id, field), 0);
  return fields;
}

/** The end of the struct that begins at `start`. @throws Unreadable */
export function endOfStruct(bytes: Uint8Array, start: number): number {
  return eachField(bytes, start, undefined, 0);
}

/** The size of a list, the type of its items, and where the first one begins. @throws Unreadable */
export function listAt(bytes: Uint8Array, start: number): { type: number; size: number; first: number } {
  const head = byteAt(bytes, start);
  const type = head & 0x0f;
  if (head >> 4 !== 15) return checkedList(bytes, { type, size: head >> 4, first: start + 1 });
  const { value, end } = varintAt(bytes, start + 1);
  return checkedList(bytes, { type, size: Number(value), first: end });
}

/** Each item takes a byte at least, so that a list cannot promise more than there is. */
function checkedList<List extends { size: number; first: number }>(bytes: Uint8Array, list: List): List {
  if (list.size > bytes.length - list.first) throw new Unreadable("A list is longer than the bytes that hold it.");
  return list;
}

/** A signed number of up to 64 bits. @throws Unreadable */
export function integerAt(bytes: Uint8Array, start: number): bigint {
  const { value } = varintAt(bytes, start);
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
}

function eachField(
  bytes: Uint8Array,
  start: number,
  found: ((id: number, field: ThriftField) => void) | undefined,
  depth: number,
): number {
  let at = start;
  for (let id = 0; ; ) {
    const head = byteAt(bytes, at);
    at += 1;
    if (head === 0) return at;
    if (head >> 4 === 0) {
      id = Number(integerAt(bytes, at));
      at = endOfVarint(bytes, at);
    } else {
      id += head >> 4;
    }
    const end = endOfValue(bytes, at, head & 0x0f, false, depth);
    found?.(id, { type: head & 0x0f, start: at, end });
    at = end;
  }
}

/** @param inList a boolean in a list takes a byte; that of a field is its type */
function endOfValue(bytes: Uint8Array, start: number, type: number, inList: boolean, depth: number): number {
  if (depth > maxDepth) throw new Unreadable("Structures are nested too deeply.", "size");
  switch (type) {
    case 1:
    case 2:
      return inList ? start + 1 : start;
    case 3:
      return start + 1;
    case 4:
    case thriftTypes.i32:
    case thriftTypes.i64:
      return endOfVarint(bytes, start);
    case 7:
      return start + 8;
    case thriftTypes.binary: {
      const { value, end } = varintAt(bytes, start);
      if (value > BigInt(bytes.length - end)) throw new Unreadable("A text is longer than the bytes that hold it.");
      return end + Number(value);
    }
    case thriftTypes.list:
      return endOfList(bytes, start, depth);
    case thriftTypes.struct:
      return eachField(bytes, start, undefined, depth + 1);
    default:
      throw new Unreadable(`A field has the unknown type ${type}.`);
  }
}

function endOfList(bytes: Uint8Array, start: number, depth: number): number {
  const { type, size, first } = listAt(bytes, start);
  let at = first;
  for (let left = size; left > 0; left--) at = endOfValue(bytes, at, type, true, depth + 1);
  return at;
}

function varintAt(bytes: Uint8Array, start: number): { value: bigint; end: number } {
  const end = endOfVarint(bytes, start);
  let value = 0n;
  for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt(byteAt(bytes, at) & 0x7f);
  return { value, end };
}

function endOfVarint(bytes: Uint8Array, start: number): number {
  for (let at = start; at < start + 10; at++) if (byteAt(bytes, at) < 0x80) return at + 1;
  throw new Unreadable("A number has more than 64 bits.");
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Unreadable("A structure breaks off.");
  return byte;
}
