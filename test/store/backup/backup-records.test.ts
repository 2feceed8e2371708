import { expect, it } from "vitest";
import { parseRecord, plainKey, readRow } from "../../../src/store/backup/backup-records.js";

const gone = { kind: "gone", bucket: "b", key: "k", facts: { last: 3 } };
const version = { version: 1, mime_type: "a/b", bytes: 0, sha256: "0".repeat(64), created_at: 1, metadata: {} };
const artifact = { kind: "artifact", bucket: "b", key: "k", last: 1, versions: [version] };

it("parseRecord() reads what was written", () => {
  for (const record of [gone, artifact, { kind: "bucket", bucket: "b", facts: { max_age: 60 } }]) {
    expect(parseRecord(JSON.stringify(record))).toEqual(record);
  }
  expect(plainKey({ kind: "gone", bucket: "b", key: "k", facts: { last: 3 } })).toBe("gone\tb\tk");
});

it.each([
  ["no JSON", "{"],
  ["no object", "1"],
  ["an unknown kind", { ...gone, kind: "constructor" }],
  ["an unknown field", { ...artifact, extra: 1 }],
  ["an unknown field of a version", { ...artifact, versions: [{ ...version, extra: 1 }] }],
  ["a bucket that is none", { ...artifact, bucket: "b\tc" }],
  ["a key that is none", { ...gone, key: "../k" }],
  ["no key", { ...gone, key: undefined }],
  ["a key too many", { kind: "bucket", bucket: "b", key: "k", facts: { max_age: 60 } }],
  ["facts of another kind", { ...gone, facts: { max_age: 60 } }],
  ["a digest that is none", { ...artifact, versions: [{ ...version, sha256: "../x" }] }],
  ["no versions", { ...artifact, versions: [] }],
])("parseRecord() refuses %s", (_, record) => {
  expect(() => parseRecord(typeof record === "string" ? record : JSON.stringify(record))).toThrow();
});

it("readRow() says of a row that it cannot be read, and never throws for it", () => {
  for (const key of ["artifact\tb\tk", "session\tx", "gone\tb\tk", "bucket\tb"]) {
    for (const text of ["", "{", "[]", "{}", '{"revision":"r"}'])
      expect(readRow({ key, text })).toEqual({ kind: "unreadable" });
  }
});
