import { expect, it } from "vitest";
import type { Artifact } from "../../../src/store/model/artifact.js";
import { serveHttp } from "../../support/http-client.js";
import { createMemoryEngines } from "../../support/stores.js";

type Found = { readonly data: readonly Artifact[]; readonly next_cursor?: string };

async function searched() {
  const client = await serveHttp(createMemoryEngines(), { nowSeconds: () => 1_800_000_000 });
  const { artifacts } = client.store;
  const save = (key: string, text: string, metadata: Record<string, string>, mime_type: string) =>
    artifacts.save({
      bucket: key.includes("/") ? "runs" : "notes",
      key,
      bytes: Buffer.from(text),
      metadata,
      mime_type,
      defaultMimeType: "text/plain",
    });
  await save("march/eval.csv", "a,b\n1,2\n", { run: "42", "a]b": "x y" }, "text/csv");
  await save("march/eval.json", "{}", { run: "43" }, "application/json");
  await save("april/eval.csv", "a,b\n1,2\n3,4\n", { run: "42" }, "text/csv");
  await save("n.txt", "note", {}, "text/plain");
  const search = async (query: string): Promise<Found> => {
    const answer = await client.ask("GET", `/v1/search?${query}`);
    expect(answer.status, answer.text).toBe(200);
    return answer.json as unknown as Found;
  };
  return { ...client, search, keys: async (query: string) => (await search(query)).data.map(({ key }) => key) };
}

it.each([
  ["query=EVAL+march", ["march/eval.csv", "march/eval.json"]],
  ["query=42&prefix=march/", ["march/eval.csv"]],
  ["bucket=notes", ["n.txt"]],
  ["mime_type=text/*", ["april/eval.csv", "march/eval.csv", "n.txt"]],
  ["metadata[run]=42", ["april/eval.csv", "march/eval.csv"]],
  ["metadata%5Brun%5D=42&metadata%5Ba%5Db%5D=x+y", ["march/eval.csv"]],
  ["min_bytes=5&max_bytes=8", ["march/eval.csv"]],
  ["created_after=2020-01-01T00:00:00%2B01:00", ["april/eval.csv", "march/eval.csv", "march/eval.json", "n.txt"]],
  ["created_before=2020-01-01", []],
  ["created_before=1577836800", []],
  ["prefix=none", []],
  ["query=e", ["april/eval.csv", "march/eval.csv", "march/eval.json", "n.txt"]],
])("a search for %s finds %j", async (query, found) => {
  const { keys } = await searched();
  expect((await keys(`${query}&order=key`)).sort()).toEqual(found);
});

it("a search has an order and pages, and answers whole artifacts", async () => {
  const { search, keys, ask } = await searched();
  expect(await keys("order=largest&limit=2")).toEqual(["april/eval.csv", "march/eval.csv"]);
  const first = await search("order=smallest&limit=1");
  expect(first.data).toEqual([(await ask("GET", "/v1/artifacts/runs/march/eval.json")).json]);
  const more = await keys(`order=smallest&limit=9&cursor=${encodeURIComponent(first.next_cursor ?? "")}`);
  expect(more).toEqual(["n.txt", "march/eval.csv", "april/eval.csv"]);
});

it.each([
  ["order=biggest", /order must be one of newest, oldest, largest, smallest, key/],
  ["created_after=yesterday", /created_after must be a time like 2026-03-01 /],
  ["created_after=2020-01-01T00:00:00+01:00", /created_after must be a time like/],
  ["min_bytes=1k", /min_bytes must be a whole number/],
  ["metadata=run", /Give each pair of metadata as a parameter of its own: metadata\[NAME\]=VALUE/],
  ["metadata.run=42", /unknown argument "metadata\.run": this URL takes query, bucket/],
  ["metadata[__proto__]=x", /__proto__ cannot be a name in metadata/],
  ["limit[x]=1", /unknown argument "limit\[x\]"/],
  ["mime_type=text", /mime_type is "text", and must be a type like text\/csv/],
  ["cursor=x&query=e", /cursor/],
  ["query=a&query=b", /given twice/],
])("a search with %s is refused, and the error says what is wrong", async (query, why) => {
  const { ask } = await searched();
  const { status, json } = await ask("GET", `/v1/search?${query}`);
  expect({ status, ...json }).toMatchObject({ status: 400, code: "invalid_argument" });
  expect(json["detail"]).toMatch(why);
});

it("the list of buckets shows what is in them", async () => {
  const { ask } = await searched();
  const { json } = await ask("GET", "/v1/artifacts");
  const newest_at = expect.any(Number);
  expect(json).toEqual({
    data: [
      { name: "notes", artifacts: 1, bytes: 4, newest_at },
      { name: "runs", artifacts: 3, bytes: 22, newest_at },
    ],
  });
  expect((await ask("GET", "/v1/artifacts?prefix=r")).json).toMatchObject({ data: [{ name: "runs" }] });
});
