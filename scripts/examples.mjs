// Runs the examples against the built server, on a store that is removed afterwards: examples/curl.sh,
// examples/sdk-client.mjs, examples/evaluation.mjs, examples/browser.html if there is a Chromium, and the commands in
// docs/operations.md. Ends with 1 if one fails.
// Usage: npm run examples, after npm run build
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { runPage } from "./examples/run-page.mjs";

const checkout = fileURLToPath(new URL("..", import.meta.url));
const main = join(checkout, "dist", "main.js");
const token = randomBytes(16).toString("hex");
const browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/**
 * Runs a program to its end. @throws Error if it ends with another code than 0
 *
 * @param {string} command @param {readonly string[]} args
 */
async function run(command, args) {
  process.stdout.write(`\n# ${[command, ...args].join(" ")}\n`);
  const environment = { ...process.env, ARTIFACTS_HTTP_TOKEN: token };
  const child = spawn(command, args, { cwd: checkout, env: environment, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}`);
}

/** Starts the server over HTTP. @param {string} root @param {string} pages the origin that may use it */
async function startServer(root, pages) {
  const args = [main, "--root", root, "--no-stdio", "--http", "127.0.0.1:0", "--http-origin", pages];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ARTIFACTS_HTTP_TOKEN: token },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const closed = once(child, "close");
  for await (const line of createInterface(child.stderr)) {
    const [, origin] = /"http":"([^"]+)"/.exec(line) ?? [];
    if (origin === undefined) continue;
    child.stderr.resume();
    return {
      origin,
      async stop() {
        child.kill();
        await closed;
      },
    };
  }
  throw new Error("the server did not start: run npm run build first");
}

/** Serves the two files that the page needs. */
async function servePages() {
  const types = {
    "/examples/browser.html": "text/html",
    "/node_modules/tus-js-client/dist/tus.min.js": "text/javascript",
  };
  const server = createServer(async (request, response) => {
    const type = types[/** @type {keyof typeof types} */ (request.url)];
    if (type === undefined) response.writeHead(404).end();
    else response.setHeader("content-type", type).end(await readFile(join(checkout, request.url ?? "")));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { origin: `http://127.0.0.1:${address.port}`, stop: () => void server.close() };
}

/** Uploads a file by the page, and reads it back. @param {string} pages @param {string} server @param {string} path */
async function useBrowser(pages, server, path) {
  process.stdout.write(`\n# examples/browser.html in ${path}\n`);
  const running = await chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
  try {
    const page = await running.newPage();
    await page.goto(`${pages}/examples/browser.html`);
    await page.fill("[name=server]", server);
    await page.fill("[name=token]", token);
    await page.setInputFiles("[name=file]", join(checkout, "LICENSE"));
    await page.click("button");
    await page.waitForFunction('/^(Saved|It failed)/.test(document.querySelector("output").value)');
    process.stdout.write(`${await page.textContent("output")}\n`);
  } finally {
    await running.close();
  }
  const answer = await fetch(`${server}/v1/content/examples/LICENSE`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if ((await answer.text()) !== (await readFile(join(checkout, "LICENSE"), "utf8")))
    throw new Error("not the same bytes");
}

const root = await mkdtemp(join(tmpdir(), "artifacts-mcp-examples-"));
const results = await mkdtemp(join(tmpdir(), "artifacts-mcp-results-"));
const pages = await servePages();
const server = await startServer(root, pages.origin);
try {
  await run("bash", ["examples/curl.sh", server.origin]);
  await run(process.execPath, ["examples/sdk-client.mjs", "--root", root]);
  await run(process.execPath, ["examples/evaluation.mjs", results]);
  if (browser === undefined) process.stdout.write("\nskipped: examples/browser.html, because there is no Chromium\n");
  else await useBrowser(pages.origin, server.origin, browser);
  process.stdout.write("\n# docs/operations.md\n");
  await runPage(join(checkout, "docs", "operations.md"), main);
  process.stdout.write("\nAll examples worked.\n");
} finally {
  await server.stop();
  pages.stop();
  for (const path of [root, results]) await rm(path, { recursive: true, force: true });
}
