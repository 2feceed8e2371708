import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ContentStore } from "../../../src/store/ports/content-store.js";
import { answerTo, bearer, type HttpClient, serveHttp } from "../../support/http-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const MiB = 1024 * 1024;
const maxStoreBytes = 10 * MiB;
const body = Buffer.alloc(40 * MiB, "x");
const path = "/v1/content/b/k";
const refused = { status: 507, json: { code: "storage_full", max_store_bytes: maxStoreBytes } };
const tus = { "tus-resumable": "1.0.0" };

/** A server on a store of 10 MiB. `writtenNow` returns how many bytes were written since its last call. */
async function serveSmallStore() {
  const engines = createMemoryEngines();
  let written = 0;
  const createPiece: ContentStore["createPiece"] = async (session, start) => {
    const writer = await engines.content.createPiece(session, start);
    const write: typeof writer.write = (bytes) => {
      written += bytes.length;
      return writer.write(bytes);
    };
    return { ...writer, write };
  };
  const client = await serveHttp({ ...engines, content: { ...engines.content, createPiece } }, { maxStoreBytes });
  const writtenNow = (): number => {
    const before = written;
    written = 0;
    return before;
  };
  return { ...client, engines, writtenNow };
}

/** Sends 40 MiB in blocks until the server answers. */
async function sendChunked(client: HttpClient, method: string, url: string, headers: Record<string, string> = {}) {
  const request = client.begin(method, url, { ...bearer, "transfer-encoding": "chunked", ...headers });
  let isAnswered = false;
  const answer = answerTo(request).finally(() => {
    isAnswered = true;
  });
  for (let at = 0; at < body.length && !isAnswered; at += MiB) {
    request.write(body.subarray(at, at + MiB));
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!isAnswered) request.end();
  return answer;
}

describe("40 MiB for a store of 10 MiB are refused, and not much more than 10 MiB is written", () => {
  it("by PUT with a Content-Digest, before any byte is written", async () => {
    const client = await serveSmallStore();
    const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    const answer = await client.ask("PUT", path, { body, headers: { "content-digest": digest } });
    expect(answer).toMatchObject(refused);
    expect(client.writtenNow()).toBe(0);
  });

  it("by PUT without a length, with and without a Content-Digest", async () => {
    const client = await serveSmallStore();
    const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    for (const headers of [{}, { "content-digest": digest }]) {
      expect(await sendChunked(client, "PUT", path, headers as Record<string, string>)).toMatchObject(refused);
      expect(client.writtenNow()).toBeLessThan(11 * MiB);
    }
  });

  it("by a tus PATCH with an Upload-Checksum, with and without a declared length", async () => {
    const client = await serveSmallStore();
    const told = await client.ask("POST", "/v1/tus", { headers: { ...tus, "upload-length": String(body.length) } });
    expect(told).toMatchObject({ ...refused, headers: tus });
    const begun = await client.ask("POST", "/v1/tus", { headers: { ...tus, "upload-defer-length": "1" } });
    const url = begun.headers.location ?? "";
    const checksum = `sha1 ${createHash("sha1").update(body).digest("base64")}`;
    const type = "application/offset+octet-stream";
    const headers = { ...tus, "content-type": type, "upload-offset": "0", "upload-checksum": checksum };
    expect(await client.askAsStranger("PATCH", url, { body, headers })).toMatchObject({ ...refused, headers: tus });
    expect(client.writtenNow()).toBeLessThan(11 * MiB);
    expect(await sendChunked(client, "PATCH", url, headers)).toMatchObject({ ...refused, headers: tus });
    expect(client.writtenNow()).toBeLessThan(11 * MiB);
    expect(await client.askAsStranger("HEAD", url, { headers: tus })).toMatchObject({
      headers: { "upload-offset": "0" },
    });
  });

  it("and the refused bytes are deleted, so that smaller content fits", async () => {
    const client = await serveSmallStore();
    const answer = await sendChunked(client, "PUT", path);
    expect(answer.json["detail"]).toMatch(
      /DELETE artifacts or sessions, then send the same request again\. .* --max-store-bytes\.$/,
    );
    expect(client.engines.content.files.size).toBe(0);
    expect(await client.ask("PUT", path, { body: body.subarray(0, 9 * MiB) })).toMatchObject({ status: 201 });
    expect(await client.ask("PUT", `${path}2`, { body: body.subarray(0, 2 * MiB) })).toMatchObject(refused);
    expect(await client.ask("DELETE", "/v1/artifacts/b/k")).toMatchObject({ status: 200 });
    expect(await client.ask("PUT", `${path}2`, { body: body.subarray(0, 2 * MiB) })).toMatchObject({ status: 201 });
  });
});
