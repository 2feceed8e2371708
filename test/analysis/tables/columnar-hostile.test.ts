import { describe, expect, test } from "vitest";
import { bytesOf, filesIn, isArrow, openTableIn } from "./columnar.js";

/** More rows are not read of a damaged file: some promise any number of them. */
const mostRows = 20_000;

/** Opens a file and reads its rows. Nothing may be thrown. @returns why it cannot be read, if it cannot */
async function readAll(path: string, bytes: Uint8Array) {
  const table = await openTableIn(path, bytes);
  let rows = 0;
  for await (const batch of table.batches()) {
    rows += batch.rows.length;
    if (rows > mostRows) break;
  }
  return table.broken();
}

describe("damaged files that others have found", () => {
  // They have crashed other readers. Of this one only a batch without rows is damaged, and such a batch is not read.
  const harmless = new Set(["hostile/fuzz-4961281405222912.arrows"]);

  test.each(filesIn("hostile").filter((path) => path.includes("fuzz")))("%s ends", async (path) => {
    const broken = await readAll(path, bytesOf(path));
    if (!harmless.has(path)) expect(broken?.reason).toMatch(/^(damaged|size|unsupported)$/);
  });

  test.each([
    ["large_string_map.brotli.parquet", "size", "A page has 1073741828 bytes"],
    ["encrypt_columns_plaintext_footer.parquet.encrypted", "unsupported", "A column is encrypted"],
    ["uniform_encryption.parquet.encrypted", "unsupported", "encrypted"],
    ["PARQUET-1481.parquet", "damaged", "its bytes are damaged"],
    ["ARROW-GH-45185.parquet", "damaged", "Row group 1"],
    ["ARROW-RS-GH-6229-DICTHEADER.parquet", "damaged", "Row group 1"],
    ["ARROW-RS-GH-6229-LEVELS.parquet", "damaged", "Row group 1"],
    ["list_view.arrow", "unsupported", "ListView"],
    ["run_end_encoded.arrows", "unsupported", "RunEndEncoded"],
    ["high_byte_first.arrows", "unsupported", "the high byte first"],
    ["v0.17.0.version.2-compression.lz4.feather", "unsupported", "Feather files before 2020"],
    ["version_1.feather", "unsupported", "It is a Feather file of version 1."],
    ["polars_int128.arrow", "unsupported", "integers of 128 bits"],
  ])("%s is refused for its %s", async (name, reason, says) => {
    const broken = await readAll(name.replace(".encrypted", ""), bytesOf(`hostile/${name}`));
    expect(broken).toEqual({ reason, message: expect.stringContaining(says) });
  });
});

const samples = [
  "parquet/nulls.snappy.parquet",
  "parquet/nested_maps.snappy.parquet",
  "arrow/dictionary.arrows",
  "arrow/uncompressible_zstd.arrow",
];

describe.each(samples)("%s", (path) => {
  const whole = bytesOf(path);

  test("cut off anywhere is said to be damaged, except where a stream may end", async () => {
    for (let length = 0; length < whole.length; length++) {
      const broken = await readAll(path, whole.slice(0, length));
      if (!path.endsWith(".arrows") || broken !== undefined) expect(broken?.reason).toBe("damaged");
    }
  });

  test("with any number replaced is read or refused", async () => {
    const step = isArrow(path) ? 4 : 1; // Arrow aligns its numbers
    for (let at = 0; at + 4 <= whole.length; at += step) {
      for (const replacement of [0, 0x7fffffff, 0x80000000, 0xffffffff]) {
        const bytes = whole.slice();
        new DataView(bytes.buffer).setUint32(at, replacement, true);
        await readAll(path, bytes);
      }
    }
  });

  test("with any byte changed is read or refused", async () => {
    for (let at = 0; at < whole.length; at++) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] as number) ^ 0xff;
      await readAll(path, bytes);
    }
  });
});
