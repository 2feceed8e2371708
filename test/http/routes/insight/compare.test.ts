import { describe, expect, it } from "vitest";
import { createFakeAnalyses } from "../../../support/fake-analyses.js";
import { serveHttp } from "../../../support/http-client.js";
import { createMemoryEngines, saveText } from "../../../support/stores.js";

const url = "/v1/compare";
const identical = { kind: "identical" };

async function compared() {
  const analyses = createFakeAnalyses(() => identical);
  const client = await serveHttp(createMemoryEngines(), { analyses });
  for (const text of ["1", "22", "333"]) await saveText(client.store, "b", "k", text);
  await saveText(client.store, "c", "other", "4444");
  return { ...client, analyses };
}

describe("GET /v1/compare", () => {
  it("compares the newest version with the one before, and answers both", async () => {
    const { ask, analyses } = await compared();
    const { status, json } = await ask("GET", `${url}?bucket=b&key=k`);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      before: { bucket: "b", key: "k", version: 2, bytes: 2 },
      after: { bucket: "b", key: "k", version: 3, bytes: 3 },
      comparison: identical,
    });
    const [call] = analyses.calls;
    const names = ["b/k version 2", "b/k version 3"];
    expect(call?.wanted).toEqual({ kind: "compare", by: undefined, chars: 100_000, names });
    expect(call?.contents.map(({ bytes }) => bytes)).toEqual([2, 3]);
  });

  it.each([
    ["bucket=b&key=k&version=1", "b/k version 1", "b/k version 3"],
    ["bucket=b&key=k&to_version=2", "b/k version 1", "b/k version 2"],
    ["bucket=b&key=k&version=3&to_version=1", "b/k version 3", "b/k version 1"],
    ["bucket=b&key=k&to_bucket=c&to_key=other&by=id", "b/k version 3", "c/other version 1"],
  ])("takes %s for %s and %s", async (query, ...names) => {
    const { ask, analyses } = await compared();
    expect((await ask("GET", `${url}?${query}`)).status).toBe(200);
    expect(analyses.calls[0]?.wanted).toMatchObject({ names, by: query.includes("by=") ? "id" : undefined });
  });
});

it.each([
  ["", 400, /bucket is required; key is required/],
  ["?bucket=b", 400, /key is required/],
  ["?bucket=b&key=k&version=abc", 400, /version must be a whole number/],
  ["?bucket=b&key=k&to_version=0", 400, /to_version must be at least 1/],
  ["?bucket=b&key=k&key=l", 400, /"key" is given twice/],
  ["?bucket=b&key=a%00b", 400, /U\+0000/],
  ["?bucket=b&key=k&to_bucket=a%0Ab", 400, /bucket/],
  ["?bucket=b&key=none", 404, /none/],
  ["?bucket=b&key=k&to_version=9", 404, /there are versions 3, 2 and 1/],
  ["?bucket=c&key=other", 400, /"other" in bucket "c" has only one version/],
])("GET /v1/compare%s is refused with %d", async (query, expected, message) => {
  const { ask, analyses } = await compared();
  const { status, json } = await ask("GET", `${url}${query}`);
  expect({ status, detail: json["detail"] }).toEqual({ status: expected, detail: expect.stringMatching(message) });
  expect(analyses.calls).toEqual([]);
});
