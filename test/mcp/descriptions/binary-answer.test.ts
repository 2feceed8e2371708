import { describe, expect, it } from "vitest";
import { binaryAnswer } from "../../../src/mcp/descriptions/binary-answer.js";
import type { Artifact } from "../../../src/store/model/artifact.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { Description } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";
import { textOf } from "../../support/mcp-client.js";

const at = '"bucket":"b","key":"k","version":1';
const bytes = "encoding base64 reads the bytes.";
const column = { type: "text" as const, empties: 0 };
const table = {
  rows: 5,
  columns: 2,
  column_details: [
    { name: "a", ...column },
    { name: "b c", ...column },
  ],
};
const latin = {
  encoding: "latin-1" as const,
  bom: false,
  line_ends: "lf" as const,
  lines: 3,
  longest_line: { line: 1, bytes: 9 },
};

async function textFor(description: Description, facts: Partial<Artifact> = {}, notUtf8?: string): Promise<string> {
  const artifact = artifactOf({ mime_type: "x/y", ...facts });
  const result = await binaryAnswer({ brief: async () => ({ artifact, description }) }, artifact, notUtf8);
  expect(result.content).toHaveLength(1);
  expect(result._meta).toEqual({ offset: 0, length: 0, bytes: 100 });
  expect(result).not.toHaveProperty("structuredContent");
  return textOf(result);
}

describe("binaryAnswer()", () => {
  it.each<[string, Description, string]>([
    [
      "a table",
      { format: "parquet", table },
      `parquet, 5 rows x 2 columns, 100 bytes. Columns: a, b c. Rows: read_artifact {${at},"rows":5}. describe_artifact says more. ${bytes}`,
    ],
    [
      "a wide table",
      { format: "arrow", table: { ...table, columns: 500, column_details: Array(200).fill({ name: "n", ...column }) } },
      `arrow, 5 rows x 500 columns, 100 bytes. Columns: n, n, n, n, n, n, n, n and 492 more. Rows: read_artifact {${at},"rows":5}. describe_artifact says more. ${bytes}`,
    ],
    [
      "a table whose rows were not counted",
      {
        format: "csv",
        compression: "gzip",
        table: { ...table, rows: 0 },
        partial: { reason: "size", message: "Its rows were not counted." },
      },
      `csv in gzip, 2 columns, 100 bytes. Its rows were not counted. Columns: a, b c. Rows: read_artifact {${at},"rows":5}. describe_artifact says more. ${bytes}`,
    ],
    [
      "a table that cannot be read",
      {
        format: "parquet",
        partial: { reason: "damaged", message: "The Parquet file cannot be read: its footer is missing." },
      },
      `parquet, 100 bytes. The Parquet file cannot be read: its footer is missing. ${bytes}`,
    ],
    [
      "an archive",
      { format: "zip", archive: { entries: 1, unpacked_bytes: 9, list: [{ name: "a/b.txt", bytes: 9 }] } },
      `zip, 1 entry, 100 bytes. Entries: a/b.txt. describe_artifact says more. ${bytes}`,
    ],
    [
      "tensors",
      {
        format: "gguf",
        tensors: { tensors: 2, parameters: 9, list: [{ name: "w", type: "F32", shape: [9] }], metadata: {} },
      },
      `gguf, 2 tensors, 9 parameters, 100 bytes. Tensors: w and 1 more. describe_artifact says more. ${bytes}`,
    ],
    [
      "a file that breaks off",
      { format: "zip", partial: { reason: "damaged", message: "Its directory is missing." } },
      `zip, 100 bytes. Its directory is missing. ${bytes}`,
    ],
    ["anything else", { format: "unknown" }, `of an unknown format, 100 bytes. ${bytes}`],
    [
      "text of another type",
      { format: "text", text: { ...latin, encoding: "utf-8" } },
      `text, 3 lines, 100 bytes. encoding utf8 shows it as text. ${bytes}`,
    ],
    [
      "text in gzip, which is not text itself",
      { format: "text", compression: "gzip", text: { ...latin, encoding: "utf-8" } },
      `text in gzip, 3 lines, 100 bytes. Unpacked: read_artifact {${at},"line":1}, and find looks for a text in its lines. ${bytes}`,
    ],
  ])("says what the content is, and how to read it: %s", async (_what, description, expected) => {
    expect(await textFor(description)).toBe(`Not shown: version 1 is ${expected}`);
  });

  it("says why a text type is not shown as text, and how its lines are", async () => {
    const notUtf8 = "Stored as text/plain, but not UTF-8: the first byte that is not is 0xe9 at offset 3.";
    const description: Description = { format: "text", mime_type: "text/plain", text: latin };
    expect(await textFor(description, { mime_type: "text/plain" }, notUtf8)).toBe(
      `Not shown: version 1 is text, latin-1, 3 lines, 100 bytes. ${notUtf8} As text: read_artifact {${at},"line":1}. ${bytes}`,
    );
  });

  const again = (type: string) =>
    `save or import it again with mime_type ${type} (update_artifact cannot change the type)`;

  it.each<[string, string, Partial<Description>, string | undefined]>([
    ["application/octet-stream", "png", { mime_type: "image/png" }, `To see it, ${again("image/png")}.`],
    [
      "application/octet-stream",
      "pdf",
      { mime_type: "application/pdf" },
      `It is stored as application/octet-stream: to give it its type, ${again("application/pdf")}.`,
    ],
    [
      "application/octet-stream",
      "csv",
      { mime_type: "text/csv", compression: "gzip", text: latin },
      `It is stored as application/octet-stream: to give it its type, ${again("application/gzip")}.`,
    ],
    [
      "text/csv",
      "parquet",
      { mime_type: "application/vnd.apache.parquet" },
      `It is stored as text/csv: to give it its type, ${again("application/vnd.apache.parquet")}.`,
    ],
    ["text/csv", "csv", { mime_type: "text/csv", text: latin }, undefined],
    ["text/csv", "unknown", {}, undefined],
    ["application/x-zip", "zip", { mime_type: "application/zip" }, undefined],
    ["application/octet-stream", "xyz", {}, undefined],
    ["application/octet-stream", "xyz", { mime_type: "application/octet-stream" }, undefined],
  ])("of content stored as %s that is %s says which type is right, where it must: %j", async (...row) => {
    const [mime_type, format, more, sentence] = row;
    const text = await textFor({ format, ...more }, { mime_type });
    if (sentence === undefined) expect(text).not.toMatch(/again/);
    else expect(text).toContain(` ${sentence} `);
  });

  it("says what to do if the description was stopped or failed, and passes other errors on", async () => {
    const artifact = artifactOf({ mime_type: "x/y" });
    const failing = (error: Error) => ({ brief: () => Promise.reject(error) });
    const stopped = await binaryAnswer(failing(new ArtifactError("too_large", "stopped")), artifact);
    expect(textOf(stopped)).toBe(`Not shown: version 1 is x/y, 100 bytes. ${bytes}`);
    const failed = await binaryAnswer(failing(new ArtifactError("internal", "failed")), artifact);
    expect(textOf(failed)).toBe(textOf(stopped));
    const corrupt = new ArtifactError("corrupt", "bad");
    await expect(binaryAnswer(failing(corrupt), artifact)).rejects.toBe(corrupt);
  });
});
