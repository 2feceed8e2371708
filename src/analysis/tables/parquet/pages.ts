import { parquetHeader } from "hyparquet/src/column.js";
import type { Run, Source } from "../../source.js";
import { Unreadable } from "../unreadable.js";
import type { Leaf } from "./columns.js";
import { type Decompress, decompressorOf } from "./decompress.js";
import { type Dictionary, dictionaryOf } from "./dictionary.js";
import type { ColumnChunk } from "./footer.js";
import { type TakeValues, valuesOf } from "./page-values.js";
import { RunLengths } from "./run-lengths.js";
import { endOfStruct } from "./thrift.js";

type PageHeader = ReturnType<typeof parquetHeader>;

/** The values of a page, with the levels that say which are null, and which begin a row. */
export interface Page {
  /** Values with nulls. */
  readonly size: number;
  readonly definitions: RunLengths | undefined;
  readonly repetitions: RunLengths | undefined;
  /** Values without nulls. */
  readonly take: TakeValues;
}

/** What the columns of a row group share while they are read. */
export interface Reading {
  readonly source: Source;
  readonly run: Run;
  /** Bytes that were read with a header are kept for what follows it. */
  readonly keepWindows: boolean;
  /** Bytes of pages that are held now. */
  heldBytes: number;
}

export const mostPageBytes = 32 * 1024 * 1024;
const mostHeldBytes = 48 * 1024 * 1024;
const headerBytes = { usual: 8 * 1024, most: 1024 * 1024 };

/** Reads the pages of a column chunk one by one, each as large as its header says, but never larger than a limit. */
export class Pages {
  readonly #reading: Reading;
  readonly #chunk: ColumnChunk;
  readonly #leaf: Leaf;
  readonly #end: number;
  #at: number;
  #window: { readonly start: number; readonly bytes: Uint8Array } | undefined;
  #header: { readonly header: PageHeader; readonly start: number } | undefined;
  #decompress: Decompress | undefined;
  #dictionary: { readonly get: Dictionary; readonly bytes: number } | undefined;
  #pageBytes = 0;

  constructor(reading: Reading, chunk: ColumnChunk, leaf: Leaf) {
    this.#reading = reading;
    this.#chunk = chunk;
    this.#leaf = leaf;
    this.#at = chunk.start;
    this.#end = chunk.start + chunk.bytes;
    if (chunk.start < 4 || this.#end > reading.source.bytes - 8) {
      throw new Unreadable("The footer names bytes that are not there.");
    }
  }

  /** The number of values, with nulls, of the next page of data; undefined at the end. */
  async peek(): Promise<number | undefined> {
    for (;;) {
      if (this.#reading.run.isOver()) throw new Unreadable("The time was over.", "time");
      const next = await this.#peekHeader();
      if (next === undefined) return undefined;
      const { type, data_page_header: v1, data_page_header_v2: v2 } = next.header;
      if (type === "DICTIONARY_PAGE") await this.#readDictionary();
      else if (v1 === undefined && v2 === undefined) this.skip();
      else return count((v1 ?? v2)?.num_values);
    }
  }

  /** Leaves out the page that was seen last. */
  skip(): void {
    if (this.#header === undefined) return;
    this.#at = this.#header.start + this.#header.header.compressed_page_size;
    this.#header = undefined;
  }

  /** Reads the page that was seen last. The one before is not held any more. */
  async read(): Promise<Page> {
    const header = this.#header?.header;
    if (header === undefined) throw new Error("no page has been seen");
    this.#hold(header.uncompressed_page_size - this.#pageBytes);
    this.#pageBytes = header.uncompressed_page_size;
    const body = await this.#body(header);
    const decompress = await this.#decompressor();
    return header.data_page_header_v2 ? this.#pageV2(header, body, decompress) : this.#pageV1(header, body, decompress);
  }

  async #peekHeader() {
    if (this.#header !== undefined) return this.#header;
    if (this.#at >= this.#end) return undefined;
    for (const most of [headerBytes.usual, headerBytes.most]) {
      const length = Math.min(most, this.#end - this.#at);
      const bytes = await this.#read(this.#at, length, length);
      try {
        const end = endOfStruct(bytes, 0);
        const header = parquetHeader({ view: viewOf(bytes.subarray(0, end)), offset: 0 });
        this.#header = { header: checked(header, this.#end - this.#at - end), start: this.#at + end };
        return this.#header;
      } catch (error) {
        if (length < most || most === headerBytes.most) throw error;
      }
    }
    return undefined;
  }

  async #readDictionary(): Promise<void> {
    const header = this.#header?.header;
    if (this.#dictionary !== undefined) throw new Unreadable("A column chunk has two dictionaries.");
    const size = count(header?.dictionary_page_header?.num_values);
    if (header === undefined) return;
    this.#hold(header.uncompressed_page_size);
    const decompress = await this.#decompressor();
    const page = own(decompress(await this.#body(header), header.uncompressed_page_size));
    this.#dictionary = { get: dictionaryOf(page, size, this.#leaf), bytes: page.length };
  }

  async #body({ compressed_page_size: length }: PageHeader): Promise<Uint8Array> {
    const start = this.#header?.start ?? this.#at;
    const body = await this.#read(start, length, length);
    this.skip();
    return body;
  }

  /** Bytes of the source, of which the first were often read with the header before. */
  async #read(start: number, length: number, least: number): Promise<Uint8Array> {
    const window = this.#window;
    const offset = window === undefined ? -1 : start - window.start;
    if (window !== undefined && offset >= 0 && offset + length <= window.bytes.length) {
      return window.bytes.subarray(offset, offset + length);
    }
    const bytes = await this.#reading.source.read(start, length);
    if (bytes.length < least) throw new Unreadable("The content breaks off.");
    this.#window = this.#reading.keepWindows && length <= headerBytes.usual ? { start, bytes } : undefined;
    return bytes;
  }

  async #decompressor(): Promise<Decompress> {
    this.#decompress ??= await decompressorOf(this.#chunk.codec);
    return this.#decompress;
  }

  #hold(bytes: number): void {
    if (this.#reading.heldBytes + bytes > mostHeldBytes) {
      throw new Unreadable("Its pages need more memory than there is for them together.", "size");
    }
    this.#reading.heldBytes += bytes;
  }

  #pageV1(header: PageHeader, body: Uint8Array, decompress: Decompress): Page {
    const v1 = header.data_page_header;
    const page = own(decompress(body, header.uncompressed_page_size));
    const { maxDefinition, maxRepetition } = this.#leaf;
    let at = 0;
    const level = (max: number, levelEncoding: string | undefined) => {
      if (max === 0) return undefined;
      if (levelEncoding !== "RLE") throw new Unreadable(`Levels are encoded as ${levelEncoding}.`, "unsupported");
      const start = at + 4;
      at = start + viewOf(page).getUint32(at, true);
      if (at > page.length) throw new Unreadable("The levels of a page are longer than the page.");
      return new RunLengths(page.subarray(start, at), 0, widthOf(max));
    };
    const repetitions = level(maxRepetition, v1?.repetition_level_encoding);
    const definitions = level(maxDefinition, v1?.definition_level_encoding);
    const take = valuesOf(page.subarray(at), v1?.encoding, this.#leaf, this.#dictionary?.get);
    return { size: count(v1?.num_values), repetitions, definitions, take };
  }

  #pageV2(header: PageHeader, body: Uint8Array, decompress: Decompress): Page {
    const v2 = header.data_page_header_v2;
    const repetitionBytes = count(v2?.repetition_levels_byte_length);
    const levelBytes = repetitionBytes + count(v2?.definition_levels_byte_length);
    const bytes = header.uncompressed_page_size - levelBytes;
    if (levelBytes > body.length || bytes < 0) throw new Unreadable("The levels of a page are longer than the page.");
    const { maxDefinition, maxRepetition } = this.#leaf;
    const level = (max: number, start: number, end: number) =>
      max === 0 ? undefined : new RunLengths(body.subarray(start, end), 0, widthOf(max));
    const rest = body.subarray(levelBytes);
    const values = v2?.is_compressed === false || bytes === 0 ? rest : decompress(rest, bytes);
    return {
      size: count(v2?.num_values),
      repetitions: level(maxRepetition, 0, repetitionBytes),
      definitions: level(maxDefinition, repetitionBytes, levelBytes),
      take: valuesOf(own(values), v2?.encoding, this.#leaf, this.#dictionary?.get),
    };
  }
}

function checked(header: PageHeader, rest: number): PageHeader {
  const { compressed_page_size, uncompressed_page_size } = header;
  if (count(compressed_page_size) > rest) throw new Unreadable("A page is longer than its column chunk.");
  for (const bytes of [compressed_page_size, count(uncompressed_page_size)]) {
    if (bytes <= mostPageBytes) continue;
    throw new Unreadable(
      `A page has ${bytes} bytes, more than the ${mostPageBytes} that can be read at a time.`,
      "size",
    );
  }
  return header;
}

function count(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw new Unreadable("The header of a page is damaged.");
}

/** A page whose values cannot be confused with what else lies in its buffer, and do not keep that. */
function own(page: Uint8Array): Uint8Array {
  return page.length === page.buffer.byteLength ? page : page.slice();
}

function widthOf(max: number): number {
  return 32 - Math.clz32(max);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
