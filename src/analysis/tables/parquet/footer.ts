import { parquetMetadata, type SchemaElement } from "hyparquet";
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js";
import type { Source } from "../../source.js";
import { Unreadable } from "../unreadable.js";
import { endOfStruct, fieldsOf, integerAt, listAt, type ThriftField, thriftTypes } from "./thrift.js";

/** What the footer of a Parquet file says. Column chunks are decoded when they are asked for. */
export interface Footer {
  readonly schema: readonly SchemaElement[];
  /** Number of rows; undefined if the footer contradicts itself. */
  readonly rows: number | undefined;
  readonly groups: readonly RowGroup[];
  /** The first fault. What is here is true nevertheless. */
  readonly fault?: Unreadable;
}

export interface RowGroup {
  readonly rows: number;
  readonly chunks: number;
  /** The metadata of a column chunk. @throws Unreadable */
  chunk(index: number): ColumnChunk;
}

/** The metadata of a column chunk, as far as it is needed. Offsets and sizes are not yet checked against the content. */
export interface ColumnChunk {
  readonly codec: number;
  readonly start: number;
  readonly bytes: number;
  readonly statistics: Readonly<Record<string, unknown>> | undefined;
}

/** What a footer may have. A larger one is described as far as it goes. */
const limits = { bytes: 32 * 1024 * 1024, schemaElements: 250_000, chunks: 2_000_000 };

const elementsAtOnce = 1000;

/** @throws Unreadable if nothing can be told */
export async function readFooter(source: Source): Promise<Footer> {
  const bytes = await footerBytes(source);
  const fields = fieldsOf(bytes, 0);
  const schema = schemaIn(bytes, need(fields.get(2), thriftTypes.list, "schema"));
  const groups: RowGroup[] = [];
  try {
    const rows = rowsIn(bytes, fields.get(3));
    for (const group of groupsIn(bytes, need(fields.get(4), thriftTypes.list, "row groups"))) groups.push(group);
    const sum = groups.reduce((all, group) => all + group.rows, 0);
    if (sum === rows) return { schema, rows, groups };
    const fault = new Unreadable(`The footer says ${rows} rows, and its row groups have ${sum}.`);
    return { schema, rows: undefined, groups, fault };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { schema, rows: undefined, groups, fault: error };
  }
}

async function footerBytes(source: Source): Promise<Uint8Array> {
  if (source.bytes < 12) throw new Unreadable("The content is shorter than any Parquet file.");
  const tail = await source.read(source.bytes - 8, 8);
  const magic = String.fromCharCode(...tail.subarray(4));
  if (magic === "PARE") throw new Unreadable("The footer is encrypted.", "unsupported");
  if (magic !== "PAR1") throw new Unreadable("The content does not end as a Parquet file does: its footer is missing.");
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (length > source.bytes - 12) throw new Unreadable("The footer is longer than the content.");
  if (length > limits.bytes) throw new Unreadable(`The footer has ${length} bytes, more than can be read.`, "size");
  return source.read(source.bytes - 8 - length, length);
}

/** Decodes the schema in parts, so that the memory holds little besides what comes out. */
function schemaIn(bytes: Uint8Array, list: ThriftField): SchemaElement[] {
  const { type, size, first } = listAt(bytes, list.start);
  if (size > 0 && type !== thriftTypes.struct) throw new Unreadable("The schema is no list of structures.");
  if (size > limits.schemaElements) throw new Unreadable(`The schema has ${size} elements, too many to read.`, "size");
  const schema: SchemaElement[] = [];
  for (let at = first; schema.length < size; ) {
    const count = Math.min(elementsAtOnce, size - schema.length);
    let end = at;
    for (let left = count; left > 0; left--) end = endOfStruct(bytes, end);
    for (const element of decodedElements(bytes.subarray(at, end), count)) schema.push(element);
    at = end;
  }
  return schema;
}

/** Lets the library decode a footer that has these elements of a schema and nothing else. */
function decodedElements(elements: Uint8Array, count: number): SchemaElement[] {
  const begin = [0x15, 0x02, 0x19, 0xfc, (count & 0x7f) | 0x80, count >> 7];
  const rest = [0x16, 0x00, 0x19, 0x0c, 0x00];
  const length = begin.length + elements.length + rest.length;
  const footer = new Uint8Array(length + 8);
  footer.set(begin);
  footer.set(elements, begin.length);
  footer.set(rest, length - rest.length);
  new DataView(footer.buffer).setUint32(length, length, true);
  footer.set([0x50, 0x41, 0x52, 0x31], length + 4); // PAR1
  try {
    return parquetMetadata(footer, { geoparquet: false }).schema;
  } catch (error) {
    throw new Unreadable(`The schema cannot be read (${String(error)}).`);
  }
}

function rowsIn(bytes: Uint8Array, field: ThriftField | undefined): number {
  const rows = Number(integerAt(bytes, need(field, thriftTypes.i64, "number of rows").start));
  if (!Number.isSafeInteger(rows) || rows < 0) throw new Unreadable(`The footer says ${rows} rows.`);
  return rows;
}

function* groupsIn(bytes: Uint8Array, list: ThriftField): Generator<RowGroup> {
  const { type, size, first } = listAt(bytes, list.start);
  if (size > 0 && type !== thriftTypes.struct) throw new Unreadable("The row groups are no structures.");
  let chunks = 0;
  for (let at = first, index = 0; index < size; index++) {
    const fields = fieldsOf(bytes, at);
    const starts = startsOfChunks(bytes, need(fields.get(1), thriftTypes.list, "columns"));
    chunks += starts.length;
    if (chunks > limits.chunks) throw new Unreadable("The footer has too many column chunks to read.", "size");
    yield {
      rows: rowsIn(bytes, fields.get(3)),
      chunks: starts.length,
      chunk: (number) => chunkAt(bytes, starts[number]),
    };
    at = endOfStruct(bytes, at);
  }
}

function startsOfChunks(bytes: Uint8Array, list: ThriftField): Uint32Array {
  const { type, size, first } = listAt(bytes, list.start);
  if (size > 0 && type !== thriftTypes.struct) throw new Unreadable("The column chunks are no structures.");
  if (size > limits.chunks) throw new Unreadable("The footer has too many column chunks to read.", "size");
  const starts = new Uint32Array(size);
  for (let at = first, index = 0; index < size; index++) {
    starts[index] = at;
    at = endOfStruct(bytes, at);
  }
  return starts;
}

/** Numbers of fields: ColumnChunk and ColumnMetaData in https://github.com/apache/parquet-format (parquet.thrift). */
function chunkAt(bytes: Uint8Array, start: number | undefined): ColumnChunk {
  if (start === undefined) throw new Unreadable("A row group has fewer columns than the schema.");
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: start };
  const chunk: Record<string, unknown> = deserializeTCompactProtocol(reader);
  if (chunk["field_1"] !== undefined) throw new Unreadable("A column is in another file.", "unsupported");
  const metadata = structIn(chunk["field_3"]);
  if (metadata === undefined) throw new Unreadable("A column is encrypted, or has no metadata.", "unsupported");
  const data = numberIn(metadata["field_9"]);
  const dictionary = metadata["field_11"] === undefined ? 0 : numberIn(metadata["field_11"]);
  return {
    codec: numberIn(metadata["field_4"]),
    start: dictionary > 0 && dictionary < data ? dictionary : data,
    bytes: numberIn(metadata["field_7"]),
    statistics: structIn(metadata["field_12"]),
  };
}

function structIn(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

function numberIn(value: unknown): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw new Unreadable("A column's metadata has no valid offset, size or compression.");
}

function need(field: ThriftField | undefined, type: number, what: string): ThriftField {
  if (field?.type !== type) throw new Unreadable(`The footer has no ${what}.`);
  return field;
}
