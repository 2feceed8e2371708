import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { tusBase } from "../../../src/http/links.js";
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

async function describedServer() {
  const client = await serveHttp(createMemoryEngines());
  const document = (await client.ask("GET", "/v1/openapi.json")).json as unknown as Document;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => method !== "parameters")
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return { ...client, document, operations };
}

/** A URL for each path, where there is something of the kind. */
async function urlsOf({ store, links }: HttpClient): Promise<Record<string, string>> {
  await saveText(store, "b", "k", "hello");
  const upload = await store.uploads.create({ bucket: "b", key: "new", size: 5 });
  const done = await store.uploads.create({ bucket: "b", key: "done", size: 0 });
  const of = {
    "/v1/artifacts/session:{session}": links.uploadPath(upload.id),
    "/v1/tus/{session}": links.uploadPath(upload.id, tusBase),
    "GET /v1/tus/{session}": links.uploadPath(done.id, tusBase),
  };
  return {
    ...of,
    "/v1/artifacts/{bucket}": "/v1/artifacts/b",
    "/v1/artifacts/{bucket}/{key}": "/v1/artifacts/b/k",
    "/v1/content/{bucket}/{key}": "/v1/content/b/k",
  };
}

const tus = { "tus-resumable": "1.0.0" };
const partial = { "content-type": "application/partial-upload", "upload-offset": "0", "upload-complete": "?0" };
/** What each operation is asked with, where that is not nothing, to do what it is for. */
const asks: Record<string, { headers?: Record<string, string>; body?: string }> = {
  createUploadSession: { body: JSON.stringify({ bucket: "b", key: "k" }) },
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
  if (answer.text === "" || schema === undefined) return; // a HEAD says what a GET would
  const ajv = new Ajv2020({ strict: false });
  const validate = ajv.compile({ ...schema, components: document.components });
  validate(answer.json);
  expect(validate.errors, `${operationId}: ${answer.text}`).toBeNull();
}

it("the document is OpenAPI 3.1, and names all that is offered", async () => {
  const { document, operations } = await describedServer();
  expect(await new Validator().validate({ ...structuredClone(document) })).toMatchObject({ valid: true });
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(expect.arrayContaining(["listBuckets", "getContent", "createTusUpload", "readyz"]));
});

it("every operation answers as it is described, to who may and to who may not", async () => {
  const { operations } = await describedServer();
  for (const { path, method, operation } of operations) {
    const client = await describedServer();
    const urls = await urlsOf(client);
    const url = urls[`${method} ${path}`] ?? urls[path] ?? path;
    const asked = asks[operation.operationId] ?? {};
    const answer = await client.ask(method, url, asked);
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
    check(client.document, operation, answer);

    const mayAnyone =
      operation.security.length === 0 || operation.security.some((need) => Object.keys(need).length === 0);
    const stranger = await client.askAsStranger(method, url, asked);
    expect(stranger.status === 401, `${method} ${path} for a stranger`).toBe(!mayAnyone);
    check(client.document, operation, stranger);
    await client.stop();
  }
});

it("every operation fails as it is described", async () => {
  const client = await describedServer();
  const id = `${sha256Of("none").slice(0, 32)}`;
  const missing: Record<string, string> = {
    "/v1/artifacts/session:{session}": client.links.uploadPath(id),
    "/v1/tus/{session}": client.links.uploadPath(id, tusBase),
    "/v1/artifacts/{bucket}": "/v1/artifacts/none",
    "/v1/artifacts/{bucket}/{key}": "/v1/artifacts/none/k",
    "/v1/content/{bucket}/{key}": "/v1/content/none/k?version=x",
  };
  for (const { path, method, operation } of client.operations) {
    const headers = path === "/v1/content/{bucket}/{key}" ? { "upload-complete": "x" } : {};
    const answer = await client.ask(method, missing[path] ?? `${path}?no=1`, { headers });
    check(client.document, operation, answer);
  }
});
