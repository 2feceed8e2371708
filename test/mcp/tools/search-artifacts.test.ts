import { describe, expect, it } from "vitest";
import type { Artifact } from "../../../src/store/model/artifact.js";
import { type Arguments, connect, textOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

interface Listing {
  data: Artifact[];
  next_cursor?: string;
}

/** A day each. The first is saved on 2026-03-01 at noon. */
const saved: [bucket: string, key: string, content: string, more: Arguments][] = [
  ["eval", "march/run-17.csv", "a,b", { metadata: { model: "Large", run: "17" } }],
  ["eval", "march/run-17.json", "{}", { metadata: { model: "small", run: "17" } }],
  ["eval", "april/run-18.csv", "a,b,c,d", {}],
  ["notes", "evaluation.md", "# March", {}],
];

async function setup() {
  let now = Date.parse("2026-03-01T12:00:00Z");
  const connection = await connect(createMemoryEngines(), { now: () => now });
  for (const [bucket, key, content, more] of saved) {
    await connection.answer("save_artifact", { bucket, key, content, ...more });
    now += 24 * 60 * 60 * 1000;
  }
  const find = (args: Arguments) => connection.answer<Listing>("search_artifacts", args);
  const keys = async (args: Arguments) => (await find(args)).data.map(({ key }) => key);
  return { ...connection, find, keys };
}

describe("search_artifacts", () => {
  const [csv17, json17, csv18, note] = saved.map(([, key]) => key);

  it.each<[Arguments, (string | undefined)[]]>([
    [{}, [note, csv18, json17, csv17]],
    [{ query: "eval csv" }, [csv18, csv17]],
    [{ query: "LARGE csv" }, [csv17]],
    [{ query: "eval", bucket: "notes" }, [note]],
    [{ prefix: "march/" }, [json17, csv17]],
    [{ mime_type: "text/*" }, [note, csv18, csv17]],
    [{ metadata: { run: "17" }, order: "key" }, [csv17, json17]],
    [{ metadata: { run: 17, model: "small" } }, [json17]],
    [{ created_after: "2026-03-02", created_before: "2026-03-03" }, [csv18, json17]],
    [{ created_before: "2026-03-01T11:59Z" }, []],
    [{ created_after: 1772366400, created_before: "1772366400" }, [csv17]],
    [{ min_bytes: 3, order: "largest" }, [note, csv18, csv17]],
    [{ max_bytes: 3, order: "oldest" }, [csv17, json17]],
  ])("finds by %j the keys %j", async (args, found) => {
    const { keys } = await setup();
    const order = args["order"] === "largest" ? undefined : args["order"];
    const expected = args["order"] === "largest" ? new Set(found) : found;
    const got = await keys(args);
    expect(order === undefined && args["order"] === "largest" ? new Set(got) : got).toEqual(expected);
  });

  it("shows the bucket of each in its line, unless one was asked for, and names the call for the next page", async () => {
    const { call } = await setup();
    const page = textOf(await call("search_artifacts", { query: "csv", limit: 1 }));
    const [where = "", line] = page.split("\n");
    expect(line).toBe("eval\tapril/run-18.csv\t7 B\t2026-03-03T12:00:00Z");
    const [, next = ""] = / Next page: search_artifacts (\{.*\})$/.exec(where) ?? [];
    expect(JSON.parse(next)).toEqual({ query: "csv", limit: 1, cursor: expect.any(String) });
    expect(textOf(await call("search_artifacts", JSON.parse(next)))).toBe(
      '1 entry on this page. This is the last page.\neval\tmarch/run-17.csv\t3 B\t2026-03-01T12:00:00Z\t{"model":"Large","run":"17"}',
    );
    const inBucket = textOf(await call("search_artifacts", { query: "18", bucket: "eval" }));
    expect(inBucket).toMatch(/\napril\/run-18\.csv\t7 B/);
  });

  it("lists 20 unless limit says otherwise", async () => {
    const { store, find } = await setup();
    const save = (key: string) =>
      store.artifacts.save({ bucket: "many", key, bytes: Buffer.from(key), defaultMimeType: "text/plain" });
    for (let n = 0; n < 21; n += 1) await save(`k${n}`);
    expect((await find({ bucket: "many" })).data).toHaveLength(20);
    expect((await find({ bucket: "many", limit: 21 })).data).toHaveLength(21);
  });

  it.each<[Arguments, string[]]>([
    [{ query: "resluts eval" }, ['No bucket, key or metadata has "resluts". Without it 4 match.']],
    [{ query: "eval, foo bar" }, ['No bucket, key or metadata has "foo" or "bar". Without them 4 match.']],
    [
      { query: "modle" },
      ['No bucket, key or metadata has "modle". Content is not searched. A shorter part of a word finds more.'],
    ],
    [{ query: "april large" }, ['Without "april" 1 matches.', 'Without "large" 1 matches.']],
    [{ query: "large", bucket: "notes", min_bytes: 1 }, ["Without bucket 1 matches."]],
    [
      { query: "csv", prefix: "march/", created_after: "2026-03-02" },
      ["Without prefix 1 matches.", "Without the times 1 matches."],
    ],
    [
      { metadata: { model: "large" } },
      [
        "Without metadata 4 match.",
        "Pairs of metadata are compared exactly, with case: query finds parts of names and values in any case.",
      ],
    ],
    [
      { prefix: "march/*.csv" },
      [
        "prefix is plain text: * and ? are no wildcards. search_artifacts finds keys by words in them.",
        "Without prefix 4 match.",
      ],
    ],
  ])("says of %j, which finds nothing, why", async (args, hints) => {
    const { call } = await setup();
    expect(textOf(await call("search_artifacts", args)).split("\n")).toEqual([
      "0 entries on this page. This is the last page.",
      ...hints,
    ]);
  });

  it("answers an unknown bucket with a similar one, or with list_buckets", async () => {
    const { refusal } = await setup();
    expect(await refusal("search_artifacts", { bucket: "evals", query: "csv" })).toMatchObject({
      code: "bucket_not_found",
      message: expect.stringMatching(/similar bucket is "eval"/),
    });
    expect(await refusal("search_artifacts", { bucket: "zoo", query: "csv" })).toMatchObject({
      code: "bucket_not_found",
      message: expect.stringMatching(/list_buckets/),
    });
  });

  it("finds by the name of metadata, and by *.csv", async () => {
    const { keys } = await setup();
    expect(await keys({ query: '"model Large", *.csv' })).toEqual([csv17]);
  });

  it.each<[Arguments, RegExp]>([
    [{ order: "size" }, /order must be one of newest, oldest, largest, smallest, key/],
    [{ metadata: ["run"] }, /metadata must be an object of strings/],
    [{ metadata: { run: { a: 1 } } }, /metadata.run must be a string/],
    [
      { created_after: "last week" },
      /created_after must be a time like 2026-03-01 .* not "last week"\. Today is 2\d{3}-\d\d-\d\d \(UTC\)/,
    ],
    [{ mime_type: "csv" }, /mime_type is "csv", and must be a type like text\/csv/],
    [{ cursor: "x" }, /next_cursor/],
    [{ limit: 0 }, /limit must be at least 1/],
  ])("refuses %j, and says what is allowed", async (args, message) => {
    const { refusal } = await setup();
    expect(await refusal("search_artifacts", args)).toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(message),
    });
  });
});
