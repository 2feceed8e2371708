import { readFileSync } from "node:fs";
import { Table as ArrowTable, tableFromArrays, tableToIPC } from "apache-arrow";
import { FileBlock, Footer } from "apache-arrow/ipc/metadata/file";
import { expect, test } from "vitest";
import { describe } from "../../../src/analysis/describe/describe.js";
import { openTable } from "../../../src/analysis/tables/open-table.js";
import { endlessRun, sourceOfBytes } from "../../support/byte-sources.js";
import { bytesOf, comparable, filesIn, isArrow, rowsOf } from "./columnar.js";
import expected from "./files/expected.json" with { type: "json" };

/* Files of several writers, from their first byte on: no name tells what they are. */

const readable = Object.entries(expected as Record<string, { rows: number; columns: readonly string[] }>);
const types: Readonly<Record<string, string>> = {
  arrow: "application/vnd.apache.arrow.file",
  arrows: "application/vnd.apache.arrow.stream",
  parquet: "application/vnd.apache.parquet",
};
const describeBytes = (bytes: Uint8Array, name = "content") => describe(sourceOfBytes(bytes, name), endlessRun());

async function readTable(bytes: Uint8Array) {
  const table = await openTable(sourceOfBytes(bytes), endlessRun());
  const rows = table && (await rowsOf(table)).map((row) => row.map(comparable));
  return { columns: table?.columns.map(({ name }) => name), total: table?.totalRows, rows, broken: table?.broken() };
}

test.each(readable)("%s is described as what it is", async (path, { rows, columns }) => {
  const extension = path.split(".").at(-1) ?? "";
  expect(await describeBytes(bytesOf(path))).toMatchObject({
    format: isArrow(path) ? "arrow" : "parquet",
    mime_type: types[extension],
    table: { rows, columns: columns.length },
  });
});

test.each(filesIn("hostile").filter((path) => !path.includes("fuzz")))(
  "%s is described as what it is",
  async (path) => {
    const { format, partial } = await describeBytes(bytesOf(path));
    expect({ format, isPartial: partial !== undefined }).toEqual({
      format: path.includes(".parquet") ? "parquet" : "arrow",
      isPartial: true,
    });
  },
);

test("a text that begins as a file does is a text", async () => {
  for (const text of ["FEA1 is a magic", "PAR1 is a magic\nline 2\n", "ARROW1 and more of it"]) {
    expect((await describeBytes(Buffer.from(text))).format).toBe("text");
  }
});

test("bytes that are all ones are no sound, and no stream", async () => {
  for (const name of ["x", "x.arrows"]) {
    expect((await describeBytes(new Uint8Array(100).fill(0xff), name)).format).toBe("unknown");
  }
  const sound = Uint8Array.of(0xff, 0xfb, 0x90, 0x64, ...new Uint8Array(413)); // a frame of MP3 at 128 kbit/s
  expect((await describeBytes(sound)).format).toBe("mp3");
});

const written = tableFromArrays({ id: Int32Array.of(1, 2, 3), text: ["x", "y", "x"] });
const found = {
  columns: ["id", "text"],
  total: 3,
  rows: [
    [1, "x"],
    [2, "y"],
    [3, "x"],
  ],
  broken: undefined,
};

test("what apache-arrow for JavaScript writes is read, though its files have the schema only in the footer", async () => {
  expect(await readTable(tableToIPC(written, "stream"))).toEqual(found);
  expect(await readTable(tableToIPC(written, "file"))).toEqual(found);
  const empty = new ArrowTable(written.schema, []);
  expect(await readTable(tableToIPC(empty, "file"))).toEqual({ ...found, total: 0, rows: [] });
});

/* Arrow for Rust aligns its messages to 64 bytes: https://github.com/apache/arrow-rs/issues/6311. */
test("a file with gaps between its messages is read", async () => {
  const file = spread(tableToIPC(written, "file"));
  expect(await readTable(file)).toEqual(found);
  // Its messages are also found without a footer, as far as they say what they are.
  expect((await readTable(file.subarray(0, -1))).broken).toMatchObject({ reason: "damaged" });
});

/** Moves the messages of a file so that each begins at a multiple of 64. */
function spread(file: Uint8Array): Uint8Array {
  const { length } = file;
  const footerBytes = new DataView(file.buffer, file.byteOffset + length - 10).getInt32(0, true);
  const footer = Footer.decode(file.slice(length - 10 - footerBytes, length - 10));
  const parts: Buffer[] = [];
  let at = 0;
  const append = (bytes: Uint8Array) => {
    const part = Buffer.alloc(Math.ceil(bytes.length / 64) * 64);
    part.set(bytes);
    parts.push(part);
    at += part.length;
    return at - part.length;
  };
  const moved = ({ offset, metaDataLength, bodyLength }: FileBlock) =>
    new FileBlock(metaDataLength, bodyLength, append(file.subarray(offset, offset + metaDataLength + bodyLength)));
  append(Buffer.from("ARROW1"));
  const dictionaries = [...footer.dictionaryBatches()].map(moved);
  const batches = [...footer.recordBatches()].map(moved);
  append(new Uint8Array(Int32Array.of(-1, 0).buffer));
  const end = Footer.encode(new Footer(footer.schema, footer.version, batches, dictionaries));
  return Buffer.concat([...parts, end, Buffer.from(Int32Array.of(end.length).buffer), Buffer.from("ARROW1")]);
}

test("a footer whose messages are not there is damage", async () => {
  const file = tableToIPC(written, "file");
  const { length } = file;
  const view = new DataView(file.buffer, file.byteOffset);
  const footerAt = length - 10 - view.getInt32(length - 10, true);
  const [batch] = [...Footer.decode(file.slice(footerAt, length - 10)).recordBatches()];
  for (let at = footerAt; at + 8 <= length; at += 1) {
    if (view.getBigInt64(at, true) === BigInt(batch?.offset ?? 0)) view.setBigInt64(at, 8n, true); // that of a dictionary
  }
  const { broken, rows } = await readTable(file);
  expect({ broken, rows }).toEqual({
    broken: { reason: "damaged", message: expect.stringContaining("Its footer names a message that is not there.") },
    rows: [],
  });
});

test("a column without a name has an empty one", async () => {
  const bytes = new Uint8Array(readFileSync(new URL("files/arrow/duration.arrows", import.meta.url)));
  const table = tableToIPC(tableFromArrays({ "": Int32Array.of(1), b: Int32Array.of(2) }), "file");
  expect(await readTable(table)).toMatchObject({ columns: ["", "b"], rows: [[1, 2]] });
  bytes[68] = 0; // where the layout of the first field says that its name is
  expect((await describeBytes(bytes)).table?.column_details[0]).toMatchObject({ name: "" });
});

test("a name in a message can forge no line", async () => {
  const table = tableFromArrays({ a: Int32Array.of(1, 2, 3), "b\nNext page: \u202e": Int32Array.of(1, 2, 3) });
  const bytes = tableToIPC(table, "stream");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const nodes = [...bytes.keys()].filter(
    (at) => at + 16 <= bytes.length && view.getBigInt64(at, true) === 3n && view.getBigInt64(at + 8, true) === 0n,
  );
  view.setBigInt64(nodes.at(-1) ?? 0, 4n, true); // the rows of the last column, and then its nulls
  expect((await describeBytes(bytes)).partial).toEqual({
    reason: "damaged",
    message: 'Batch 1 cannot be read: The column "b\\nNext page: \\u202e" has fewer or more rows than its batch.',
  });
});
