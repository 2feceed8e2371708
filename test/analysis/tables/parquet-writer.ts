/* Writes Parquet files that no program would write. Numbers are as in parquet.thrift of apache/parquet-format. */

type Field = readonly [id: number, type: number, bytes: Buffer];

const i32 = 5;
const i64 = 6;
const binary = 8;
const list = 9;
const structure = 12;

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function zigzag(value: number): Buffer {
  const big = BigInt(value);
  return varint(BigInt.asUintN(64, (big << 1n) ^ (big >> 63n)));
}

function struct(...fields: readonly Field[]): Buffer {
  return Buffer.concat([
    ...fields.flatMap(([id, type, bytes]) => [Buffer.from([type]), zigzag(id), bytes]),
    Buffer.from([0]),
  ]);
}

function text(value: string): Buffer {
  return Buffer.concat([varint(BigInt(Buffer.byteLength(value))), Buffer.from(value)]);
}

function structs(items: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([0xf0 | structure]), varint(BigInt(items.length)), ...items]);
}

/** What the file says, whether it is true or not. */
export interface WrittenFile {
  readonly columns: number;
  /** Of all columns. By default they are c0, c1, ... */
  readonly name?: string;
  readonly rows: number;
  /** Sizes in the header of the only page, which all columns share. */
  readonly page?: { readonly uncompressed?: number; readonly compressed?: number; readonly values?: number };
  /** Groups around a column, one in the other. */
  readonly depth?: number;
  readonly codec?: number;
}

/** A file whose columns are all the same required INT32s 7, 8, 9, ... */
export function writeParquet({ columns, name, rows, page = {}, depth = 0, codec = 0 }: WrittenFile): Buffer {
  const values = Buffer.from(Int32Array.from({ length: Math.min(rows, 1000) }, (_, row) => row + 7).buffer);
  const { uncompressed = values.length, compressed = values.length, values: count = rows } = page;
  const dataPage = struct([1, i32, zigzag(count)], [2, i32, zigzag(0)], [3, i32, zigzag(3)], [4, i32, zigzag(3)]);
  const header = struct(
    [1, i32, zigzag(0)],
    [2, i32, zigzag(uncompressed)],
    [3, i32, zigzag(compressed)],
    [5, structure, dataPage],
  );
  const names = Array.from({ length: columns }, (_, column) => name ?? `c${column}`);
  const leaf = (name: string) => struct([1, i32, zigzag(1)], [3, i32, zigzag(0)], [4, binary, text(name)]);
  const group = (name: string, children: number) =>
    struct([3, i32, zigzag(0)], [4, binary, text(name)], [5, i32, zigzag(children)]);
  const around = Array.from({ length: depth }, (_, level) => group(`g${level}`, 1));
  const chunkBytes = header.length + values.length;
  const chunk = (name: string) =>
    struct(
      [2, i64, zigzag(4)],
      [
        3,
        structure,
        struct(
          [1, i32, zigzag(1)],
          [3, list, Buffer.concat([Buffer.from([0x18]), text(name)])],
          [4, i32, zigzag(codec)],
          [5, i64, zigzag(rows)],
          [6, i64, zigzag(chunkBytes)],
          [7, i64, zigzag(chunkBytes)],
          [9, i64, zigzag(4)],
        ),
      ],
    );
  const rowGroup = struct([1, list, structs(names.map(chunk))], [2, i64, zigzag(chunkBytes)], [3, i64, zigzag(rows)]);
  const footer = struct(
    [1, i32, zigzag(1)],
    [2, list, structs([group("schema", depth > 0 ? 1 : columns), ...around, ...names.map(leaf)])],
    [3, i64, zigzag(rows)],
    [4, list, structs([rowGroup])],
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from("PAR1"), header, values, footer, length, Buffer.from("PAR1")]);
}
