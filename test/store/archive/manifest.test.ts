import { describe, expect, it } from "vitest";
import { type ManifestEntry, manifestText, parseManifest } from "../../../src/store/archive/manifest.js";
import { refusalOf } from "../../support/refusal-of.js";

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

  it("is read as it was written", () => {
    const entries = [entry, { ...entry, key: "l", file: "~renamed/x" }];
    expect(parseManifest(textOf(...entries))).toEqual(entries);
  });

  const { file: _, ...facts } = entry;
  it.each([
    ["no JSON", "{", "it is no JSON"],
    ["another format", { format: "artifacts-mcp-export/2", artifacts: [] }, "its format is not artifacts-mcp-export/1"],
    ["JSON of something else", [], "invalid input: expected object"],
    ["a field too many", { artifacts: [{ ...facts, x: 1 }] }, 'artifacts[0]: unrecognized key: "x"'],
    ["a field too few", { artifacts: [{ ...facts, sha256: undefined }] }, "artifacts[0].sha256: "],
    ["a wrong digest", { artifacts: [{ ...facts, sha256: "x" }] }, "artifacts[0].sha256: is not 64 lower-case hex"],
    ["a number too high", { artifacts: [{ ...facts, version: 2 ** 50 }] }, "artifacts[0].version: "],
    ["a wrong bucket", { artifacts: [{ ...facts, bucket: "a/b" }] }, "artifacts[0].bucket: is no bucket name"],
    ["a wrong key", { artifacts: [facts, { ...facts, key: "/" }] }, "artifacts[1].key: is no key"],
    ["too much metadata", { artifacts: [{ ...facts, metadata: { a: "x".repeat(3_000) } }] }, "artifacts[0].metadata: "],
    ["a file elsewhere", { artifacts: [{ ...facts, file: "../x" }] }, "artifacts[0].file: is no name of a file"],
    ["an artifact twice", { artifacts: [facts, facts] }, 'it names "b/k.txt" twice'],
  ])("is refused with one line that says what is wrong: %s", (_what, manifest, problem) => {
    const text =
      typeof manifest === "string"
        ? manifest
        : JSON.stringify(Array.isArray(manifest) ? manifest : { format: "artifacts-mcp-export/1", ...manifest });
    const { code, message } = refusalOf(() => parseManifest(text));
    expect(code).toBe("invalid_argument");
    expect(message).toContain(`manifest.json is not as an export writes it: ${problem}`);
    expect(message).not.toContain("\n");
  });
});
