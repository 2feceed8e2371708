import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { archiveNames, isFileName } from "../../../src/store/archive/archive-names.js";
import { isKey } from "../../../src/store/model/names/key-name.js";

const namesOf = (...names: readonly (readonly [bucket: string, key: string])[]): string[] =>
  archiveNames(names.map(([bucket, key]) => ({ bucket, key })));

describe("archiveNames()", () => {
  it("gives each artifact the name <bucket>/<key>", () => {
    expect(namesOf(["a", "b.txt"], ["a", "c/d é.txt"], ["b", "manifest.json"], ["b", ".hidden"])).toEqual([
      "a/b.txt",
      "a/c/d é.txt",
      "b/manifest.json",
      "b/.hidden",
    ]);
  });

  it.each([
    ["a device of Windows", "b", "dir/NUL.txt"],
    ["a bucket that is a device of Windows", "con", "k"],
    ["a character that Windows refuses", "b", "12:30"],
    ["a dot at the end", "b", "dir./k"],
    ["a part that is too long", "b", "x".repeat(256)],
    ["a path that is too long", "b", `${"dir/".repeat(130)}k`],
    ["a bucket like the manifest", "Manifest.json", "k"],
  ])("renames %s", (_, bucket, key) => {
    const [name = "", other] = namesOf([bucket, key], ["z", "plain"]);
    expect(name).toMatch(/^~renamed\/[0-9a-f]{32}-[\w.-]*$/);
    expect(other).toBe("z/plain");
    expect(namesOf([bucket, key])).toEqual([name]); // it does not depend on the others
  });

  it("renames an artifact whose name is a folder of others", () => {
    const names = namesOf(["b", "a"], ["b", "a/b"], ["b", "a/b/c"]);
    expect(names).toEqual([expect.stringMatching(/^~renamed\//), expect.stringMatching(/^~renamed\//), "b/a/b/c"]);
    expect(new Set(names).size).toBe(3);
  });

  it("renames all but the first of those that differ only in case", () => {
    const names = namesOf(["B", "k"], ["b", "K"], ["b", "Straße"], ["b", "strasse"]);
    expect(names.map((name) => name.startsWith("~renamed/"))).toEqual([false, true, false, true]);
    expect(namesOf(["b", "DIR"], ["b", "dir/k"])).toEqual([expect.stringMatching(/^~renamed\/.*-DIR$/), "b/dir/k"]);
  });

  it("never gives two artifacts one name, a name below another's, or one that an import refuses", () => {
    const part = fc.stringMatching(/^[aAbBéÉ.:]{1,3}$/);
    const key = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const address = fc.record({ bucket: fc.constantFrom("b", "B", "nul", "manifest.json"), key: key.filter(isKey) });
    const some = fc.uniqueArray(address, { selector: ({ bucket, key }) => `${bucket}/${key}`, maxLength: 12 });
    fc.assert(
      fc.property(some, (addresses) => {
        const names = archiveNames(addresses).map((name) => name.toLowerCase());
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) {
          expect(isFileName(name)).toBe(true);
          expect(names.some((other) => other.startsWith(`${name}/`))).toBe(false);
        }
      }),
    );
  });
});

describe("isFileName()", () => {
  it.each(["", "/a", "a/", "a//b", "..", "a/../b", "./a", "manifest.json", "a\\b", "a\0b"])("refuses %j", (name) => {
    expect(isFileName(name)).toBe(false);
  });
});
