import { describe, expect, it } from "vitest";
import { AnalysisStopped } from "../../../../src/store/ports/analyses.js";
import type { Description } from "../../../../src/store/ports/description.js";
import { createFakeAnalyses } from "../../../support/fake-analyses.js";
import { serveHttp } from "../../../support/http-client.js";
import { connect, sha256Of } from "../../../support/mcp-client.js";
import { createMemoryEngines, saveText } from "../../../support/stores.js";

const url = "/v1/describe/b/march/k.csv";
const info = "/v1/artifacts/b/march/k.csv";
const csv: Description = {
  format: "csv",
  mime_type: "text/csv",
  table: { rows: 1, columns: 1, delimiter: ",", header: true, column_details: [] },
};
/** The clock of download URLs stands still, so that infos can be compared. */
const nowSeconds = () => 1_800_000_000;

async function described(answer: () => unknown = () => csv, readOnly = false) {
  const engines = createMemoryEngines();
  const writing = await serveHttp(engines);
  await saveText(writing.store, "b", "march/k.csv", "a\n1\n");
  await saveText(writing.store, "b", "march/k.csv", "a\n2\n");
  const analyses = createFakeAnalyses(answer);
  return { ...(await serveHttp(engines, { analyses, readOnly, nowSeconds })), analyses };
}

describe("GET /v1/describe", () => {
  it("answers the artifact's info and what its content is", async () => {
    const { ask, analyses } = await described();
    const artifact = (await ask("GET", info)).json;
    const { status, headers, json } = await ask("GET", url);
    expect({ status, json }).toEqual({ status: 200, json: { ...artifact, description: csv } });
    expect(headers["etag"]).toBe(`"2.0-${sha256Of("a\n2\n")}"`);
    expect(analyses.calls).toMatchObject([{ wanted: { kind: "describe" }, contents: [{ bytes: 4 }] }]);
  });

  it("describes an older version, and the ETag is that version's", async () => {
    const { ask } = await described();
    const { headers, json } = await ask("GET", `${url}?version=1`);
    expect(json).toMatchObject({ version: 1, sha256: sha256Of("a\n1\n"), description: csv });
    expect(headers["etag"]).toBe(`"1.0-${sha256Of("a\n1\n")}"`);
  });

  it("asks for an analysis once, and then GET of the artifact answers the description too", async () => {
    const { ask, analyses } = await described(undefined, true);
    expect((await ask("GET", info)).json).not.toHaveProperty("description");
    await ask("GET", url);
    await ask("GET", url);
    expect(analyses.calls.length).toBe(1);
    expect((await ask("GET", info)).json).toMatchObject({ version: 2, description: csv });
    const { json } = await ask("GET", `${info}?versions=9`);
    expect(json).toMatchObject({ description: csv, versions: [{ version: 2 }, { version: 1 }] });
    expect((await ask("GET", `${info}?version=1`)).json).not.toHaveProperty("description");
  });

  it("answers what was known when a limit stopped the analysis", async () => {
    const { ask } = await described(() => {
      throw new AnalysisStopped("memory", { format: "parquet" });
    });
    const { status, json } = await ask("GET", url);
    expect(status).toBe(200);
    expect(json["description"]).toMatchObject({ format: "parquet", partial: { reason: "memory" } });
  });

  it("answers a HEAD without a body", async () => {
    const { ask } = await described();
    const { status, text, headers } = await ask("HEAD", url);
    expect({ status, text }).toEqual({ status: 200, text: "" });
    expect(headers["etag"]).toMatch(/^"2\.0-/);
  });
});

it.each([
  ["a.txt", "one\r\ntwo"],
  ["a.json", '{"list": [{"a": 1}, {"b": null}]}'],
  ["a.csv", "id,name\n1,x\n2,\n"],
  ["a.bin", "\0\u0001\u0002"],
])("describe_artifact and GET /v1/describe tell the same of %s", async (key, text) => {
  const engines = createMemoryEngines();
  const [{ ask, store }, tools] = [await serveHttp(engines), await connect(engines)];
  await saveText(store, "b", key, text);
  const { description } = (await ask("GET", `/v1/describe/b/${key}`)).json;
  const columns = key.endsWith(".csv") ? { columns: ["id", "name"] } : {};
  const { structuredContent } = await tools.call("describe_artifact", { bucket: "b", key, ...columns });
  expect(structuredContent).toEqual({ bucket: "b", key, version: 1, bytes: text.length, ...(description as object) });
});

it.each([
  [`${url}?version=abc`, 400, /version must be a whole number, not "abc"/],
  [`${url}?version=0`, 400, /version must be at least 1, not 0/],
  [`${url}?version=1&version=2`, 400, /"version" is given twice/],
  [`${url}?version=-0`, 400, /version must be a whole number/],
  [`${url}?columns=a`, 400, /unknown argument "columns": this URL takes version/],
  [`${url}?version=9`, 404, /there are versions 2 and 1\. GET \/v1\/artifacts/],
  ["/v1/describe/b/none", 404, /none/],
  ["/v1/describe/b/a%00b", 400, /U\+0000/],
  ["/v1/describe/b", 404, /This URL has no key: it is \/v1\/describe\/\{bucket\}\/\{key\}\./],
  ["/v1/describe", 404, /This URL has no key/],
])("GET %s is refused with %d", async (path, expected, message) => {
  const { ask, analyses } = await described();
  const { status, json } = await ask("GET", path);
  expect({ status, detail: json["detail"] }).toEqual({ status: expected, detail: expect.stringMatching(message) });
  expect(analyses.calls).toEqual([]);
});
