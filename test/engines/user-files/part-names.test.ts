import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { isPartOf, newPartName, readPartName } from "../../../src/engines/user-files/part-names.js";
import { processSpace } from "../../../src/engines/user-files/process-space.js";
import { fileSegment } from "../../../src/store/transfer/user/escaped-names.js";

const sha256 = "0123456789abcdef".repeat(4);

it("a hidden name says for which file and digest it is, and whether its process has ended", () => {
  const own = newPartName("a.csv", sha256);
  expect(own).toMatch(/^\.a\.csv\.0123456789abcdef-[0-9a-f]{8}-\d+-[0-9a-f]{8}\.part$/);
  const part = readPartName(own);
  expect(part).toEqual({ target: "a.csv", digest: "0123456789abcdef", writer: "running" });
  if (part === undefined) return;
  expect(isPartOf(part, "a.csv", sha256)).toBe(true);
  expect(isPartOf(part, "a.csv", "f".repeat(64))).toBe(false);
  expect(isPartOf(part, "b.csv")).toBe(false);
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  expect(readPartName(`.a.csv.0123456789abcdef-${processSpace()}-${pid}-0123abcd.part`)?.writer).toBe("ended");
  // A process of another container or machine may have any number.
  expect(readPartName(`.a.csv.0123456789abcdef-00000000-${pid}-0123abcd.part`)?.writer).toBe("elsewhere");
  // The process before may have had the same number.
  expect(readPartName(`.a.csv.0123456789abcdef-${processSpace()}-${process.pid}-0123abcd.part`)?.writer).toBe("ended");
});

it("a long name is cut, and other names are none of hidden files", () => {
  const name = "é".repeat(127);
  const part = newPartName(name, sha256);
  expect(Buffer.byteLength(part)).toBeLessThanOrEqual(255);
  const read = readPartName(part);
  expect(read !== undefined && isPartOf(read, name, sha256)).toBe(true);
  for (const other of ["a.part", ".a.part", "a.0123456789abcdef-00000000-1-0123abcd.part"]) {
    expect(readPartName(other)).toBe(undefined);
  }
});

it("no artifact is written under a name that stands for a hidden file", () => {
  const end = "0123456789abcdef-01234567-4000000-01234567.part";
  for (const name of [`.${end}`, `..${end}`, `.a.${end}`, `a.${end}`, `.a.b.${end}`, `.a.${end}x`]) {
    const isWritten = "name" in fileSegment(name, { isWindows: false, rename: false });
    expect([name, isWritten]).toEqual([name, readPartName(name) === undefined]);
  }
});
