import { describe, expect, it } from "vitest";
import type { Artifact } from "../../../src/store/model/artifact.js";
import type { ConnectOptions } from "../../support/mcp-client.js";
import { answerIn, connect, contentsOf, ownRows, pageTextOf, sha256Of, textOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const nowSeconds = 1_800_000_000;
interface Listing {
  data: Artifact[];
  prefixes?: string[];
  next_cursor?: string;
}

interface Versions {
  versions: Artifact[];
}

async function setup(options: ConnectOptions = {}) {
  const engines = createMemoryEngines();
  const connection = await connect(engines, { now: () => nowSeconds * 1000 + 999, ...options });
  const save = (key: string, content: string, more: object = {}) =>
    connection.answer<Artifact>("save_artifact", { bucket: "b", key, content, ...more });
  const read = async (key: string, version?: number) =>
    pageTextOf(await connection.call("read_artifact", { bucket: "b", key, ...(version && { version }) }));
  return { ...connection, engines, save, read };
}

describe("save_artifact", () => {
  it("answers the artifact, as get_artifact does afterwards", async () => {
    const { save, answer } = await setup();
    const saved = await save("reports/2026/size.csv", "a,b\n1,€\n", { metadata: { by: "me" } });
    expect(saved).toEqual({
      bucket: "b",
      key: "reports/2026/size.csv",
      version: 1,
      mime_type: "text/csv",
      bytes: 10,
      sha256: sha256Of("a,b\n1,€\n"),
      created_at: nowSeconds,
      saved_by: "test 0",
      uri: "artifact://b/reports/2026/size.csv",
      metadata: { by: "me" },
    });
    expect(await answer("get_artifact", { bucket: "b", key: "reports/2026/size.csv" })).toEqual(saved);
  });

  it.each([
    ["data.json", {}, "application/json"],
    ["table.parquet", {}, "application/vnd.apache.parquet"],
    ["notes", {}, "text/plain"],
    ["notes", { encoding: "base64" }, "application/octet-stream"],
    ["data.json", { mime_type: "text/x-mine; charset=utf-8" }, "text/x-mine; charset=utf-8"],
  ])("stores %s with %o under the type %s", async (key, more, type) => {
    const { save } = await setup();
    expect(await save(key, "AAAA", more)).toMatchObject({ mime_type: type });
  });

  it("decodes base64 content, and stores text as UTF-8", async () => {
    const { answer } = await setup();
    const content = Buffer.from([0, 255, 128, 10]);
    const saved = await answer("save_artifact", {
      bucket: "b",
      key: "k.bin",
      encoding: "base64",
      content: content.toString("base64"),
    });
    expect(saved).toMatchObject({ bytes: 4, sha256: sha256Of(content) });
    const text = await answer("save_artifact", { bucket: "b", key: "k.txt", content: "😀\u0000é" });
    expect(text).toMatchObject({ bytes: 7, sha256: sha256Of("😀\u0000é") });
  });

  it("keeps metadata under any name or refuses it, but never drops an entry", async () => {
    const { call } = await setup();
    const metadata = JSON.parse('{"constructor":"c","größe":"€","__proto__":"p"}');
    const result = await call("save_artifact", { bucket: "b", key: "k", content: "text", metadata });
    const { error, metadata: kept } = answerIn(result);
    if (error === undefined) expect(JSON.stringify(kept)).toBe(JSON.stringify(metadata));
    else expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("__proto__") });
  });

  it("makes an artifact of 0 bytes from empty content", async () => {
    const { save, read } = await setup();
    expect(await save("empty.txt", "")).toMatchObject({ bytes: 0, sha256: sha256Of("") });
    expect(await read("empty.txt")).toBe("");
  });

  it("makes a new version of a key that exists and leaves the older one readable", async () => {
    const { save, read, answer } = await setup();
    await save("k", "one");
    expect(await save("k", "two")).toMatchObject({ version: 2 });
    expect([await read("k"), await read("k", 1), await read("k", 2)]).toEqual(["two", "one", "two"]);
    expect(await answer("get_artifact", { bucket: "b", key: "k", version: 1 })).toMatchObject({ version: 1, bytes: 3 });
  });

  it("makes no version if the newest one is the same already, whatever if_version says", async () => {
    const { save, engines } = await setup();
    const first = await save("k", "same", { metadata: { a: "1", b: "2" } });
    const before = contentsOf(engines);
    for (const if_version of [undefined, 0, 1, 7]) {
      expect(
        await save("k", "same", { metadata: { b: "2", a: "1" }, ...(if_version !== undefined && { if_version }) }),
      ).toEqual({ ...first, already_saved: true });
    }
    expect(contentsOf(engines)).toEqual(before);
  });

  it.each([
    ["bytes", "other", { metadata: { a: "1" } }],
    ["type", "same", { metadata: { a: "1" }, mime_type: "text/x-other" }],
    ["metadata", "same", { metadata: { a: "2" } }],
  ])("makes a new version if the %s is different", async (_what, content, more) => {
    const { save } = await setup();
    await save("k", "same", { metadata: { a: "1" } });
    expect(await save("k", content, more)).toMatchObject({ version: 2 });
  });

  it("makes a new version if only an older one is the same", async () => {
    const { save } = await setup();
    for (const content of ["one", "two", "one"]) await save("k", content);
    expect(await save("k", "one")).toMatchObject({ version: 3 });
  });

  it("accepts if_version 0 for a new key and n if version n is the newest, and nothing else", async () => {
    const { save, refusal } = await setup();
    await save("k", "one", { if_version: 0 });
    await save("k", "two", { if_version: 1 });
    for (const if_version of [0, 1, 3]) {
      const error = await refusal("save_artifact", { bucket: "b", key: "k", content: "x", if_version });
      expect(error).toMatchObject({ code: "version_conflict", if_version, version: 2 });
      expect(error.message).toMatch(/if_version 2/);
    }
  });

  it("keeps the newest --keep-versions versions, and never uses a version number twice", async () => {
    const { save, answer, refusal } = await setup({ keepVersions: 2 });
    for (const content of ["one", "two", "three"]) await save("k", content);
    const { versions } = await answer<Versions>("get_artifact", { bucket: "b", key: "k", versions: 100 });
    expect(versions.map(({ version }) => version)).toEqual([3, 2]);
    expect(await refusal("get_artifact", { bucket: "b", key: "k", version: 1 })).toMatchObject({
      code: "artifact_not_found",
    });
    await answer("delete_artifact", { bucket: "b", key: "k", version: 3 });
    expect(await save("k", "four")).toMatchObject({ version: 4 });
  });
});

describe("delete_artifact", () => {
  it("deletes one version, answers it, frees its bytes, and leaves the others", async () => {
    const { save, read, answer, engines } = await setup();
    await save("k", "one");
    const second = await save("k", "two");
    const deleted = await answer("delete_artifact", { bucket: "b", key: "k", version: 2 });
    expect(deleted).toEqual({ ...second, deleted_versions: 1, last_version: 2 });
    expect([...engines.metadata.pieceMap.values()].map((bytes) => Buffer.from(bytes).toString())).toEqual(["one"]);
    expect(await read("k")).toBe("one");
  });

  it("deletes all versions, answers the newest, frees all bytes, and the bucket ends with its last key", async () => {
    const { save, answer, refusal, engines } = await setup();
    await save("k", "one");
    const newest = await save("k", "two");
    const deleted = await answer("delete_artifact", { bucket: "b", key: "k" });
    expect(deleted).toEqual({ ...newest, deleted_versions: 2, last_version: 2 });
    expect(engines.metadata.pieceMap.size + engines.content.files.size).toBe(0);
    expect([...engines.metadata.rows.keys()].filter((key) => !ownRows.has(key))).toEqual(["gone\tb\tk"]);
    expect(await refusal("get_artifact", { bucket: "b", key: "k" })).toMatchObject({ code: "artifact_not_found" });
    expect(await answer("list_buckets")).toEqual({ data: [] });
  });

  it("deletes the key with its last version", async () => {
    const { save, answer, refusal } = await setup();
    await save("k", "one");
    await answer("delete_artifact", { bucket: "b", key: "k", version: 1 });
    expect(await refusal("list_artifacts", { bucket: "b" })).toMatchObject({ code: "bucket_not_found" });
  });
});

describe("list_artifacts", () => {
  const keys = ["a.txt", "docs/1.md", "docs/2.md", "docs/deep/x", "z", "Z"];
  const sorted = [...keys].sort();
  async function filled() {
    const connection = await setup();
    for (const key of keys) await connection.save(key, key);
    return connection;
  }

  it("lists the newest version of each key, in the byte order of the keys", async () => {
    const { save, answer } = await filled();
    const newest = await save("docs/1.md", "again");
    const { data, ...rest } = await answer<Listing>("list_artifacts", { bucket: "b" });
    expect(data.map(({ key }) => key)).toEqual(sorted);
    expect(data.find(({ key }) => key === "docs/1.md")).toEqual(newest);
    expect(rest).toEqual({ prefixes: [] });
  });

  it.each([
    [{ prefix: "docs/" }, ["docs/1.md", "docs/2.md", "docs/deep/x"], []],
    [{ prefix: "docs/", delimiter: "/" }, ["docs/1.md", "docs/2.md"], ["docs/deep/"]],
    [{ delimiter: "/" }, ["Z", "a.txt", "z"], ["docs/"]],
    [{ delimiter: "." }, ["Z", "docs/deep/x", "z"], ["a.", "docs/1.", "docs/2."]],
    [{ prefix: "doc" }, ["docs/1.md", "docs/2.md", "docs/deep/x"], []],
    [{ prefix: "a.txt", delimiter: "/" }, ["a.txt"], []],
    [{ prefix: "nothing" }, [], []],
  ])("answers %o with the keys %j and the prefixes %j", async (filter, wanted, prefixes) => {
    const { answer } = await filled();
    const page = await answer<Listing>("list_artifacts", { bucket: "b", ...filter });
    expect(page.data.map(({ key }) => key)).toEqual(wanted);
    expect(page).toMatchObject({ prefixes });
    expect(page).not.toHaveProperty("next_cursor");
  });

  it.each([[{}], [{ delimiter: "/" }], [{ prefix: "docs/" }], [{ prefix: "docs/", delimiter: "/" }]])(
    "with %o gives in pages of any size what it gives in one",
    async (filter) => {
      const { answer } = await filled();
      const whole = await answer<Listing>("list_artifacts", { bucket: "b", ...filter });
      for (const limit of [1, 2, 3]) {
        const data: Artifact[] = [];
        const prefixes: string[] = [];
        let cursor: string | undefined;
        do {
          const page: Listing = await answer("list_artifacts", {
            bucket: "b",
            ...filter,
            limit,
            ...(cursor && { cursor }),
          });
          const size = page.data.length + (page.prefixes?.length ?? 0);
          expect(size).toBeGreaterThan(0);
          expect(size).toBeLessThanOrEqual(limit);
          data.push(...page.data);
          prefixes.push(...(page.prefixes ?? []));
          cursor = page.next_cursor;
        } while (cursor !== undefined);
        expect({ data, prefixes }).toEqual(whole);
      }
    },
  );

  it("puts 100 entries on a page unless limit says otherwise", async () => {
    const { store, answer } = await setup();
    for (let n = 0; n < 101; n += 1) {
      await store.artifacts.save({ bucket: "b", key: `k${n}`, bytes: Buffer.from("x"), defaultMimeType: "text/plain" });
    }
    const page = await answer<Listing>("list_artifacts", { bucket: "b" });
    expect(page.data).toHaveLength(100);
    expect(page.next_cursor).toEqual(expect.any(String));
    expect((await answer<Listing>("list_artifacts", { bucket: "b", limit: 1000 })).data).toHaveLength(101);
  });
});

describe("list_buckets", () => {
  it("lists each bucket once, in order, in pages", async () => {
    const { answer, call } = await setup();
    for (const bucket of ["zeta", "Alpha", "alpha", "_x"]) {
      for (const key of ["1", "2"]) await answer("save_artifact", { bucket, key, content: "x" });
    }
    const of = { artifacts: 2, bytes: 2, newest_at: nowSeconds };
    const names = ["Alpha", "_x", "alpha", "zeta"].map((name) => ({ name, ...of }));
    expect(await answer("list_buckets")).toEqual({ data: names });
    expect(textOf(await call("list_buckets")).split("\n")[1]).toBe(
      "Alpha\t2 artifacts\t2 B\tnewest 2027-01-15T08:00:00Z",
    );
    const first = await answer<{ next_cursor: string }>("list_buckets", { limit: 3 });
    expect(first).toEqual({ data: names.slice(0, 3), next_cursor: expect.any(String) });
    expect(await answer("list_buckets", { limit: 3, cursor: first.next_cursor })).toEqual({ data: names.slice(3) });
  });
});

describe("get_artifact", () => {
  it("lists as many versions as asked for, newest first, and says whether there are older ones", async () => {
    const { save, answer, call } = await setup();
    const saved: Artifact[] = [];
    for (const content of ["one", "two", "three"]) saved.unshift(await save("k", content));
    const here = { bucket: "b", key: "k" };
    expect(await answer("get_artifact", { ...here, versions: 2 })).toEqual({
      ...saved[0],
      versions: saved.slice(0, 2),
    });
    expect(textOf(await call("get_artifact", { ...here, versions: 2 }), 1)).toBe(
      "2 versions, newest first. There are older ones.\nv3\t5 B\t2027-01-15T08:00:00Z\tby test 0\nv2\t3 B\t2027-01-15T08:00:00Z\tby test 0",
    );
    const all = await call("get_artifact", { ...here, version: 1, versions: 3 });
    expect(all.structuredContent).toEqual({ ...saved[2], versions: saved });
    expect(textOf(all, 1)).toMatch(/^3 versions, newest first. These are all that are kept.\n/);
  });
});

describe("the text of a listing", () => {
  it("has a line for each entry, without digest, URI and what is usual", async () => {
    const { save, call } = await setup();
    await save("a.csv", "x", { metadata: { run: "42" } });
    for (const content of ["one", "two"]) await save("notes", content, { mime_type: "text/x-notes" });
    await save("docs/my report.md", "x");
    expect(textOf(await call("list_artifacts", { bucket: "b", delimiter: "/" }))).toBe(
      [
        "3 entries on this page. This is the last page.",
        "docs/\t(prefix)",
        'a.csv\t1 B\t2027-01-15T08:00:00Z\t{"run":"42"}',
        "notes\t3 B\tv2\ttext/x-notes\t2027-01-15T08:00:00Z",
      ].join("\n"),
    );
  });

  it.each(["text/plain", "application/json"])(
    "has under 7,500 characters for 100 artifacts of type %s with keys of 40 characters",
    async (mime_type) => {
      const { store, call } = await setup();
      for (let n = 0; n < 100; n += 1) {
        const key = `reports/2026/${String(n).padStart(3, "0")}`.padEnd(mime_type === "text/plain" ? 36 : 35, "x");
        const file = key + (mime_type === "text/plain" ? ".txt" : ".json");
        expect(file).toHaveLength(40);
        await store.artifacts.save({ bucket: "b", key: file, bytes: Buffer.alloc(12_345), defaultMimeType: "" });
      }
      expect(textOf(await call("list_artifacts", { bucket: "b" })).length).toBeLessThan(7_500);
    },
  );

  it("cuts long metadata", async () => {
    const { save, call } = await setup();
    await save("k", "x", { metadata: { note: "y".repeat(1_000) } });
    const page = textOf(await call("list_artifacts", { bucket: "b" }));
    expect(page).toMatch(/\{"note":"y{111}\.\.\.$/);
  });

  it("says that a prefix has no wildcards if nothing begins with it", async () => {
    const { save, call } = await setup();
    await save("a.csv", "x");
    const page = textOf(await call("list_artifacts", { bucket: "b", prefix: "*.csv" }));
    expect(page).toMatch(/^0 entries on this page.*\nprefix is plain text: .*search_artifacts/);
  });
});
