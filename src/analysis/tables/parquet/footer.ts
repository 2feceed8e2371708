import { type ColumnChunk, type ColumnMetaData, type FileMetaData, parquetMetadata, type RowGroup } from "hyparquet";
import type { Source } from "../../source.js";
import { Unreadable } from "../unreadable.js";
import { rawParsers } from "./library-elements.js";

/** What the footer of a Parquet file says. Offsets and sizes in it are not yet checked against the content. */
export interface Footer {
  readonly schema: FileMetaData["schema"];
  /** Number of rows; undefined if the footer contradicts itself. */
  readonly rows: number | undefined;
  readonly groups: readonly RowGroup[];
  /** The first fault. What is here is true nevertheless. */
  readonly fault?: Unreadable;
}

/** A larger footer is not read: the library makes objects of it that take about 22 times as much memory. */
const mostFooterBytes = 8 * 1024 * 1024;

/** @throws Unreadable, or an error of the library, if nothing can be told */
export async function readFooter(source: Source): Promise<Footer> {
  // Statistics stay as they are stored.
  const metadata = parquetMetadata(await footerBytes(source), { geoparquet: false, parsers: rawParsers });
  const { schema, row_groups } = metadata;
  const groups: RowGroup[] = [];
  try {
    const rows = countOf(metadata.num_rows);
    let sum = 0;
    for (const group of row_groups) {
      sum += countOf(group.num_rows);
      groups.push({ ...group, columns: group.columns.map(neededOf) });
    }
    if (sum === rows) return { schema, rows, groups };
    const fault = new Unreadable(`The footer says ${rows} rows, and its row groups have ${sum}.`);
    return { schema, rows: undefined, groups, fault };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { schema, rows: undefined, groups, fault: error };
  }
}

/** Of a column chunk, only what is needed: there may be many. */
function neededOf({ file_path, meta_data, crypto_metadata, ...chunk }: ColumnChunk): ColumnChunk {
  const { file_offset, offset_index_offset, offset_index_length } = chunk;
  return {
    file_offset,
    ...(file_path && { file_path }),
    ...(crypto_metadata !== undefined && { crypto_metadata }),
    ...(offset_index_offset !== undefined && { offset_index_offset }),
    ...(offset_index_length !== undefined && { offset_index_length }),
    ...(meta_data && { meta_data: neededMetadata(meta_data) }),
  };
}

/** Paths come from the schema, in the order of the chunks. */
const noNames: [] = [];

function neededMetadata(metadata: ColumnMetaData): ColumnMetaData {
  const { type, codec, num_values, total_uncompressed_size, total_compressed_size, data_page_offset } = metadata;
  const { dictionary_page_offset, statistics } = metadata;
  return {
    type,
    codec,
    encodings: noNames,
    path_in_schema: noNames,
    num_values,
    total_uncompressed_size,
    total_compressed_size,
    data_page_offset,
    ...(dictionary_page_offset !== undefined && { dictionary_page_offset }),
    ...(statistics && { statistics }),
  };
}

async function footerBytes(source: Source): Promise<Uint8Array> {
  if (source.bytes < 12) throw new Unreadable("The content is shorter than any Parquet file.");
  const tail = await source.read(source.bytes - 8, 8);
  const magic = String.fromCharCode(...tail.subarray(4));
  if (magic === "PARE") throw new Unreadable("The footer is encrypted.", "unsupported");
  if (magic !== "PAR1") throw new Unreadable("The content does not end as a Parquet file does: its footer is missing.");
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (length > source.bytes - 12) throw new Unreadable("The footer is longer than the content.");
  if (length > mostFooterBytes) throw new Unreadable(`The footer has ${length} bytes, more than can be read.`, "size");
  return source.read(source.bytes - 8 - length, length + 8);
}

function countOf(value: unknown): number {
  const rows = typeof value === "bigint" ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(rows) || rows < 0) throw new Unreadable(`The footer says ${value} rows.`);
  return rows;
}
