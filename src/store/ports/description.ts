/*
 * What analyses of content answer. Everything here is derived from the bytes, and never needed for correctness. Members
 * have the names of the API; offsets and lengths are in bytes, lines and rows count from 1.
 */

/** What a content is, by its bytes and by its name. */
export interface Description {
  /**
   * The format: `csv`, `tsv`, `jsonl`, `json`, `text`, `parquet`, `arrow`, `zip`, `tar`, `gzip`, `safetensors`, `gguf`,
   * the usual extension of another format that its signature tells, as `png` or `pdf`, `empty`, or `unknown`.
   */
  readonly format: string;
  /** The media type of the format, if it has one. */
  readonly mime_type?: string;
  /** The format is of the bytes that come out of this compression. */
  readonly compression?: "gzip";
  /** Present if not all content was looked at. */
  readonly partial?: PartialReason;
  readonly text?: TextDescription;
  readonly json?: JsonShape;
  /** Also of JSON that is an array of objects. */
  readonly table?: TableDescription;
  readonly image?: { readonly width: number; readonly height: number };
  readonly archive?: ArchiveDescription;
  readonly tensors?: TensorsDescription;
  /** For `unknown` content: its first 32 bytes in hex, and the entropy of the bytes looked at, in bits per byte (0 to 8). */
  readonly unknown?: { readonly first_bytes: string; readonly entropy: number };
}

/** Why a description, or another analysis, does not cover all content. */
export interface PartialReason {
  /**
   * `time` and `memory`: a limit of the analysis. `damaged`: the content breaks off, or is not what its format says.
   * `size`: a limit on one part, as the length of a row or the number of columns. `unsupported`: a compression, an
   * encoding or an encryption that is not known here.
   */
  readonly reason: "time" | "memory" | "damaged" | "size" | "unsupported";
  /** One sentence that says what was looked at, and where it ended. */
  readonly message: string;
}

export interface TextDescription {
  readonly encoding: "utf-8" | "utf-16le" | "utf-16be" | "latin-1";
  readonly bom: boolean;
  /** `cr`: there is no LF, but CR, which ends no line here. */
  readonly line_ends: "lf" | "crlf" | "cr" | "mixed" | "none";
  /** Lines end with LF or CRLF. A last line without a line end counts. */
  readonly lines: number;
  /** The longest line, without its line end. */
  readonly longest_line: { readonly line: number; readonly bytes: number };
}

/** The shape of a JSON value: for two levels what is in it, and for three of objects in an array that is in the root. */
export interface JsonShape {
  /** `mixed` for members of an array that differ. */
  readonly type: "object" | "array" | "string" | "number" | "boolean" | "null" | "mixed";
  /** Some of the values are null. The type is that of the others. */
  readonly nullable?: true;
  /** Number of members of an object, or of items of an array. A name that repeats counts once, among the first 10,000. */
  readonly size?: number;
  /** Of an object, by name: the first 50 members. */
  readonly members?: Readonly<Record<string, JsonShape>>;
  /** Of an array: what its items have in common. Members that not all items have are there too. */
  readonly items?: JsonShape;
}

export interface TableDescription {
  /** Rows without the header. A lower bound if the description is partial, unless `rows_exact` is true. */
  readonly rows: number;
  /** `rows` is known even though the description is partial, because the format says it. */
  readonly rows_exact?: true;
  /** Number of columns. */
  readonly columns: number;
  /** There are more columns than could be counted. */
  readonly more_columns?: true;
  /** Of CSV: the character between cells. */
  readonly delimiter?: string;
  /** Of CSV: false if the first row is data, and the columns are named `column_1`, `column_2`, ... */
  readonly header?: boolean;
  /** Of CSV: lines before the first row that were left out: `sep=;`, or comments that begin with `#`. */
  readonly skipped_lines?: number;
  /** The first 200 columns, in the order of the table. */
  readonly column_details: readonly ColumnDescription[];
}

export interface ColumnDescription {
  readonly name: string;
  /**
   * The type of the values that are not empty: `integer`, `number`, `boolean`, `time`, `text`; `list`, `object`, `bytes`
   * in formats that have them; `mixed`; `empty` if there is none.
   */
  readonly type: ColumnType;
  /** Values that are empty: absent, null, or an empty text. */
  readonly empties: number;
  /** Numbers as numbers, times as ISO 8601, text as text (its first 100 characters). Absent if not known. */
  readonly least?: number | string;
  readonly greatest?: number | string;
  /**
   * Number of different values; a lower bound if `distinct_exact` is absent. Counted up to 1,000, and further only as long as
   * each value is more than the one before, or each less.
   */
  readonly distinct?: number;
  readonly distinct_exact?: true;
  /** The most frequent values, at most 20, with their counts, if there are at most 1,000 different ones. */
  readonly values?: readonly { readonly value: string; readonly count: number }[];
  /** For numbers and times (in milliseconds since 1970): the values in 20 bins of one width from `from` to `to`. */
  readonly histogram?: { readonly from: number; readonly to: number; readonly counts: readonly number[] };
}

export type ColumnType =
  | "integer"
  | "number"
  | "boolean"
  | "time"
  | "text"
  | "list"
  | "object"
  | "bytes"
  | "mixed"
  | "empty";

export interface ArchiveDescription {
  readonly entries: number;
  /** Bytes of all entries after unpacking, as the archive says. */
  readonly unpacked_bytes: number;
  /** The first 100. */
  readonly list: readonly { readonly name: string; readonly bytes: number }[];
}

export interface TensorsDescription {
  readonly tensors: number;
  /** Number of values in all tensors. */
  readonly parameters: number;
  /** The first 100. */
  readonly list: readonly { readonly name: string; readonly type: string; readonly shape: readonly number[] }[];
  /** The first 50 entries of the file's metadata, each value as text of at most 200 characters. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Rows of a table, as CSV text. */
export interface RowsPage {
  /** The columns that the text has, in order. */
  readonly columns: readonly string[];
  /** A header line, and a line for each row (RFC 4180, with LF). */
  readonly csv: string;
  /** Numbers of the first and last row; 0 and 0 if there is none. */
  readonly first: number;
  readonly last: number;
  /** Number of rows in the table, if it is known. */
  readonly total?: number;
  /** Whether rows follow; undefined if the end was not reached and this is not known. */
  readonly more: boolean;
  /** Number of columns that were left out because no columns were named and the page had no room for all. */
  readonly omitted_columns?: number;
  /** The cells that were cut, because one alone was too long for the page. */
  readonly cut?: number;
  /** The columns of cells that were cut, the first 50. A page of one of them alone has more of its cell. */
  readonly cut_columns?: readonly string[];
  /** Present if the table breaks off, rows are not as wide as the table, or a limit ended the reading. */
  readonly partial?: PartialReason;
}

/** Lines in which a text or an expression was found. */
export interface FoundLines {
  /** The line at which the search began. */
  readonly from: number;
  /** Lines that match, from there on. All of them are counted, unless `partial` is present. */
  readonly total: number;
  /** The last line that was searched, if the time limit was reached before the end. */
  readonly searched_to?: number;
  /** Matching lines in `text`. */
  readonly shown: number;
  /** The number of the last matching line in `text`; 0 if there is none. */
  readonly last: number;
  /**
   * As grep shows it: `12:` before a matching line, `13-` before one of the context, `--` between groups. Long lines are
   * cut if there is no room for all. One that is longer than `text` may be has an excerpt for each of its matches, with the
   * offset of the match: `12@3456:`.
   */
  readonly text: string;
  /** The matching lines in `text` that are cut. */
  readonly cut?: {
    readonly lines: number;
    /** The first of them. */
    readonly line: number;
    /** Matches in it, if it is longer than `text` may be. */
    readonly matches?: number;
    /** Where the first of those begins. Absent if the text is not UTF-8, or compressed. */
    readonly offset?: number;
  };
  readonly partial?: PartialReason;
}

/** How two contents differ. */
export interface Comparison {
  /** `identical` by the bytes. */
  readonly kind: "identical" | "text" | "table" | "bytes";
  /** Not all was compared, or not all that differs is told. */
  readonly partial?: PartialReason;
  /** The bytes differ, but both have the same text, the same lines in another order, or the same columns and rows. */
  readonly same?: "text" | "lines" | "rows";
  /** With `same`: what differs. If it is empty, only how the text or the cells are written. */
  readonly differs?: readonly ("format" | "compression" | "encoding" | "line_ends" | "column_order" | "order")[];
  /** Of text, and of tables that are text. */
  readonly text?: {
    readonly lines_added: number;
    readonly lines_removed: number;
    /** Groups of changed lines. */
    readonly hunks: number;
    /**
     * A unified diff with 3 lines of context. Cut after the last whole hunk or line that fits, and sooner if most lines
     * differ.
     */
    readonly diff: string;
    /** The diff does not show all hunks. */
    readonly cut: boolean;
    /** How both are stored, as `utf-8` and `utf-16le with BOM, gzip`, if this differs. Their characters are compared. */
    readonly encodings?: readonly [string, string];
    /** The line ends of both, if those of one are LF and those of the other CR LF (as far as the first megabyte). They are not compared then. */
    readonly line_ends?: readonly ["lf" | "crlf", "lf" | "crlf"];
  };
  readonly table?: {
    /** By name, the first 200. */
    readonly columns_added: readonly string[];
    readonly columns_removed: readonly string[];
    /** Rows that were read, or that the format tells: a lower bound if the comparison is partial. */
    readonly rows_before: number;
    readonly rows_after: number;
    /** Without a key column: one that both have and whose values, in the first rows of each, are all different. */
    readonly likely_key?: string;
    /** With a key column. */
    readonly by?: {
      readonly column: string;
      /** A limit ended the comparison: more rows may be added, removed and changed. */
      readonly at_least?: true;
      readonly rows_added: number;
      readonly rows_removed: number;
      readonly rows_changed: number;
      /** Rows, in both tables, whose key was in their table before. Rows of one key are matched in order. */
      readonly repeated_keys: number;
      /** There were too many keys to remember: more rows may repeat one. */
      readonly repeated_at_least?: true;
      /** Rows, in both tables, whose key is empty. They are matched in order. */
      readonly empty_keys: number;
      /**
       * One line for each of the first changes: `~ id=7: price 12 -> 13`, `+ id=5: a=1, b=2`, `- id=6`; and one for the
       * rest of each kind: `- and 775 more`.
       */
      readonly changes: string;
      readonly cut: boolean;
    };
  };
  readonly bytes?: {
    readonly before: number;
    readonly after: number;
    /** Offset of the first byte that differs. The end of the shorter one, if it is the beginning of the other. */
    readonly first_difference: number;
  };
}

/** Lines of a text. */
export interface LinesPage {
  readonly text: string;
  /** Numbers of the first and last line; 0 and 0 if there is none. */
  readonly first: number;
  readonly last: number;
  /** Number of lines in the whole text, if it is known. */
  readonly total?: number;
  readonly encoding: TextDescription["encoding"];
  /** Present if the page is one line that was too long for it: where it was cut, and where its rest begins. */
  readonly cut?: {
    readonly line: number;
    readonly shown_bytes: number;
    readonly line_bytes: number;
    /** Absent if the text is compressed. */
    readonly next_offset?: number;
  };
  /** Present if the text breaks off. */
  readonly partial?: PartialReason;
}
