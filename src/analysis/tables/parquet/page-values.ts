import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readVarInt } from "hyparquet/src/thrift.js";
import type { Cell } from "../table.js";
import { Unreadable } from "../unreadable.js";
import type { Leaf } from "./columns.js";
import type { Dictionary } from "./dictionary.js";
import type { RawValue } from "./leaf-values.js";
import { bytesAt, plainReader, plainTypeOf } from "./plain-values.js";
import { RunLengths } from "./run-lengths.js";

/** The next values of a page. @throws an error of any kind if the page is damaged */
export type TakeValues = (count: number) => Cell[];

/** Values that are decoded at once: these encodings cannot be read a few at a time. */
const mostAtOnce = 4 * 1024 * 1024;

/**
 * Reads the values of a page when they are asked for, so that memory holds the page and few of its values.
 *
 * @param bytes the values, without the levels before them
 */
export function valuesOf(
  bytes: Uint8Array,
  encoding: string | undefined,
  leaf: Leaf,
  dictionary: Dictionary | undefined,
): TakeValues {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (encoding) {
    case "PLAIN":
      return cells(plainReader(leaf.element, view, 0), leaf);
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY":
      return dictionaryValues(bytes, dictionary);
    case "RLE":
      return runsOfBooleans(bytes, leaf);
    case "DELTA_BINARY_PACKED":
      return cells(deltas(view, leaf), leaf);
    case "DELTA_LENGTH_BYTE_ARRAY":
      return cells(deltaLengths(view), leaf);
    case "DELTA_BYTE_ARRAY":
      return cells(deltaBytes(view), leaf);
    case "BYTE_STREAM_SPLIT":
      return cells(splitStreams(bytes, leaf), leaf);
    default:
      throw new Unreadable(`Values are encoded as ${encoding}, which cannot be read.`, "unsupported");
  }
}

function cells(next: () => RawValue, leaf: Leaf): TakeValues {
  return (count) => {
    const taken: Cell[] = [];
    for (let left = count; left > 0; left--) taken.push(leaf.toCell(next()));
    return taken;
  };
}

function dictionaryValues(bytes: Uint8Array, dictionary: Dictionary | undefined): TakeValues {
  if (dictionary === undefined) throw new Unreadable("A dictionary is missing.");
  // A page without values may have no width either.
  const runs = new RunLengths(bytes, 1, bytes[0] ?? 0);
  return (count) => {
    const taken: Cell[] = [];
    for (const index of runs.take(count)) taken.push(dictionary(index));
    return taken;
  };
}

function runsOfBooleans(bytes: Uint8Array, leaf: Leaf): TakeValues {
  if (leaf.element.type !== "BOOLEAN") throw new Unreadable("Only booleans can be stored as runs.");
  const runs = new RunLengths(bytes, 4, 1); // after the length of all
  return (count) => Array.from(runs.take(count), (value) => value === 1);
}

function deltas(view: DataView, { element: { type } }: Leaf): () => RawValue {
  if (type !== "INT32" && type !== "INT64") throw new Unreadable("Only integers can be stored as differences.");
  return type === "INT32" ? nextOf(unpack(view, 0, Int32Array).values) : nextOf(unpack(view, 0, BigInt64Array).values);
}

function deltaLengths(view: DataView): () => RawValue {
  const { values: lengths, end } = unpack(view, 0, Int32Array);
  const nextLength = nextOf(lengths);
  let at = end;
  return () => {
    const value = bytesAt(view, at, notNegative(nextLength()));
    at += value.length;
    return value;
  };
}

function deltaBytes(view: DataView): () => RawValue {
  const prefixes = unpack(view, 0, Int32Array);
  const suffixes = unpack(view, prefixes.end, Int32Array);
  const [nextPrefix, nextSuffix] = [nextOf(prefixes.values), nextOf(suffixes.values)];
  let at = suffixes.end;
  let before: Uint8Array = new Uint8Array(0);
  return () => {
    const prefix = notNegative(nextPrefix());
    if (prefix > before.length) throw new Unreadable("A value repeats more than there was before it.");
    const suffix = bytesAt(view, at, notNegative(nextSuffix()));
    at += suffix.length;
    const value = new Uint8Array(prefix + suffix.length);
    value.set(before.subarray(0, prefix));
    value.set(suffix, prefix);
    before = value;
    return value;
  };
}

function splitStreams(bytes: Uint8Array, { element }: Leaf): () => RawValue {
  const { width, read } = plainTypeOf(element);
  if (width === undefined) throw new Unreadable("Values of different lengths cannot be split.");
  const count = Math.floor(bytes.length / width);
  let index = 0;
  return () => {
    if (index >= count) throw new Unreadable("Values break off.");
    const value = new Uint8Array(width);
    for (let stream = 0; stream < width; stream++) value[stream] = bytes[stream * count + index] as number;
    index += 1;
    return read(new DataView(value.buffer), 0);
  };
}

/** Unpacks numbers that are stored as differences. The library does not check what the first ones say of the rest. */
function unpack<Values extends Int32Array | BigInt64Array>(
  view: DataView,
  start: number,
  Kind: new (length: number) => Values,
): { values: Values; end: number } {
  const head = { view, offset: start };
  const [block, parts, count] = [readVarInt(head), readVarInt(head), readVarInt(head)];
  const isValid = block > 0 && parts > 0 && block % parts === 0 && block <= mostAtOnce && count >= 0;
  if (!isValid) throw new Unreadable("The head of a page of differences is damaged.");
  if (count > mostAtOnce) throw new Unreadable(`A page has ${count} values, too many to unpack.`, "size");
  const values = new Kind(count);
  const reader = { view, offset: start };
  deltaBinaryUnpack(reader, count, values);
  return { values, end: reader.offset };
}

function nextOf<Value extends number | bigint>(values: ArrayLike<Value>): () => Value {
  let index = 0;
  return () => {
    const value = values[index];
    if (value === undefined) throw new Unreadable("Values break off.");
    index += 1;
    return value;
  };
}

function notNegative(length: number): number {
  if (length < 0) throw new Unreadable("A value has a negative length.");
  return length;
}
