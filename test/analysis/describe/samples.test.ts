import { expect, test } from "vitest";
import { describe } from "../../../src/analysis/describe/describe.js";
import { TensorList } from "../../../src/analysis/describe/tensors/tensor-list.js";
import { endlessRun, sourceOfBytes } from "../../support/byte-sources.js";
import samples from "./samples.json" with { type: "json" };

const content = (name: keyof typeof samples): Buffer => Buffer.from(samples[name].content, "base64");
const described = (bytes: Uint8Array | string, key?: string, mimeType?: string) =>
  describe(sourceOfBytes(bytes, key, mimeType), endlessRun());

test.each(Object.keys(samples) as (keyof typeof samples)[])(
  "describes %s as the program that made it",
  async (name) => {
    expect(await described(content(name), name)).toEqual(samples[name].facts);
    // The name only helps; .docx is told by the bytes too.
    expect(await described(content(name), "content")).toEqual(samples[name].facts);
  },
);

test("counts the entries of a zip archive that are there before it breaks off", async () => {
  const whole = content("few.zip");
  const found = await described(whole.subarray(0, whole.indexOf("PK\x01\x02")));
  expect(found.partial).toEqual({
    reason: "damaged",
    message: "The archive breaks off: its directory is missing. Before that: 3 entries.",
  });
  expect(found.archive).toMatchObject({ entries: 3, unpacked_bytes: 5008 });
});

test("says where a tar archive breaks off", async () => {
  const found = await described(content("posix.tar").subarray(0, 1024 + 512 + 100));
  expect(found).toMatchObject({
    archive: { entries: 2, unpacked_bytes: 1005 },
    partial: { reason: "damaged", message: "The archive breaks off at byte 1636, after 2 entries." },
  });
});

test("says that a Parquet file that breaks off cannot be read, and counts no rows", async () => {
  const found = await described(Buffer.from("PAR1\x15\x04\xff\x00\x00", "latin1"), "x.parquet");
  expect(found).toMatchObject({ format: "parquet", partial: { reason: "damaged" } });
  expect(found.partial?.message).toMatch(/^The Parquet file cannot be read: /);
  expect(found.table).toBeUndefined();
});

test("says what of a safetensors file is missing", async () => {
  const found = await described(content("model.safetensors").subarray(0, -7));
  expect(found.tensors?.tensors).toBe(3);
  expect(found.partial).toEqual({
    reason: "damaged",
    message: "The content breaks off: the tensors lack 7 bytes.",
  });
});

test("sizes of tensors that no number can count are the largest that can", () => {
  const list = new TensorList();
  list.add("a", "F32", [2 ** 60, 2]);
  list.add("b", "F32", [...new Array(17).fill(2 ** 64), 0]);
  const most = Number.MAX_SAFE_INTEGER;
  expect(list.facts()).toMatchObject({
    parameters: most,
    list: [{ shape: [most, 2] }, { shape: new Array(16).fill(most) }],
  });
});

test("reports what is known, for the case that a limit stops the description", async () => {
  const run = endlessRun();
  await describe(sourceOfBytes(content("model.safetensors")), run);
  expect(run.known).toMatchObject({ format: "safetensors", tensors: { list: [] } });
  await describe(sourceOfBytes("a,b\n1,2\n", "x.csv"), run);
  expect(run.known).toMatchObject({ format: "csv", mime_type: "text/csv" });
});

test("says where JSON with a byte order mark is wrong", async () => {
  expect((await described("\ufeff[1 2]", "x.json")).partial?.message).toBe("The JSON is wrong at byte 6.");
});

test("describes text by its lines", async () => {
  const facts = async (bytes: Uint8Array | string) => (await described(bytes, "x.txt")).text;
  expect(await facts("a\r\nbcd\r\n")).toEqual({
    encoding: "utf-8",
    bom: false,
    line_ends: "crlf",
    lines: 2,
    longest_line: { line: 2, bytes: 3 },
  });
  expect(await facts("a\r\nb\nccc")).toMatchObject({
    line_ends: "mixed",
    lines: 3,
    longest_line: { line: 3, bytes: 3 },
  });
  expect(await facts("one\rtwo three\r")).toMatchObject({
    line_ends: "cr",
    lines: 1,
    longest_line: { line: 1, bytes: 14 },
  });
  expect(await facts("\n")).toMatchObject({ line_ends: "lf", lines: 1, longest_line: { line: 1, bytes: 0 } });
  expect(await facts("\ufeffgrün")).toMatchObject({
    bom: true,
    line_ends: "none",
    lines: 1,
    longest_line: { line: 1, bytes: 5 },
  });
  const utf16 = Buffer.from("\ufeffab\u0a0d\r\ncde\n", "utf16le"); // U+0A0D has the bytes of line ends in it
  expect(await facts(utf16)).toMatchObject({
    encoding: "utf-16le",
    line_ends: "mixed",
    lines: 2,
    longest_line: { line: 1, bytes: 6 },
  });
  expect(await facts(utf16.swap16())).toMatchObject({ encoding: "utf-16be", lines: 2 });
});

test("describes an SVG picture as text with the size that it states, in whole pixels", async () => {
  const svg = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80.5px">\n</svg>\n';
  const fact = { format: "svg", mime_type: "image/svg+xml", image: { width: 120, height: 81 } };
  expect(await described(svg)).toMatchObject({ ...fact, text: { lines: 3 } });
  expect((await described('<svg viewBox="0 0 1 1" width="100%" height="1em"/>', "x.svg")).image).toBeUndefined();
  const sized = async (width: string) => (await described(`<svg width="${width}" height="20"/>`)).image?.width;
  expect(await sized("10.4")).toBe(10);
  expect(await sized("9007199254740991")).toBe(9007199254740991);
  for (const none of ["0", "0.4", "9007199254740992", "9".repeat(24), "9".repeat(400)]) {
    expect(await sized(none)).toBeUndefined();
  }
});

test("describes other bytes by their beginning and their entropy", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect(await described(bytes)).toEqual({
    format: "unknown",
    unknown: { first_bytes: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", entropy: 8 },
  });
  expect((await described(Buffer.alloc(1000))).unknown?.entropy).toBe(0);
  expect((await described(Buffer.alloc(999, Buffer.from([0, 0, 255])))).unknown?.entropy).toBeCloseTo(0.918, 2); // of 1/3 and 2/3
  expect(await described("", "x.csv")).toEqual({ format: "empty" });
});

test("counts members of JSON whose name repeats once", async () => {
  const long = "x".repeat(2_000);
  for (const [text, size] of [
    ['{"a":1,"b":2,"a":"x","c":3}', 3],
    ['{"a":1,"\\u0061":2}', 1],
    ['{"a":1,"a"', 1],
    ['{"a":{"b":1},"a":{"c":1}}', 1],
    [`{"${long}1":1,"${long}2":2}`, 2],
  ] as const) {
    expect({ text, size: (await described(text, "x.json")).json?.size }).toEqual({ text, size });
  }
  expect((await described('{"a":{"b":{"c":1,"c":2}}}', "x.json")).json).toMatchObject({
    members: { a: { size: 1, members: { b: { type: "object", size: 1 } } } },
  });
  expect((await described('[[{"c":1,"c":2}],[{"c":1,"c":2}]]', "x.json")).json).toMatchObject({
    items: { size: 1, items: { size: 1 } },
  });
});

test("tells which values of JSON can be null, and the names in a list that is in the root", async () => {
  const found = await described(
    '{"data":[{"x":1,"y":null,"z":{"w":1}},null,{"x":null,"y":null,"t":[{"u":1}]}],"a":{"b":{"c":1}},"n":null}',
    "x.json",
  );
  expect(found).toMatchObject({ format: "json", text: { lines: 1 } });
  expect(found.table).toBeUndefined();
  expect(found.json).toEqual({
    type: "object",
    size: 3,
    members: {
      data: {
        type: "array",
        size: 3,
        items: {
          type: "object",
          nullable: true,
          size: 3,
          members: {
            x: { type: "number", nullable: true },
            y: { type: "null" },
            z: { type: "object", size: 1 },
            t: { type: "array", size: 1 },
          },
        },
      },
      a: { type: "object", size: 1, members: { b: { type: "object", size: 1 } } },
      n: { type: "null" },
    },
  });
});

test("tells the columns of a JSON array of objects, and where it is wrong", async () => {
  expect(await described('[{"a":1,"b":null},{"a":2}]', "x")).toMatchObject({
    format: "json",
    text: { lines: 1 },
    json: {
      type: "array",
      size: 2,
      items: { type: "object", members: { a: { type: "number" }, b: { type: "null" } } },
    },
    table: {
      rows: 2,
      columns: 2,
      column_details: [
        { name: "a", empties: 0 },
        { name: "b", type: "empty", empties: 2 },
      ],
    },
  });
  expect(await described('[{"a":1},{"a":2},{"a"', "x.json")).toMatchObject({
    table: { rows: 2, columns: 1 },
    partial: {
      reason: "damaged",
      message:
        "The JSON breaks off after 21 bytes. The table breaks off after 2 rows. What follows is no JSON, and was not read.",
    },
  });
});

test("tells where JSON is wrong, and what its shape is until there", async () => {
  expect(await described('{"a": [1, "x"], "b": {"c": {"d": 1}}, "b', "x.json")).toMatchObject({
    json: {
      type: "object",
      members: {
        a: { type: "array", size: 2, items: { type: "mixed" } },
        b: { type: "object", size: 1, members: { c: { type: "object", size: 1 } } },
      },
    },
    partial: { reason: "damaged", message: "The JSON breaks off after 40 bytes." },
  });
  for (const [text, at] of [
    ["[1,]", 3],
    ["[1 2]", 3],
    ["[01]", 1],
    ["[tru]", 1],
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ["{a:1}", 1],
    ["[1}", 2],
    ["[1]]", 3],
    ["[1],", 3],
    ['["a\nb"]', 3],
    ["[+1]", 1],
  ] as const) {
    const message = `The JSON is wrong at byte ${at}.`;
    expect({ text, partial: (await described(text, "x.json")).partial }).toEqual({
      text,
      partial: { reason: "damaged", message },
    });
  }
  for (const text of ["3", "[-1.5e+3, 0, 0.0, 1E5, -0]", "{}", "[]", ' {"a\\"\\u0041": null} ', '"\\\\"']) {
    expect({ text, partial: (await described(text, "x.json")).partial }).toEqual({ text, partial: undefined });
  }
});

test("the members of a JSON object have their own names, whatever they are", async () => {
  const { json } = await described('{"__proto__": 1, "a\\u0041": true, "constructor": []}', "x.json");
  expect(Object.entries(json?.members ?? {})).toEqual([
    ["__proto__", { type: "number" }],
    ["aA", { type: "boolean" }],
    ["constructor", { type: "array", size: 0 }],
  ]);
});
