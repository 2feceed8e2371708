import { createHash } from "node:crypto";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright-core";
import { expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { bearer } from "../support/http-client.js";
import { startService } from "../support/http-process.js";
import { patienceMs } from "../support/patience.js";

/*
 * A page of another origin uploads in a real browser, with the JavaScript client of tus.
 */

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});
const why = executablePath === undefined ? ` (skipped: none of ${places.join(", ")} is there)` : "";

const bytes = 30_000_000;
/** The byte at an index of the content. The page computes the same. */
const byteAt = (at: number): number => (at * 31) % 251;

/** `begin` starts an upload. `state` says how far it is, how often it broke, and how it ended. */
const html = `<!doctype html><script src="/tus.min.js"></script><script>
  const state = { accepted: 0, breaks: 0, ended: "" };
  function begin(endpoint, authorization, retryDelays) {
    const content = Uint8Array.from({ length: ${bytes} }, (_, at) => (at * 31) % 251);
    const upload = new tus.Upload(new Blob([content]), {
      endpoint, retryDelays, chunkSize: 5_000_000, headers: { authorization },
      metadata: { bucket: "b", key: "from-a-browser.bin" },
      onChunkComplete(_size, accepted) { state.accepted = accepted; },
      onShouldRetry() { state.breaks += 1; return true; },
      onSuccess() { state.ended = "well"; },
      onError(error) { state.ended = String(error); },
    });
    upload.start();
  }
</script>`;

/** Serves the page on its own port. Returns the origin. */
async function servePages(): Promise<string> {
  const script = await readFile(fileURLToPath(import.meta.resolve("tus-js-client/dist/tus.min.js")));
  const server = createServer((request, response) => {
    if (request.url === "/tus.min.js") response.setHeader("content-type", "text/javascript").end(script);
    else response.setHeader("content-type", "text/html").end(html);
  });
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Opens a page that starts an upload. */
async function openPage(origin: string, endpoint: string, retryDelays: readonly number[]): Promise<Page> {
  const browser = await chromium.launch({ executablePath: executablePath ?? "", args: ["--no-sandbox"] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(patienceMs);
  await page.goto(origin);
  await page.evaluate(`begin(${JSON.stringify([endpoint, bearer.authorization, retryDelays]).slice(1, -1)})`);
  return page;
}

it.skipIf(executablePath === undefined)(
  `an upload in a browser continues when the connection comes back${why}`,
  async () => {
    const pages = await servePages();
    const root = await temporaryDirectory();
    const service = await startService(root, 0, "--http-origin", pages);
    const page = await openPage(pages, `${service.origin}/v1/tus`, [100, 200, 500, 1_000, 2_000, 5_000, 10_000]);
    await page.waitForFunction("state.accepted >= 10_000_000");
    await page.context().setOffline(true);
    await page.waitForFunction("state.breaks > 0");
    await service.kill();
    const again = await startService(root, service.port, "--http-origin", pages);
    await page.context().setOffline(false);
    await page.waitForFunction("state.ended");
    expect(await page.evaluate("state.ended")).toBe("well");
    const content = Uint8Array.from({ length: bytes }, (_, at) => byteAt(at));
    const { json } = await again.ask("GET", "/v1/artifacts/b/from-a-browser.bin");
    expect(json).toMatchObject({ bytes, sha256: createHash("sha256").update(content).digest("hex") });
  },
);

it.skipIf(executablePath === undefined)(`a page of an origin that is not allowed is refused${why}`, async () => {
  const service = await startService(await temporaryDirectory());
  const page = await openPage(await servePages(), `${service.origin}/v1/tus`, []);
  await page.waitForFunction("state.ended");
  expect(await page.evaluate("state.ended")).toMatch(/Error/);
  expect((await service.ask("GET", "/v1/artifacts")).json).toEqual({ data: [] });
});
