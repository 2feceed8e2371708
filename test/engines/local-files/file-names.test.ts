import { posix, win32 } from "node:path";
import { describe, expect, it } from "vitest";
import { checkFileNames } from "../../../src/engines/local-files/file-names.js";
import { checkFolderPath } from "../../../src/engines/local-files/path-rules.js";

const onLinux = (...names: string[]) => checkFileNames(posix, "/data", names, "linux");
const onMac = (...names: string[]) => checkFileNames(posix, "/data", names, "darwin");
const onWindows = (...names: string[]) => checkFileNames(win32, "C:\\data", names, "win32");

describe("checkFileNames()", () => {
  it("takes names that the system has, also side by side", () => {
    onLinux("a", "A", "d/a", "d/A", "con", "a:b", "x".repeat(255), "\u682a".repeat(85));
    onMac("a", "b", "d/a");
    onWindows("a", "b c", "d/a");
  });

  it("refuses names that would be one file where case does not count", () => {
    for (const check of [onMac, onWindows]) {
      expect(() => check("report", "Report")).toThrow(/"report" and "Report" differ only in case.*Nothing was written/);
      expect(() => check("d/x", "D/X")).toThrow(/differ only in case/);
    }
  });

  it("refuses names that the system does not have", () => {
    expect(() => onLinux(`d/${"x".repeat(256)}`)).toThrow(/longer than 255 bytes/);
    expect(() => onLinux(`${"x/".repeat(2_100)}x`)).toThrow(/longer than 4095 bytes/);
    for (const name of ["con", "d/nul.txt", "a:b", "end.", 'quo"te', "what?"]) {
      expect(() => onWindows(name), name).toThrow(/on Windows|Windows allows none/);
    }
  });
});

describe("checkFolderPath()", () => {
  it.each([
    ["/data/run/", "/data/run"],
    ["/data//", "/data"],
    ["/", "/"],
    ["/data/x/../run/", "/data/run"],
  ])("takes %s as %s", (path, expected) => {
    expect(checkFolderPath(posix, path, ["/data"])).toBe(expected);
  });

  it("knows the separators and roots of Windows", () => {
    expect(checkFolderPath(win32, "C:\\data\\run/", ["C:\\data"])).toBe("C:\\data\\run");
    expect(checkFolderPath(win32, "C:\\", ["C:\\"])).toBe("C:\\");
  });

  it("refuses what is no path", () => {
    for (const path of ["", "run/", "a\0/"]) expect(() => checkFolderPath(posix, path, ["/data"])).toThrow(/^The path/);
  });
});
