import { posix, win32 } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPath, isInside } from "../../../src/engines/local-files/path-rules.js";

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ name: "ArtifactError", code, message: expect.stringMatching(message) });

describe("isInside() on POSIX", () => {
  it.each([
    ["/data", "/data"],
    ["/data", "/data/x"],
    ["/data/", "/data/x/y"],
    ["/data", "/data//x/"],
    ["/data", "/data/sub/../x"],
    ["/data/../data", "/data/x"],
    ["/data", "/data/..x"],
    ["/data", "/data/..."],
    ["/data", "/other/../data/x"],
    ["/", "/"],
    ["/", "/x"],
    ["/da ta", "/da ta/x"],
  ])("%j contains %j", (directory, path) => expect(isInside(posix, directory, path)).toBe(true));

  it.each([
    ["/data", "/data-old/x"],
    ["/data", "/dat"],
    ["/data", "/"],
    ["/data", "/data/../x"],
    ["/data", "/data/.."],
    ["/data", "/data/sub/../../data-old/x"],
    ["/data/sub", "/data"],
    ["/data", "/Data/x"],
    ["/data", "data/x"],
    ["data", "data/x"],
    ["/data", ""],
    ["", "/data"],
    ["/data", "/data\\x"],
    ["/data", "/data\u200b/x"],
    ["/data", "/\u200bdata/x"],
    ["/data", "\uff0fdata/x"],
    ["/data", "/data\uff0fx"],
    ["/data", "/data\u2215x"],
    ["/data", "/d\u0430ta/x"],
    ["/caf\u00e9", "/cafe\u0301/x"],
    ["/data", "/data /x"],
  ])("%j does not contain %j", (directory, path) => expect(isInside(posix, directory, path)).toBe(false));
});

describe("isInside() on Windows", () => {
  it.each([
    ["C:\\Data", "C:\\Data"],
    ["C:\\Data", "c:\\data\\X"],
    ["c:/data/", "C:\\DATA\\x"],
    ["C:\\", "c:\\x"],
    ["C:\\Data", "C:\\other\\..\\data\\x"],
    ["\\\\server\\share", "\\\\SERVER\\Share\\x"],
    ["\\\\server\\share\\sub", "//server/share/sub/x"],
    ["C:\\Stra\u00dfe", "C:\\STRA\u00dfE\\x"],
  ])("%j contains %j", (directory, path) => expect(isInside(win32, directory, path)).toBe(true));

  it.each([
    ["C:\\Data", "C:\\Data-old\\x"],
    ["C:\\Data", "D:\\Data\\x"],
    ["C:\\Data", "C:\\Data\\..\\x"],
    ["C:\\Data", "C:Data\\x"],
    ["C:\\", "\\x"],
    ["\\", "C:\\x"],
    ["\\server\\share", "\\\\server\\share\\x"],
    ["\\\\server\\share", "\\server\\share\\x"],
    ["\\\\server\\share", "\\\\server\\share2\\x"],
    ["\\\\server\\share", "\\\\server2\\share\\x"],
    ["C:\\Data", "\\\\?\\C:\\Data\\x"],
    ["C:\\Data", "\\\\.\\C:\\Data\\x"],
    ["C:\\Data", "\\\\localhost\\C$\\Data\\x"],
    // Unicode folds these letters into others. No file system does.
    ["C:\\k", "C:\\\u212a\\x"],
    ["C:\\strasse", "C:\\stra\u00dfe\\x"],
    ["C:\\i", "C:\\\u0130\\x"],
    ["C:\\s", "C:\\\u017f\\x"],
    ["C:\\Data", "C:\\Data\uff3cx"],
  ])("%j does not contain %j", (directory, path) => expect(isInside(win32, directory, path)).toBe(false));
});

describe("isInside()", () => {
  /** Resolves `.` and `..` one name at a time. */
  function resolved(steps: readonly string[]): string[] {
    const names: string[] = [];
    for (const step of steps) {
      if (step === "..") names.pop();
      else if (step !== "" && step !== ".") names.push(step);
    }
    return names;
  }
  const steps = fc.array(fc.constantFrom("a", "aa", "a-b", "b", "..", ".", "", "...", "\u200b", "a\u200b"), {
    maxLength: 6,
  });
  const roots = [
    { api: posix, root: "/" },
    { api: win32, root: "C:\\" },
    { api: win32, root: "\\\\server\\share\\" },
  ];

  it.each(roots)("agrees with resolving one name at a time, below $root", ({ api, root }) => {
    let found = 0;
    fc.assert(
      fc.property(steps, fc.boolean(), steps, (outer, isPrefixed, more) => {
        const inner = isPrefixed ? [...outer, ...more] : more;
        const [directory, path] = [resolved(outer), resolved(inner)];
        const expected = directory.every((name, index) => path[index] === name);
        if (expected && directory.length > 0) found += 1;
        // Empty names directly after the root of a share would make another root.
        const text = (names: readonly string[]) => root + names.join(api.sep).replace(/^[\\/]+/, "");
        expect(isInside(api, text(outer), text(inner))).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
    expect(found).toBeGreaterThan(100);
  });
});

describe("checkPath() on POSIX", () => {
  const allowed = ["/data", "/home/\u682a/in"];

  it.each([
    ["/data/x", "/data/x"],
    ["/data//sub/./x", "/data/sub/x"],
    ["/data/link/../x", "/data/x"],
    ["/data/../../etc/passwd", "/etc/passwd"],
    ["/", "/"],
    ["/data/con", "/data/con"],
    ["/data/a:b ", "/data/a:b "],
    ["/data/C:\\x", "/data/C:\\x"],
    [`/${"x".repeat(4_094)}`, `/${"x".repeat(4_094)}`],
  ])("turns %j into %j", (path, expected) => expect(checkPath(posix, path, allowed)).toBe(expected));

  it.each(["", "x", "./x", "../data/x", "~/x", "C:\\data\\x", "\u200b/data/x", "\uff0fdata/x", "file:///data/x"])(
    "asks for an absolute path instead of %j, and names the allowed directories",
    (path) => {
      const says = /not absolute: give an absolute path\. Allowed directories: "\/data", "\/home\/\u682a\/in"\./;
      expect(() => checkPath(posix, path, allowed)).toThrow(refusal("invalid_argument", says));
    },
  );

  it.each([
    ["/data/x\0", /NUL/],
    ["/data/\0/../x", /NUL/],
    ["/data/\ud800", /lone surrogate/],
    ["/data/\udc00x", /lone surrogate/],
    ["/data/sub/", /names a directory/],
    [`/${"x".repeat(4_095)}`, /longer than 4095 bytes/],
    [`/${"\u00e9".repeat(2_048)}`, /longer than 4095 bytes/],
  ])("refuses %j", (path, message) => {
    expect(() => checkPath(posix, path, allowed)).toThrow(refusal("invalid_argument", message));
  });

  it("says so if no directory is allowed", () => {
    expect(() => checkPath(posix, "x", [])).toThrow(refusal("invalid_argument", /No directory is allowed\.$/));
  });
});

describe("checkPath() on Windows", () => {
  const allowed = ["C:\\Data", "\\\\server\\share\\in"];

  it.each([
    ["C:\\Data\\x", "C:\\Data\\x"],
    ["c:/Data/./sub/../x", "c:\\Data\\x"],
    ["\\\\server\\share\\in\\x", "\\\\server\\share\\in\\x"],
    ["//SERVER/share/x", "\\\\SERVER\\share\\x"],
    ["D:\\x", "D:\\x"],
    ["C:\\Data\\console\\comma.com1\\lpt10\\null", "C:\\Data\\console\\comma.com1\\lpt10\\null"],
  ])("turns %j into %j", (path, expected) => expect(checkPath(win32, path, allowed)).toBe(expected));

  it.each(["C:x", "C:", "C:..\\x", "\\x", "/x", "x", "\\", "\\\\server", "\\\\\\server\\share\\x", "1:\\x"])(
    "asks for an absolute path instead of %j",
    (path) => {
      expect(() => checkPath(win32, path, allowed)).toThrow(refusal("invalid_argument", /not absolute/));
    },
  );

  it.each([
    "\\\\?\\C:\\Data\\x",
    "\\\\.\\C:\\Data\\x",
    "//./COM1",
    "//?/C:/Data/x",
    "\\??\\C:\\Data\\x",
    "\\\\?\\UNC\\server\\share\\x",
    "\\\\.",
    "/\\?/C:\\x",
  ])("refuses %j, which is in a device namespace", (path) => {
    expect(() => checkPath(win32, path, allowed)).toThrow(refusal("invalid_argument", /device namespace/));
  });

  it.each([
    "\\\\server\\other\\x",
    "\\\\evil\\share\\x",
    "//evil/share/x",
    "\\\\localhost\\C$\\Data\\x",
    "\\\\server.\\share\\x",
  ])("refuses %j, whose share is not allowed", (path) => {
    expect(() => checkPath(win32, path, allowed)).toThrow(refusal("path_not_allowed", /does not lead into/));
  });

  const devices = [
    "con",
    "PRN",
    "Aux",
    "nul",
    "COM1",
    "com9",
    "LPT1",
    "lpt9",
    "COM\u00b9",
    "lpt\u00b2",
    "COM\u00b3",
    "CONIN$",
  ];
  it.each(devices.flatMap((name) => [name, `${name}.txt`, `${name}.tar.gz`, `${name} .txt`]))(
    "refuses %j, which is a device",
    (name) => {
      for (const path of [`C:\\Data\\${name}`, `C:/Data/${name}/x`, `\\\\server\\share\\${name}`]) {
        expect(() => checkPath(win32, path, allowed)).toThrow(refusal("invalid_argument", /is a device on Windows/));
      }
    },
  );

  it.each([
    ["C:\\Data\\x.", /ends in a dot or a space/],
    ["C:\\Data\\x ", /ends in a dot or a space/],
    ["C:\\Data\\..\\...\\x", /ends in a dot or a space/],
    ["C:\\Data \\x", /ends in a dot or a space/],
    ["C:\\Data\\.. \\x", /ends in a dot or a space/],
    ["C:\\Data\\x:stream", /in a name/],
    ["C:\\Data\\x::$DATA", /in a name/],
    ["C:\\Data:stream\\x", /in a name/],
    ["C:\\Data\\C:\\x", /in a name/],
    ["C:\\Data\\*", /in a name/],
    ["C:\\Data\\sub\\", /names a directory/],
    ["C:/Data/sub/", /names a directory/],
    ["C:\\Data\\\0", /NUL/],
    ["C:\\Data\\\udfff", /lone surrogate/],
  ])("refuses %j", (path, message) => {
    expect(() => checkPath(win32, path, allowed)).toThrow(refusal("invalid_argument", message));
  });
});
