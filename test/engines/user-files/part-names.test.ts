import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { isPartOf, newPartName, readPartName } from "../../../src/engines/user-files/part-names.js";

const sha256 = "0123456789abcdef".repeat(4);

it("a hidden name says for which file and digest it is, and whether its process has ended", () => {
  const own = newPartName("a.csv", sha256);
  expect(own).toMatch(/^\.a\.csv\.0123456789abcdef-\d+-[0-9a-f]{8}\.part$/);
  const part = readPartName(own);
  expect(part).toEqual({ target: "a.csv", digest: "0123456789abcdef", isLeft: false });
  if (part === undefined) return;
  expect(isPartOf(part, "a.csv", sha256)).toBe(true);
  expect(isPartOf(part, "a.csv", "f".repeat(64))).toBe(false);
  expect(isPartOf(part, "b.csv")).toBe(false);
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  expect(readPartName(`.a.csv.0123456789abcdef-${pid}-0123abcd.part`)?.isLeft).toBe(true);
  // In a container the process before may have had the same number.
  expect(readPartName(`.a.csv.0123456789abcdef-${process.pid}-0123abcd.part`)?.isLeft).toBe(true);
});

it("a long name is cut, and other names are none of hidden files", () => {
  const name = "é".repeat(127);
  const part = newPartName(name, sha256);
  expect(Buffer.byteLength(part)).toBeLessThanOrEqual(255);
  const read = readPartName(part);
  expect(read !== undefined && isPartOf(read, name, sha256)).toBe(true);
  for (const other of ["a.part", ".a.part", "a.0123456789abcdef-1-0123abcd.part"]) {
    expect(readPartName(other)).toBe(undefined);
  }
});
