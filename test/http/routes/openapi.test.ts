import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { tusBase } from "../../../src/http/security/signed-urls.js";
import { createFakeAnalyses } from "../../support/fake-analyses.js";
import { type Answered, type HttpClient, serveHttp } from "../../support/http-client.js";
import { sha256Of } from "../../support/mcp-client.js";
import { createMemoryEngines, saveText } from "../../support/stores.js";

type Responses = Record<string, { content?: Record<string, { schema?: object }> }>;
interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly responses: Responses;
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: object;
}

/** What the analyses find. */
const facts = {
  describe: {
    format: "text",
    text: { encoding: "utf-8", bom: false, line_ends: "none", lines: 1, longest_line: { line: 1, bytes: 5 } },
  },
  rows: { columns: ["a"], csv: "a\n1\n", first: 1, last: 1, total: 1, more: false },
  find: undefined,
  lines: undefined,
  compare: { kind: "bytes", bytes: { before: 4, after: 5, first_difference: 2 } },
};

async function describedServer() {
  const client = await serveHttp(createMemoryEngines(), {
    analyses: createFakeAnalyses(({ wanted }) => facts[wanted.kind]),
  });
  const document = (await client.ask("GET", "/v1/openapi.json")).json as unknown as Document;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => method !== "parameters")
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return { ...client, document, operations };
}

/** A URL for each path, at which an artifact or a session exists. */
async function urlsOf({ store, signedUrls }: HttpClient): Promise<Record<string, string>> {
  await saveText(store, "b", "k", "hell");
  await saveText(store, "b", "k", "hello");
  const upload = await store.uploads.create({ bucket: "b", key: "new", size: 5 });
  const done = await store.uploads.create({ bucket: "b", key: "done", size: 0 });
  const of = {
    "/v1/artifacts/session:{session}": signedUrls.uploadPath(upload.id),
    "/v1/sessions/{id}": `/v1/sessions/${upload.id}`,
    "/v1/sessions/{id}/complete": `/v1/sessions/${done.id}/complete`,
    "/v1/tus/{session}": signedUrls.uploadPath(upload.id, tusBase),
    "GET /v1/tus/{session}": signedUrls.uploadPath(done.id, tusBase),
  };
  return {
    ...of,
    "/v1/artifacts/{bucket}": "/v1/artifacts/b",
    "DELETE /v1/artifacts/{bucket}": "/v1/artifacts/b?prefix=",
    "/v1/artifacts/{bucket}/{key}": "/v1/artifacts/b/k",
    "/v1/content/{bucket}/{key}": "/v1/content/b/k",
    "/v1/describe/{bucket}/{key}": "/v1/describe/b/k",
    "/v1/rows/{bucket}/{key}": "/v1/rows/b/k",
    "/v1/compare": "/v1/compare?bucket=b&key=k",
  };
}

const tus = { "tus-resumable": "1.0.0" };
const partial = { "content-type": "application/partial-upload", "upload-offset": "0", "upload-complete": "?0" };
/** The request of each operation that makes it succeed, if it needs more than its method and path. */
const asks: Record<string, { headers?: Record<string, string>; body?: string }> = {
  createUploadSession: { body: JSON.stringify({ bucket: "b", key: "k" }) },
  updateArtifact: { body: JSON.stringify({ metadata: { run: "42" }, expires_in: "30d" }) },
  copyArtifact: { body: JSON.stringify({ bucket: "b", key: "k", to_key: "copy" }) },
  completeUpload: { body: "{}" },
  createTusUpload: { headers: { ...tus, "upload-length": "5" } },
  appendToUpload: { body: "hel" },
  putUpload: { body: "hello" },
  getTusOffset: { headers: tus },
  terminateTusUpload: { headers: tus },
  appendToTusUpload: {
    body: "hel",
    headers: { ...tus, "content-type": "application/offset+octet-stream", "upload-offset": "0" },
  },
  appendPart: { body: "hel", headers: partial },
  putContent: { body: "hello" },
  postContent: { body: "hello" },
};

function check(document: Document, { responses, operationId }: Operation, answer: Answered): void {
  const described = responses[answer.status] ?? responses["default"];
  const type = (answer.headers["content-type"] ?? "").split(";")[0] ?? "";
  const isDescribed = answer.status >= 400 || answer.status in responses;
  expect(isDescribed, `${operationId} answered ${answer.status}: ${answer.text}`).toBe(true);
  const schema = described?.content?.[type]?.schema;
  if (answer.text === "" || schema === undefined) return; // the answer to a HEAD has the type of that to a GET, but no body
  const ajv = new Ajv2020({ strict: false });
  const validate = ajv.compile({ ...schema, components: document.components });
  validate(type === "text/plain" ? answer.text : answer.json);
  expect(validate.errors, `${operationId}: ${answer.text}`).toBeNull();
}

it("the document is valid OpenAPI 3.1, and its operations have unique names", async () => {
  const { document, operations } = await describedServer();
  expect(await new Validator().validate({ ...structuredClone(document) })).toMatchObject({ valid: true });
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(
    expect.arrayContaining(["listBuckets", "searchArtifacts", "getContent", "createTusUpload", "readyz"]),
  );
});

it("every operation answers as described, with and without the token", async () => {
  const { operations } = await describedServer();
  for (const { path, method, operation } of operations) {
    const client = await describedServer();
    const urls = await urlsOf(client);
    const url = urls[`${method} ${path}`] ?? urls[path] ?? path;
    const asked = asks[operation.operationId] ?? {};
    const answer = await client.ask(method, url, asked);
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
    check(client.document, operation, answer);

    const isPublic =
      operation.security.length === 0 || operation.security.some((need) => Object.keys(need).length === 0);
    const unauthorized = await client.askAsStranger(method, url, asked);
    expect(unauthorized.status === 401, `${method} ${path} without the token`).toBe(!isPublic);
    check(client.document, operation, unauthorized);
    await client.stop();
  }
});

it("every operation fails as described", async () => {
  const client = await describedServer();
  const id = `${sha256Of("none").slice(0, 32)}`;
  const missing: Record<string, string> = {
    "/v1/artifacts/session:{session}": client.signedUrls.uploadPath(id),
    "/v1/tus/{session}": client.signedUrls.uploadPath(id, tusBase),
    "/v1/sessions/{id}": `/v1/sessions/${id}`,
    "/v1/sessions/{id}/complete": `/v1/sessions/${id}/complete`,
    "/v1/artifacts/{bucket}": "/v1/artifacts/none",
    "/v1/artifacts/{bucket}/{key}": "/v1/artifacts/none/k",
    "/v1/content/{bucket}/{key}": "/v1/content/none/k?version=x",
    "/v1/describe/{bucket}/{key}": "/v1/describe/none/k",
    "/v1/rows/{bucket}/{key}": "/v1/rows/none/k",
  };
  for (const { path, method, operation } of client.operations) {
    const headers = path === "/v1/content/{bucket}/{key}" ? { "upload-complete": "x" } : {};
    const answer = await client.ask(method, missing[path] ?? `${path}?no=1`, { headers });
    check(client.document, operation, answer);
  }
});
