import { createHash, randomBytes } from "node:crypto";
import { Upload, type UploadOptions } from "tus-js-client";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { bearer } from "../support/http-client.js";
import { type HttpProcess, startService } from "../support/http-process.js";

/*
 * The JavaScript client of tus against the built server.
 */

const MiB = 1024 * 1024;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Uploads everything. Returns the URL of the upload. */
function upload(service: HttpProcess, content: Buffer, options: Partial<UploadOptions> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const running = new Upload(content, {
      endpoint: `${service.origin}/v1/tus`,
      headers: { Authorization: bearer.authorization },
      chunkSize: MiB,
      retryDelays: null,
      ...options,
      onSuccess: () => resolve(running.url ?? ""),
      onError: reject,
    });
    running.start();
  });
}

const about = { bucket: "b", key: "k.bin", filetype: "application/x-data", nonlatin: "słońce" };

async function expectSaved(service: HttpProcess, content: Buffer): Promise<void> {
  const { json } = await service.ask("GET", "/v1/artifacts/b/k.bin");
  const { filetype: mime_type, nonlatin } = about;
  expect(json).toMatchObject({ mime_type, bytes: content.length, sha256: sha256(content), metadata: { nonlatin } });
}

it("the tus client uploads in chunks, or with the creation", async () => {
  const service = await startService(await temporaryDirectory());
  const content = randomBytes(5 * MiB + 7);
  await upload(service, content, { metadata: about });
  await expectSaved(service, content);
  const small = randomBytes(1_000);
  const url = await upload(service, small, { uploadDataDuringCreation: true });
  expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(small)).toBe(true);
});

it("the tus client continues an upload by its URL after the client and the server were killed", async () => {
  const root = await temporaryDirectory();
  const first = await startService(root);
  const content = randomBytes(6 * MiB);
  const url = await new Promise<string>((resolve, reject) => {
    const running = new Upload(content, {
      endpoint: `${first.origin}/v1/tus`,
      headers: { Authorization: bearer.authorization },
      chunkSize: MiB,
      metadata: about,
      retryDelays: null,
      onError: reject,
      onChunkComplete(_size, accepted) {
        if (accepted >= 3 * MiB) running.abort().then(() => resolve(running.url ?? ""), reject);
      },
    });
    running.start();
  });
  await first.kill();
  const second = await startService(root, first.port);
  let firstSent: number | undefined;
  await upload(second, content, {
    uploadUrl: url,
    headers: {}, // the URL is enough to authorize
    onProgress(sent) {
      firstSent ??= sent;
    },
  });
  expect(firstSent).toBeGreaterThanOrEqual(3 * MiB);
  await expectSaved(second, content);
});

it("the tus client continues by itself when the server is killed and started again", async () => {
  const root = await temporaryDirectory();
  let service = await startService(root);
  const content = randomBytes(6 * MiB);
  let restarting: Promise<HttpProcess> | undefined;
  const { port } = service;
  await upload(service, content, {
    metadata: about,
    retryDelays: [100, 300, 1_000, 3_000, 5_000],
    onChunkComplete(_size, accepted) {
      if (accepted >= 2 * MiB) restarting ??= service.kill().then(() => startService(root, port));
    },
  });
  service = (await restarting) ?? service;
  expect(service.stderr()).toContain("started");
  await expectSaved(service, content);
});

it("the tus client terminates an upload, and is told clearly that uploads cannot be concatenated", async () => {
  const service = await startService(await temporaryDirectory());
  const content = randomBytes(2 * MiB);
  const url = await upload(service, content, { metadata: about });
  await Upload.terminate(url);
  expect((await fetch(url)).status).toBe(404);
  await expectSaved(service, content);
  const parallel = upload(service, content, { parallelUploads: 2, chunkSize: Number.POSITIVE_INFINITY });
  await expect(parallel).rejects.toThrow(/does not support Upload-Concat: leave it out/);
  expect((await service.ask("GET", "/v1/artifacts")).json).toMatchObject({ data: [{ name: "b" }] });
});
