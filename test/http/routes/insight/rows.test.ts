import { describe, expect, it } from "vitest";
import { ArtifactError } from "../../../../src/store/model/errors.js";
import { AnalysisStopped } from "../../../../src/store/ports/analyses.js";
import type { RowsPage } from "../../../../src/store/ports/description.js";
import { createFakeAnalyses } from "../../../support/fake-analyses.js";
import { serveHttp } from "../../../support/http-client.js";
import { createMemoryEngines, saveText } from "../../../support/stores.js";

const url = "/v1/rows/b/k.csv";
const page: RowsPage = { columns: ["a", "b"], csv: "a,b\n1,é\n", first: 1, last: 1, total: 3, more: true };

async function tabled(answer: () => unknown = () => page) {
  const analyses = createFakeAnalyses(answer);
  const client = await serveHttp(createMemoryEngines(), { analyses });
  await saveText(client.store, "b", "k.csv", "a,b\n1,é\n2,\n3,\n");
  return { ...client, analyses };
}

const throwing = (error: Error) => () => {
  throw error;
};

describe("GET /v1/rows", () => {
  it("answers a page with its version and its numbers, and links to the next one", async () => {
    const { ask, analyses } = await tabled();
    const { status, headers, json } = await ask("GET", url);
    expect({ status, json }).toEqual({ status: 200, json: { bucket: "b", key: "k.csv", version: 1, ...page } });
    expect(headers["link"]).toBe('<?version=1&row=2&rows=10000>; rel="next"');
    const [call] = analyses.calls;
    expect(call?.wanted).toEqual({ kind: "rows", columns: undefined, row: undefined, rows: 10_000, chars: 1_048_576 });
  });

  it("takes columns as a parameter for each, and keeps them in the link", async () => {
    const { ask, analyses, origin } = await tabled();
    const asked = `${url}?columns=a%2Cb&columns=x+y&columns=%C3%A9&columns=&rows=2&row=-3&format=json`;
    const { headers } = await ask("GET", asked);
    const columns = ["a,b", "x y", "é", ""];
    expect(analyses.calls[0]?.wanted).toMatchObject({ columns, row: -3, rows: 2 });
    const [, next = ""] = /^<(.*)>; rel="next"$/.exec(headers["link"] as string) ?? [];
    await ask("GET", new URL(next, `${origin}${asked}`).href);
    expect(analyses.calls[1]?.wanted).toMatchObject({ columns, row: 2, rows: 2 });
  });

  it("answers the CSV alone, with its numbers in a field", async () => {
    const { ask } = await tabled();
    const { text, headers } = await ask("GET", url, { headers: { accept: "text/csv" } });
    expect(text).toBe("a,b\n1,é\n");
    expect(headers).toMatchObject({
      "content-type": "text/csv; charset=utf-8; header=present",
      "content-length": "9",
      "content-security-policy": expect.stringMatching(/^sandbox/),
      "cache-control": "no-store",
      rows: "version=1, first=1, last=1, total=3, more",
      link: '<?version=1&row=2&rows=10000>; rel="next"',
    });
  });

  it("says in CSV too what is missing, and has no link on the last page", async () => {
    const partial = { reason: "damaged", message: "It breaks off." };
    const last = { columns: ["a"], csv: "a\n", first: 0, last: 0, more: false, omitted_columns: 7, cut: 2, partial };
    const { ask } = await tabled(() => last);
    const { headers } = await ask("GET", `${url}?format=csv`);
    expect(headers["rows"]).toBe("version=1, first=0, last=0, more=?0, omitted-columns=7, cut=2, partial=damaged");
    expect(headers).not.toHaveProperty("link");
    expect((await ask("GET", url)).json).toMatchObject(last);
  });

  it("does not link to the first row again if a limit ended the reading before any row", async () => {
    const { ask } = await tabled(() => ({ ...page, first: 0, last: 0 }));
    expect((await ask("GET", url)).headers).not.toHaveProperty("link");
  });

  it.each([
    ["", "json"],
    ["*/*", "json"],
    ["text/html, application/xhtml+xml, */*;q=0.8", "json"],
    ["application/json, text/csv", "json"],
    ["application/json;q=0.5, Text/CSV ; q=0.9", "csv"],
    ["text/csv;q=0, */*", "json"],
    ["text/*", "csv"],
    ["image/png", "json"],
    [",;q=x,,text/csv;header=present", "csv"],
  ])("answers to Accept: %s with %s", async (accept, expected) => {
    const { ask } = await tabled();
    const { headers } = await ask("GET", url, { headers: { accept } });
    expect(headers["content-type"]).toMatch(expected);
    const named = await ask("GET", `${url}?format=json`, { headers: { accept } });
    expect(named.headers["content-type"]).toBe("application/json");
  });

  it("answers a HEAD for CSV without a body", async () => {
    const { ask } = await tabled();
    const { text, headers } = await ask("HEAD", `${url}?format=csv`);
    expect(text).toBe("");
    expect(headers["content-length"]).toBe("9");
  });
});

it("the links lead through the whole table, also when it gets a new version meanwhile", async () => {
  const { ask, store, origin } = await serveHttp(createMemoryEngines());
  const lines = Array.from({ length: 25 }, (_, index) => `${index + 1},"é, ""${index}"""`);
  await saveText(store, "b", "k.csv", ["id,name", ...lines, ""].join("\n"));
  const found: string[] = [];
  let next: string | undefined = "?rows=7&format=csv";
  while (next !== undefined) {
    const { text, headers } = await ask("GET", new URL(next, `${origin}${url}`).href);
    found.push(...text.split("\n").slice(1, -1));
    next = /^<(.*)>; rel="next"$/.exec(String(headers["link"]))?.[1];
    await saveText(store, "b", "k.csv", `id,name\n${found.length},new\n`);
  }
  expect(found).toEqual(lines);
});

it.each([
  ["row=0", /row must be a whole number other than 0, not 0/],
  ["row=1.5", /row must be a whole number, not "1\.5"/],
  ["row=99999999999999999999", /row must be a whole number/],
  ["rows=0", /rows must be a whole number other than 0/],
  ["rows=10001", /rows must be at most 10000/],
  ["rows=-10001", /rows must be at least -10000/],
  ["row=3&rows=-5", /asks for the last rows, and takes no row/],
  ["row=1&row=2", /"row" is given twice/],
  ["format=xml", /format must be one of json, csv, not "xml"/],
  ["version=abc", /version must be a whole number/],
  [`${"columns=&".repeat(1_001)}`, /columns must be at most 1000 items, not 1001 items \(or leave it out\)\. /],
  [`columns=${"x".repeat(12_288)}`, /The URL is too long/],
  ["columns[]=a", /unknown argument "columns\[\]": this URL takes version, columns/],
  ["columns=%ff", /percent/],
])("GET of rows with ?%.40s is refused, and the error says what is right", async (query, message) => {
  const { ask, analyses } = await tabled();
  const { status, json } = await ask("GET", `${url}?${query}`);
  expect({ status, ...json }).toMatchObject({ status: 400, code: "invalid_argument" });
  expect(json["detail"]).toMatch(message);
  expect(analyses.calls).toEqual([]);
});

it.each<[string, Error, object, RegExp]>([
  [
    "no table",
    new ArtifactError("invalid_argument", "The content is a PNG picture.", { next: "describe_content" }),
    { status: 422, code: "invalid_argument" },
    /a PNG picture\. GET \/v1\/describe\/\{bucket\}\/\{key\} says what the content is\.$/,
  ],
  [
    "an unknown column",
    new ArtifactError("invalid_argument", 'There is no column "c": there are a and b.', {
      details: { argument: "columns" },
    }),
    { status: 400, code: "invalid_argument", argument: "columns" },
    /there are a and b\.$/,
  ],
  [
    "too much of it",
    new AnalysisStopped("memory"),
    { status: 422, code: "too_large", limit: "memory" },
    /needs too much memory .* Ask for fewer rows or columns, or get the content with GET \/v1\/content/,
  ],
])("rows of %s are answered with what to do next", async (_what, error, expected, message) => {
  const { ask } = await tabled(throwing(error));
  const { status, json, headers } = await ask("GET", url, { headers: { accept: "text/csv" } });
  expect({ ...json, status }).toMatchObject(expected);
  expect(json["detail"]).toMatch(message);
  expect(headers["content-type"]).toBe("application/problem+json");
});
