import { describe, expect, test } from "vitest";
import { bytesOf, openTableIn, rowsOf } from "./columnar.js";

// Of each: row groups or batches with a few rows.
const files = ["parquet/rowgroups.parquet", "arrow/lz4.arrow", "arrow/nested.arrows", "arrow/dictionary.arrow"];

describe.each(files)("batches() of %s", (path) => {
  test("reads any range of rows", async () => {
    const table = await openTableIn(path, bytesOf(path));
    const all = await rowsOf(table);
    const last = Math.min(all.length + 2, 24);
    for (let from = 1; from <= last; from++) {
      for (let to = from - 1; to <= last; to++) {
        expect(await rowsOf(table, { from, to })).toEqual(all.slice(from - 1, to));
      }
    }
    expect(table.broken()).toBeUndefined();
  });

  test("reads any columns in the order in which they are wanted", async () => {
    const table = await openTableIn(path, bytesOf(path));
    const all = await rowsOf(table);
    const indexes = table.columns.map((_, index) => index);
    for (const columns of [indexes.toReversed(), [0], indexes.slice(-1), [...indexes.slice(-1), 0, 0], []]) {
      const wanted = columns.length === 0 ? [] : all.slice(2).map((row) => columns.map((index) => row[index]));
      expect(await rowsOf(table, { from: 3, columns })).toEqual(wanted);
    }
  });
});

test("the time ends the batches, and is said", async () => {
  for (const path of files) {
    let calls = 0;
    const table = await openTableIn(path, bytesOf(path), () => ++calls > 1);
    await rowsOf(table);
    const { reason, message } = table.broken() ?? {};
    expect(reason).toBe("time");
    expect(message).toMatch(/^The time limit was reached( after .*)?\.$/); // and not that something cannot be read
  }
});

test("the time is said with the rows that were read of a Parquet file", async () => {
  let calls = 0;
  const path = "parquet/rowgroups.parquet"; // 15 rows, of which the first group has 10
  const table = await openTableIn(path, bytesOf(path), () => ++calls > 1);
  expect(await rowsOf(table)).toHaveLength(10);
  expect(table.broken()).toEqual({ reason: "time", message: "The time limit was reached after 10 of 15 rows." });
});

test("an error of the source is no damage", async () => {
  for (const path of ["parquet/rowgroups.parquet", "arrow/primitive.arrow"]) {
    const bytes = bytesOf(path);
    const failure = new Error("the disk is gone");
    const table = await openTableIn(path, bytes);
    bytes.slice = () => {
      throw failure;
    };
    await expect(rowsOf(table)).rejects.toBe(failure);
    await expect(openTableIn(path, bytes)).rejects.toBe(failure);
  }
});
