import { describe, expect, it } from "vitest";
import type { Entry, MetadataStore, RangeOptions, StoredRow } from "../../src/store/ports/metadata-store.js";

/** The tests that every metadata engine has to pass. `open` makes an empty store that the test owns. */
export function metadataStoreContract(name: string, open: () => Promise<MetadataStore>): void {
  describe(`${name} as a MetadataStore`, () => {
    rowContract(open);
    changeContract(open);
    pieceContract(open);
    rangeContract(open);
    groupContract(open);
    snapshotContract(open);
    storeContract(open);
  });
}

type Open = () => Promise<MetadataStore>;

async function filled(open: Open, keys: readonly string[]): Promise<MetadataStore> {
  const store = await open();
  for (const key of keys) await store.put(key, `{"of":"${key}"}`);
  return store;
}

const positionOf = (entry: Entry): string => ("row" in entry ? entry.row.key : entry.group);
const positions = (entries: readonly Entry[]): string[] => entries.map(positionOf);
const keysOf = (rows: readonly { readonly key: string }[]): string[] => rows.map(({ key }) => key);

/** Reads all pages of at most `limit` items. Each page starts after the last position of the page before. */
async function inPages<Item>(
  read: (options: RangeOptions) => Promise<readonly Item[]>,
  position: (item: Item) => string,
  limit: number,
): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const page = (await read({ after: all.at(-1), limit })).map(position);
    expect(page.length).toBeLessThanOrEqual(limit);
    all.push(...page);
    if (page.length < limit) return all;
  }
}

function rowContract(open: Open): void {
  it("get() returns the text that was put, and undefined for a key that does not exist", async () => {
    const store = await open();
    await store.put("session\ta", '{"text":"é \\u0000 😀"}');
    expect(await store.get("session\ta")).toBe('{"text":"é \\u0000 😀"}');
    expect(await store.get("session\tb")).toBeUndefined();
  });

  it("getMany() keeps the order of its keys and leaves absent rows undefined", async () => {
    const store = await filled(open, ["a\té", "a\t😀"]);
    expect(await store.getMany(["a\t😀", "a\t0", "a\té"])).toEqual(['{"of":"a\t😀"}', undefined, '{"of":"a\té"}']);
    expect(await store.getMany([])).toEqual([]);
  });

  it("put() overwrites", async () => {
    const store = await open();
    await store.put("changed", "1");
    await store.put("changed", "2");
    expect(await store.get("changed")).toBe("2");
  });
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function changeContract(open: Open): void {
  it("change() creates, updates and removes a row that is still as it was read", async () => {
    const store = await open();
    const key = "session\ta";
    expect(await store.change([{ key, old: undefined, next: "1" }])).toBe(true);
    expect(await store.change([{ key, old: undefined, next: "2" }])).toBe(false);
    expect(await store.change([{ key, old: "0", next: "2" }])).toBe(false);
    expect(await store.change([{ key, old: "0", next: undefined }])).toBe(false);
    expect(await store.get(key)).toBe("1");
    expect(await store.change([{ key, old: "1", next: "2" }])).toBe(true);
    expect(await store.get(key)).toBe("2");
    expect(await store.change([{ key, old: "2", next: undefined }])).toBe(true);
    expect(await store.get(key)).toBeUndefined();
    expect(await store.change([{ key, old: "2", next: "3" }])).toBe(false);
    expect(await store.get(key)).toBeUndefined();
  });

  it("change() compares texts byte for byte", async () => {
    const store = await open();
    const key = "a";
    await store.put(key, "é 😀");
    for (const old of ["e\u0301 😀", "É 😀", "é 😀 ", "é \ufffd", ""]) {
      expect(await store.change([{ key, old, next: "2" }])).toBe(false);
    }
    expect(await store.change([{ key, old: "é 😀", next: "" }])).toBe(true);
    expect(await store.change([{ key, old: "", next: "3" }])).toBe(true);
  });

  it("change() changes all of its rows and pieces, or none", async () => {
    const store = await open();
    await store.change(
      [
        { key: "a", old: undefined, next: "1" },
        { key: "b", old: undefined, next: "1" },
      ],
      { put: [{ name: "kept", bytes: bytes("kept") }] },
    );
    const rows = [
      { key: "a", old: "1", next: "2" },
      { key: "b", old: "1", next: undefined },
      { key: "c", old: undefined, next: "new" },
    ];
    const pieces = { put: [{ name: "new", bytes: bytes("new") }], drop: ["kept"] };
    for (const wrong of [0, 1, 2]) {
      const changed = rows.map((row, n) => (n === wrong ? { ...row, old: "other" } : row));
      expect(await store.change(changed, pieces)).toBe(false);
      expect(await store.getMany(["a", "b", "c"])).toEqual(["1", "1", undefined]);
      expect(await store.pieces(["kept", "new"])).toEqual([bytes("kept"), undefined]);
    }
    expect(await store.change(rows, pieces)).toBe(true);
    expect(await store.getMany(["a", "b", "c"])).toEqual(["2", undefined, "new"]);
    expect(await store.pieces(["kept", "new"])).toEqual([undefined, bytes("new")]);
  });

  it("change() only compares a row whose old and next text are the same, also an absent row", async () => {
    const store = await open();
    await store.put("guard", "open");
    const row = { key: "a", old: undefined, next: "1" };
    for (const guard of [
      { key: "guard", old: "other", next: "other" },
      { key: "guard", old: undefined, next: undefined },
      { key: "none", old: "open", next: "open" },
    ]) {
      expect(await store.change([row, guard])).toBe(false);
      expect(await store.change([guard, row])).toBe(false);
    }
    const met = [
      { key: "guard", old: "open", next: "open" },
      { key: "none", old: undefined, next: undefined },
    ];
    expect(await store.change(met)).toBe(true);
    expect(await store.change([...met, row])).toBe(true);
    expect(await store.getMany(["a", "guard", "none"])).toEqual(["1", "open", undefined]);
  });

  it("change() without rows changes its pieces, and succeeds if it is empty", async () => {
    const store = await open();
    expect(await store.change([])).toBe(true);
    expect(await store.change([], { put: [{ name: "a", bytes: bytes("a") }] })).toBe(true);
    expect(await store.pieces(["a"])).toEqual([bytes("a")]);
    expect(await store.change([], { drop: ["a", "none"] })).toBe(true);
    expect(await store.pieces(["a"])).toEqual([undefined]);
  });

  it("change() rejects a key that comes twice, and changes nothing", async () => {
    const store = await open();
    const row = { key: "a", old: undefined, next: "1" };
    await expect(store.change([row, { key: "b", old: undefined, next: "1" }, row])).rejects.toThrow("twice");
    expect(await store.getMany(["a", "b"])).toEqual([undefined, undefined]);
  });

  it("change() decides each of many simultaneous calls on its own", async () => {
    const store = await open();
    const keys = Array.from({ length: 100 }, (_, n) => `session\t${n}`);
    await Promise.all(keys.map((key) => store.put(key, "0")));
    const isRight = (n: number): boolean => n % 3 !== 0;
    const made = await Promise.all(
      keys.map((key, n) =>
        store.change([{ key, old: isRight(n) ? "0" : "1", next: `now ${n}` }], {
          put: [{ name: key, bytes: bytes(key) }],
        }),
      ),
    );
    expect(made).toEqual(keys.map((_, n) => isRight(n)));
    expect(await store.getMany(keys)).toEqual(keys.map((_, n) => (isRight(n) ? `now ${n}` : "0")));
    expect(await store.pieces(keys)).toEqual(keys.map((key, n) => (isRight(n) ? bytes(key) : undefined)));
  });

  it("change() lets exactly one of many simultaneous calls win", async () => {
    const store = await open();
    await store.put("a", "0");
    const calls = Array.from({ length: 50 }, (_, n) =>
      store.change(
        [
          { key: "a", old: "0", next: `by ${n}` },
          { key: `own ${n}`, old: undefined, next: "1" },
        ],
        { put: [{ name: `piece ${n}`, bytes: bytes("1") }] },
      ),
    );
    const made = await Promise.all(calls);
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await store.get("a")).toBe(`by ${made.indexOf(true)}`);
    expect(keysOf(await store.range("own ", { limit: 100 }))).toEqual([`own ${made.indexOf(true)}`]);
    expect((await store.listPieces({ limit: 100 })).map(({ name }) => name)).toEqual([`piece ${made.indexOf(true)}`]);
  });

  it("change() sees the simultaneous calls before it", async () => {
    const store = await open();
    const steps = Array.from({ length: 60 }, (_, n) =>
      store.change([{ key: "a", old: n === 0 ? undefined : String(n - 1), next: String(n) }]),
    );
    expect(new Set(await Promise.all(steps))).toEqual(new Set([true]));
    expect(await store.get("a")).toBe("59");
  });
}

function pieceContract(open: Open): void {
  it("pieces() returns copies of the bytes that were put, in the order of the names", async () => {
    const store = await open();
    const memory = Buffer.from("surrounded by others");
    const put = [
      { name: "é\tb", bytes: memory.subarray(14, 20) },
      { name: "empty", bytes: new Uint8Array() },
      { name: "large", bytes: new Uint8Array(100_000).fill(7) },
    ];
    await store.change([], { put });
    const read = await store.pieces(["large", "none", "é\tb", "empty"]);
    expect(read.map((found) => found && Buffer.from(found).toString("latin1"))).toEqual([
      "\u0007".repeat(100_000),
      undefined,
      "others",
      "",
    ]);
    expect(memory.toString()).toBe("surrounded by others");
    read[2]?.fill(0);
    expect(await store.pieces(["é\tb"])).toEqual([bytes("others")]);
    expect(await store.pieces([])).toEqual([]);
  });

  it("listPieces() returns names and lengths in the byte order of the names, in pages of any size", async () => {
    const store = await open();
    const names = ["a", "a\tb", "a-b", "b", "\ufffd", "😀"];
    await store.change([], { put: names.toReversed().map((name) => ({ name, bytes: bytes(name) })) });
    const whole = names.map((name) => ({ name, bytes: bytes(name).length }));
    expect(await store.listPieces({ limit: 100 })).toEqual(whole);
    for (const limit of [1, 2, 3, 6]) {
      expect(
        await inPages(
          (options) => store.listPieces(options),
          ({ name }) => name,
          limit,
        ),
      ).toEqual(names);
    }
    expect((await store.listPieces({ after: "a!", limit: 1 }))[0]?.name).toBe("a-b");
  });
}

/** Keys in the order of their UTF-8 bytes. */
const ordered = [
  "data",
  "data\t",
  "data\ta",
  "data\ta b",
  "data\ta!",
  "data\ta-b",
  "data\ta.c",
  "data\ta/b",
  "data\ta0",
  "data\taA",
  "data\taa",
  "data\ta~",
  "data\té",
  "data\t中",
  "data\t\ud7ff",
  "data\t\ue000",
  "data\t\ufffd",
  "data\t😀",
  "data\t\u{10ffff}",
  "data\t\u{10ffff}\u{10ffff}",
  "data-2\ta",
  "data2\ta",
  "data😀",
  "datä\ta",
];

function rangeContract(open: Open): void {
  it("range() returns only rows under the prefix, in the order of their UTF-8 bytes", async () => {
    const store = await filled(open, ordered.toReversed());
    const prefixes = ["", "d", "data", "data\t", "data\ta", "data\t\ud7ff", "data\t\u{10ffff}", "data-", "data😀", "e"];
    const found = await Promise.all(prefixes.map((prefix) => store.range(prefix, { limit: 100 })));
    expect(found.map(keysOf)).toEqual(prefixes.map((prefix) => ordered.filter((key) => key.startsWith(prefix))));
    expect(found[0]?.[0]).toEqual({ key: "data", text: '{"of":"data"}' });
    expect(ordered).toEqual(ordered.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  it("range() returns the same rows in pages of any size as in one page", async () => {
    const store = await filled(open, ordered);
    for (const prefix of ["", "data\t", "data\t\u{10ffff}"]) {
      const whole = ordered.filter((key) => key.startsWith(prefix));
      for (const limit of [1, 2, 3, 7]) {
        expect(
          await inPages(
            (options) => store.range(prefix, options),
            ({ key }) => key,
            limit,
          ),
        ).toEqual(whole);
      }
    }
  });

  it("range() continues after `after`, which need not exist any more", async () => {
    const store = await filled(open, ["u\t1", "u\t2", "u\t2-a", "u\t3"]);
    expect(keysOf(await store.range("u\t", { after: "u\t2", limit: 2 }))).toEqual(["u\t2-a", "u\t3"]);
    expect(keysOf(await store.range("u\t", { after: "u\t1z", limit: 1 }))).toEqual(["u\t2"]);
    expect(keysOf(await store.range("u\t", { after: "a", limit: 1 }))).toEqual(["u\t1"]);
    expect(await store.range("u\t", { after: "u\t3", limit: 1 })).toEqual([]);
    expect(await store.range("u\t", { after: "v", limit: 1 })).toEqual([]);
  });
}

const tree = [
  "a",
  "a/1",
  "a/2",
  "a0",
  "b/x",
  "b/y/z",
  "b-",
  "b é",
  "b é x",
  "c/",
  "ca",
  "/",
  "//",
  "é/é",
  "😀/😀",
  "😀b",
];
const delimiters = ["/", "é", "😀", " ", "\t", "b", "~", "\ud7ff", "\ufffd", "\u{10ffff}"];

function groupContract(open: Open): void {
  it("grouped() returns keys with the delimiter as groups, among the rows without it", async () => {
    const store = await filled(open, ["p\ta", "p\tb/1", "p\tb/2/3", "p\tb-x", "p\tc", "p\td/1", "q\ta/b"]);
    const whole = ["p\ta", "p\tb-x", "p\tb/", "p\tc", "p\td/"];
    expect(positions(await store.grouped("p\t", "/", { limit: 100 }))).toEqual(whole);
    expect(positions(await store.grouped("p\tb/", "/", { limit: 100 }))).toEqual(["p\tb/1", "p\tb/2/"]);
    expect(positions(await store.grouped("p\tb", "/", { limit: 100 }))).toEqual(["p\tb-x", "p\tb/"]);
    const [first, , third] = await store.grouped("p\t", "/", { limit: 3 });
    expect(first).toEqual({ row: { key: "p\ta", text: '{"of":"p\ta"}' } });
    expect(third).toEqual({ group: "p\tb/" });
  });

  it("grouped() accepts any character as delimiter, and returns the same in pages of any size", async () => {
    const keys = delimiters.flatMap((delimiter) => tree.map((key) => `p\t${key.replaceAll("/", delimiter)}`));
    const unique = [...new Set([...keys, "p", "p\u{10ffff}x", "q\tz"])];
    const store = await filled(open, unique);
    for (const prefix of ["p\t", "p\té", "p\t😀", "p", ""]) {
      for (const delimiter of delimiters) {
        const whole = expectedEntries(unique, prefix, delimiter);
        expect(positions(await store.grouped(prefix, delimiter, { limit: 1_000 }))).toEqual(whole);
        for (const limit of [1, 2, 5]) {
          const read = (options: RangeOptions) => store.grouped(prefix, delimiter, options);
          expect(await inPages(read, positionOf, limit)).toEqual(whole);
        }
      }
    }
  });

  it("grouped() continues after an entry that does not exist any more, and after a key inside a group", async () => {
    const store = await filled(open, ["p\ta", "p\tb/1", "p\tb/3", "p\tc"]);
    const entriesAfter = async (after: string) => positions(await store.grouped("p\t", "/", { after, limit: 9 }));
    expect(await entriesAfter("p\tb")).toEqual(["p\tb/", "p\tc"]);
    expect(await entriesAfter("p\tb/2")).toEqual(["p\tc"]);
    expect(await entriesAfter("p\tbb/")).toEqual(["p\tc"]);
    expect(await entriesAfter("a")).toEqual(["p\ta", "p\tb/", "p\tc"]);
    expect(await entriesAfter("q")).toEqual([]);
  });
}

function expectedEntries(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const found = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const [head = "", ...more] = key.slice(prefix.length).split(delimiter);
      return more.length === 0 ? key : prefix + head + delimiter;
    });
  return [...new Set(found)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function snapshotContract(open: Open): void {
  it("snapshot() passes all rows under its prefixes, prefix by prefix and in order", async () => {
    const keys = Array.from({ length: 1_203 }, (_, n) => `p\t${String(n).padStart(5, "0")}`);
    const store = await filled(open, ["o\tz", ...keys, "p", "q\t😀", "q\t\ufffd", "r\ta"]);
    const pages: (readonly StoredRow[])[] = [];
    await store.snapshot(["q\t", "none\t", "p\t"], async (rows) => void pages.push(rows));
    expect(keysOf(pages.flat())).toEqual(["q\t\ufffd", "q\t😀", ...keys]);
    expect(pages.flat()[0]).toEqual({ key: "q\t\ufffd", text: '{"of":"q\t\ufffd"}' });
    expect(pages.every((rows) => rows.length > 0)).toBe(true);
  });

  it("snapshot() is of one moment: what is moved, changed, added or removed meanwhile shows as it was", async () => {
    const keys = Array.from({ length: 1_100 }, (_, n) => `p\t${String(n).padStart(5, "0")}`);
    const store = await filled(open, keys);
    const first = keys[0] ?? "";
    const last = keys.at(-1) ?? "";
    const seen: StoredRow[] = [];
    await store.snapshot(["p\t"], async (rows) => {
      if (seen.length === 0) {
        const moved = [
          { key: last, old: `{"of":"${last}"}`, next: undefined },
          { key: "p\t", old: undefined, next: "moved to the front" },
        ];
        expect(await store.change(moved)).toBe(true);
        await store.put("p\tz", "added");
        await store.put(keys.at(-2) ?? "", "changed");
      }
      seen.push(...rows);
    });
    expect(keysOf(seen)).toEqual(keys);
    expect(seen.every(({ key, text }) => text === `{"of":"${key}"}`)).toBe(true);
    expect(await store.getMany(["p\t", first, last])).toEqual(["moved to the front", `{"of":"${first}"}`, undefined]);
  });

  it("snapshot() ends with the error of its visitor, and can be taken again", async () => {
    const store = await filled(open, ["p\ta"]);
    const failure = new Error("the visitor failed");
    await expect(store.snapshot(["p\t"], () => Promise.reject(failure))).rejects.toBe(failure);
    const seen: StoredRow[] = [];
    await store.snapshot(["p\t"], async (rows) => void seen.push(...rows));
    expect(keysOf(seen)).toEqual(["p\ta"]);
  });
}

function storeContract(open: Open): void {
  it("changeToken() changes with every change, and only then", async () => {
    const store = await open();
    const before = await store.changeToken();
    expect(await store.changeToken()).toBe(before);
    await store.put("a", "1");
    const after = await store.changeToken();
    expect(after).not.toBe(before);
    await store.change([{ key: "a", old: "1", next: "2" }]);
    expect(await store.changeToken()).not.toBe(after);
  });

  it.each(["reclaim", "compact"] as const)(
    "%s() loses nothing, and the store stays in place and intact",
    async (how) => {
      const store = await open();
      const names = Array.from({ length: 60 }, (_, n) => `piece ${n}`);
      await store.change([{ key: "a", old: undefined, next: "1" }], {
        put: names.map((name) => ({ name, bytes: new Uint8Array(30_000).fill(1) })),
      });
      await store.change([], { drop: names.slice(0, -1) });
      await store[how]();
      expect(await store.get("a")).toBe("1");
      expect(await store.listPieces({ limit: 100 })).toEqual([{ name: "piece 59", bytes: 30_000 }]);
      expect(await store.isInPlace()).toBe(true);
      expect(await store.checkIntegrity()).toEqual([]);
    },
  );
}
