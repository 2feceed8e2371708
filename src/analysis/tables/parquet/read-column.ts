import {
  type AsyncBuffer,
  type ColumnChunk,
  type Compressors,
  type DecodedArray,
  type FileMetaData,
  parquetScan,
  type RowGroup,
} from "hyparquet";
import { quote } from "../../../store/model/quote.js";
import { Unreadable } from "../unreadable.js";
import { libraryElements, type ParquetColumn, pathsOf } from "./columns.js";
import { flatParsers, nestedParsers } from "./library-elements.js";

/**
 * Reads rows `[from, to)` of a column, counted from 0 in the row group: a value of each.
 *
 * @throws Unreadable, or an error of the library, if they cannot be read
 */
export async function readColumn(
  { file, compressors }: { readonly file: AsyncBuffer; readonly compressors: Compressors },
  column: ParquetColumn,
  group: RowGroup,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<DecodedArray> {
  const metadata = metadataOf(column, group, compressors);
  const parsers = column.leaf === undefined ? nestedParsers : flatParsers;
  const scan = await parquetScan({ file, metadata, compressors, parsers, utf8: false });
  const values = await scan.readColumn({ column: column.name, rowStart: from, rowEnd: to });
  if (values.length !== to - from) {
    throw new Unreadable(`The column ${quote(column.name)} has fewer rows than its row group.`);
  }
  return values;
}

/** What the library is told: a file with this column and this row group alone. Names may repeat in a schema. */
function metadataOf(column: ParquetColumn, group: RowGroup, compressors: Compressors): FileMetaData {
  const leaves = column.elements.filter((element) => !element.num_children);
  const columns = pathsOf(column).map((path, index) => {
    const chunk = checked(group.columns[column.firstChunk + index], compressors);
    if (chunk.meta_data.type !== leaves[index]?.type) {
      throw new Unreadable(`The column ${quote(column.name)} has another type than its schema says.`);
    }
    return { ...chunk, meta_data: { ...chunk.meta_data, path_in_schema: path } };
  });
  return {
    version: 1,
    schema: [{ name: "root", num_children: 1 }, ...libraryElements(column)],
    num_rows: group.num_rows,
    row_groups: [{ ...group, columns }],
    metadata_length: 0,
  };
}

type KnownChunk = ColumnChunk & { meta_data: NonNullable<ColumnChunk["meta_data"]> };

function checked(chunk: ColumnChunk | undefined, compressors: Compressors): KnownChunk {
  if (chunk === undefined) throw new Unreadable("A row group has fewer columns than the schema.");
  if (chunk.file_path) throw new Unreadable("A column is in another file.", "unsupported");
  const { meta_data, crypto_metadata } = chunk;
  if (meta_data === undefined || crypto_metadata !== undefined) {
    throw new Unreadable("A column is encrypted, or has no metadata.", "unsupported");
  }
  const { codec, dictionary_page_offset, data_page_offset } = meta_data;
  if (codec !== "UNCOMPRESSED" && compressors[codec] === undefined) {
    throw new Unreadable(`The compression ${String(codec).toLowerCase()} cannot be read.`, "unsupported");
  }
  // Some writers name a dictionary that is not there.
  const hasDictionary = dictionary_page_offset !== undefined && dictionary_page_offset < data_page_offset;
  return { ...chunk, meta_data: hasDictionary ? meta_data : withoutDictionary(meta_data) };
}

function withoutDictionary({ dictionary_page_offset, ...rest }: KnownChunk["meta_data"]): KnownChunk["meta_data"] {
  return rest;
}
