import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { type ManifestEntry, manifestEntries, manifestText } from "../../../src/store/archive/manifest.js";

const entry: ManifestEntry = {
  bucket: "b",
  key: "k.txt",
  version: 3,
  bytes: 5,
  sha256: "0".repeat(64),
  mime_type: "text/plain",
  metadata: { z: "1", a: "é", "10": "x" },
  file: "b/k.txt",
};
const textOf = (...entries: readonly ManifestEntry[]): string => [...manifestText(entries)].join("");

async function read(text: string): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  for await (const entry of manifestEntries(Readable.from(text.split("\n")))) entries.push(entry);
  return entries;
}

/** The text of a manifest with these artifacts, one a line. */
const withArtifacts = (...artifacts: readonly object[]): string =>
  `{\n"format": "artifacts-mcp-export/1",\n"artifacts": [\n${artifacts.map((each) => JSON.stringify(each)).join(",\n")}\n]\n}`;

describe("a manifest", () => {
  it("has one line for each artifact, with the names of the metadata in order", () => {
    expect(textOf(entry, { ...entry, key: "l:", metadata: {}, file: "~renamed/x" })).toBe(`{
  "format": "artifacts-mcp-export/1",
  "artifacts": [
    {"bucket":"b","key":"k.txt","version":3,"bytes":5,"sha256":"${"0".repeat(64)}","mime_type":"text/plain","metadata":{"10":"x","a":"é","z":"1"}},
    {"bucket":"b","key":"l:","version":3,"bytes":5,"sha256":"${"0".repeat(64)}","mime_type":"text/plain","metadata":{},"file":"~renamed/x"}
  ]
}
`);
    expect(JSON.parse(textOf())).toEqual({ format: "artifacts-mcp-export/1", artifacts: [] });
  });

  it("is read as it was written", async () => {
    const entries = [entry, { ...entry, key: "l", file: "~renamed/x" }];
    expect(await read(textOf(...entries).trimEnd())).toEqual(entries);
    expect(await read(textOf().trimEnd())).toEqual([]);
  });

  const { file: _, ...facts } = entry;
  it.each([
    ["its beginning only", textOf(entry).split("\n").slice(0, 3).join("\n"), "its end is missing"],
    ["all but its last line", textOf().replace("\n}\n", ""), "its end is missing"],
    ["another format", textOf().replace("export/1", "export/2"), "its format is not artifacts-mcp-export/1"],
    ["JSON of something else", '{"name": "my web app"}', "line 1 has something else"],
    ["two in a line", withArtifacts(facts).replace("{\n", "{ "), "line 1 has something else"],
    ["a line that is no JSON", textOf(entry).replace('"b"', "b"), "line 4 is no JSON"],
    ["more after its end", `${textOf().trimEnd()}\n{`, "it goes on after its end"],
    ["a field too many", withArtifacts({ ...facts, x: 1 }), 'artifacts[0]: unrecognized key: "x"'],
    ["a field too few", withArtifacts({ ...facts, sha256: undefined }), "artifacts[0].sha256: "],
    ["a wrong digest", withArtifacts({ ...facts, sha256: "x" }), "artifacts[0].sha256: is not 64 lower-case hex"],
    ["a number too high", withArtifacts({ ...facts, version: 2 ** 50 }), "artifacts[0].version: "],
    ["a wrong bucket", withArtifacts({ ...facts, bucket: "a/b" }), "artifacts[0].bucket: is no bucket name"],
    ["a wrong key", withArtifacts(facts, { ...facts, key: "/" }), "artifacts[1].key: is no key"],
    ["too much metadata", withArtifacts({ ...facts, metadata: { a: "x".repeat(3_000) } }), "artifacts[0].metadata: "],
    ["a file elsewhere", withArtifacts({ ...facts, file: "../x" }), "artifacts[0].file: is no name of a file"],
    ["an artifact twice", withArtifacts(facts, facts), 'it names "b/k.txt" twice'],
  ])("is refused with one line that says what is wrong: %s", async (_what, text, problem) => {
    const refused = read(text);
    await expect(refused).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(`manifest.json is not as an export writes it: ${problem}`),
    });
    await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining("\n") });
  });
});
