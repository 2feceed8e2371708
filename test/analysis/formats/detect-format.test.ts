import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { detectFormat } from "../../../src/analysis/formats/detect-format.js";
import { sourceOfBytes } from "../../support/byte-sources.js";

const data = new URL("../../../node_modules/vega-datasets/data/", import.meta.url);
const detect = (content: Uint8Array | string, key?: string, mimeType?: string) =>
  detectFormat(sourceOfBytes(content, key, mimeType));

test("finds the format of every file in vega-datasets as its name says", async () => {
  for (const name of await readdir(data)) {
    const found = await detect(await readFile(new URL(name, data)), name);
    expect({ name, format: found.format }).toEqual({ name, format: name.split(".")[1] });
  }
});

test("a signature wins over the name, and the bytes over a name that says a picture", async () => {
  const png = await readFile(new URL("gimp.png", data));
  expect(await detect(png, "x.csv", "text/csv")).toMatchObject({ format: "png", mimeType: "image/png", isText: false });
  expect(await detect("hello", "x.png", "image/png")).toMatchObject({ format: "text", isText: true });
  expect(await detect("hello", "x.json", "application/json")).toMatchObject({ format: "text", mimeType: "text/plain" });
  expect(await detect("hello", "x", "text/markdown")).toMatchObject({ format: "text", mimeType: "text/markdown" });
  expect(await detect("BMI,weight\n1,2\n", "x.csv")).toMatchObject({ format: "csv", mimeType: "text/csv" });
  expect(await detect("GIF is pronounced gif.\n", "x.md")).toMatchObject({ format: "text", mimeType: "text/markdown" });
});

test("tells JSON and JSON Lines by their text", async () => {
  for (const [content, key, format] of [
    ['{"a": 1}', "x", "json"],
    ["[1, 2]", "x", "json"],
    ['{"a":1}\n{"a":2}\n', "x", "jsonl"],
    ['{"a":1}\n{"a":2}\n', "x.json", "jsonl"],
    ['{"a":1}\n', "x.jsonl", "jsonl"],
    ["no json\n", "x.jsonl", "text"],
    ["[link](url) and so on", "x.md", "text"],
    ["[1] Knuth, D.: The art of computer programming", "x.txt", "text"],
    ["[1, 2, {", "x.txt", "json"],
    ["{{ template }}", "x.html", "text"],
    ["3", "x.json", "json"],
    ["a,b\n1,2\n", "x", "text"],
    ["a,b\n1,2\n", "x.txt", "text"],
    ["a\tb\n1\t2\n", "x.tsv", "tsv"],
    ["", "x.csv", "empty"],
    ["<!DOCTYPE html>\n<title>Not found</title>\n", "x.csv", "text"],
    ["\n<html lang=en><body>1,2</body>", "x.tsv", "text"],
    ["<none>,a\n1,2\n", "x.csv", "csv"],
    ['[{"a":1,"b":2}]', "x.csv", "json"],
    ['{"a":1}\n{"a":2}\n', "x.csv", "jsonl"],
    ["[a,b\n1,2\n", "x.csv", "csv"],
  ] as const) {
    expect({ content, key, format: (await detect(content, key)).format }).toEqual({ content, key, format });
  }
  expect((await detect("a,b\n1,2\n", "x.txt", "text/csv")).format).toBe("csv");
});

test("tells encodings by byte order mark and bytes", async () => {
  const cut = Buffer.concat([Buffer.alloc(65_535, "a"), Buffer.from("é and so on")]);
  for (const [content, encoding, bom] of [
    [Buffer.from("\ufeffgrün"), "utf-8", true],
    [Buffer.from("grün 😀"), "utf-8", false],
    [cut, "utf-8", false],
    [Buffer.from("\ufeffgrün\n", "utf16le"), "utf-16le", true],
    [Buffer.from("\ufeffgrün\n", "utf16le").swap16(), "utf-16be", true],
    [Buffer.from("viele Grüße\n", "latin1"), "latin-1", false],
    [Buffer.from("a\0b"), undefined, undefined],
    [Buffer.from([0xff, 0xd8]), undefined, undefined],
  ] as const) {
    expect(await detect(content, "x.txt")).toMatchObject({
      isText: encoding !== undefined,
      ...(encoding === undefined ? {} : { encoding, bom }),
    });
  }
});

test("takes a log with a few NUL for text", async () => {
  const log = `${"12:00:01 INFO started\n".repeat(100)}${"\0".repeat(40)}12:00:02 INFO stopped\n`;
  expect(await detect(Buffer.from(log), "x.log")).toMatchObject({ format: "text", encoding: "utf-8", isText: true });
  expect(await detect(Buffer.from(`${"\0".repeat(60)}${log}`), "x.log")).toMatchObject({ isText: false });
});

test("looks through gzip at text, and at tar", async () => {
  const csv = gzipSync("a,b\n1,2\n");
  expect(await detect(csv, "x.csv.gz")).toMatchObject({ format: "csv", compression: "gzip", isText: true });
  expect(await detect(csv.subarray(0, -8), "x.csv.gz")).toMatchObject({ format: "csv", compression: "gzip" });
  expect(await detect(gzipSync(Buffer.alloc(1000)), "x.gz")).toEqual({
    format: "gzip",
    mimeType: "application/gzip",
    isText: false,
  });
});
