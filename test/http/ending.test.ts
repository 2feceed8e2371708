import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { gate } from "../support/gate.js";
import { answerTo, bearer, type HttpClientOptions, serveHttp } from "../support/http-client.js";
import { patienceMs } from "../support/patience.js";
import { createMemoryEngines, saveText } from "../support/stores.js";

const MiB = 1024 * 1024;
/** Longer than a test may take. */
const endless = { stopMs: 3 * patienceMs };

/** A download that has begun and is not read. Its 48 MiB are more than the sockets buffer. */
async function download(limits: HttpClientOptions["limits"]) {
  const client = await serveHttp(createMemoryEngines(), { maxChunkBytes: 48 * MiB, limits: { ...endless, ...limits } });
  await saveText(client.store, "b", "k", "x".repeat(48 * MiB));
  const request = client.begin("GET", "/v1/content/b/k", bearer);
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.on("error", () => undefined); // the connection is closed
  return { ...client, response };
}

describe("a stopping server", () => {
  it("breaks off a download that the client does not read", async () => {
    const { stop, response } = await download({ stalledMs: 100 });
    await stop();
    const closed = new Promise((resolve) => response.once("close", resolve));
    response.resume();
    await closed;
    expect(response.complete).toBe(false);
  });

  it("continues a download that is read slowly, for longer than stalledMs", async () => {
    const stalledMs = 3_000;
    const { stop, response } = await download({ stalledMs });
    const began = performance.now();
    const stopped = stop();
    let bytes = 0;
    while (bytes < 48 * MiB) {
      const block: Buffer | null = response.read();
      if (block === null) await once(response, "readable");
      else bytes += block.length;
      // The whole download takes longer than stalledMs, but no single pause does.
      if (performance.now() - began < 2 * stalledMs) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await once(response.resume(), "end");
    expect(response.complete).toBe(true);
    expect(performance.now() - began).toBeGreaterThan(stalledMs);
    await stopped;
  });

  it("waits for an answer that is still being made", async () => {
    const engines = createMemoryEngines();
    const [looked, goOn] = [gate(), gate()];
    const get = async (key: string) => {
      if (key === "artifact\tb\tslow") {
        looked.open();
        await goOn.passed;
      }
      return engines.metadata.get(key);
    };
    const limits = { ...endless, stalledMs: 20 };
    const { begin, stop } = await serveHttp({ ...engines, metadata: { ...engines.metadata, get } }, { limits });
    const request = begin("GET", "/v1/artifacts/b/slow", bearer);
    request.end();
    const answered = answerTo(request);
    await looked.passed;
    const stopped = stop();
    await new Promise((resolve) => setTimeout(resolve, 200)); // ten times stalledMs without a byte
    goOn.open();
    expect(await answered).toMatchObject({ status: 404, headers: { connection: "close" } });
    await stopped;
  });

  it("does not wait for a large body that it begins to read while it stops", async () => {
    const engines = createMemoryEngines();
    const [looked, goOn] = [gate(), gate()];
    let isHeld = false;
    const get = async (key: string) => {
      if (isHeld && key.startsWith("session\t")) {
        looked.open();
        await goOn.passed;
      }
      return engines.metadata.get(key);
    };
    const options = { limits: endless };
    const { ask, begin, stop } = await serveHttp({ ...engines, metadata: { ...engines.metadata, get } }, options);
    const { json } = await ask("POST", "/v1/artifacts", { body: JSON.stringify({ bucket: "b", key: "k", size: 11 }) });
    isHeld = true;
    const request = begin("PUT", String(json["url"]), { "content-length": "11" });
    request.write("hello");
    const answered = answerTo(request);
    await looked.passed;
    const stopped = stop();
    goOn.open();
    expect(await answered).toMatchObject({ status: 503, headers: { "retry-after": "5", "upload-offset": "0" } });
    await stopped;
  });
});
