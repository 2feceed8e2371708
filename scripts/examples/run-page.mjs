import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Runs all blocks of a page that are marked `sh`, in their order, as one script of bash. They run as written, except that
 * each port is replaced by a free one. Servers that a block starts in the background are waited for, and ended at the end.
 *
 * @param {string} page path of the page @param {string} main path of the built command
 * @throws Error if a command fails
 */
export async function runPage(page, main) {
  const blocks = [...(await readFile(page, "utf8")).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
  const ports = new Map();
  for (const [port = ""] of blocks.join("").matchAll(/(?<=127\.0\.0\.1:)\d+/g)) {
    if (!ports.has(port)) ports.set(port, await freePort());
  }
  const withPorts = (/** @type {string} */ text) => text.replace(/(?<=127\.0\.0\.1:)\d+/g, (port) => ports.get(port));
  const steps = blocks.map((block) => `${withPorts(block)}${waitForServers(withPorts(block))}`);
  const folder = await mkdtemp(join(tmpdir(), "artifacts-mcp-page-"));
  try {
    await mkdir(join(folder, "bin"));
    const command = `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`;
    await writeFile(join(folder, "bin", "artifacts-mcp"), command, { mode: 0o755 });
    const script = `set -euo pipefail
export PATH="$PWD/bin:$PATH" ROOT="$PWD/store" TOKEN=token-of-the-writer READER_TOKEN=token-of-the-reader
touch server.log
trap 'kill $(jobs -p) && wait' EXIT
artifacts-mcp --root "$ROOT" --log-level warn </dev/null
set -x
${steps.join("\n")}`;
    const child = spawn("bash", ["-c", script], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`${page} ended with ${code}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The servers that a block starts listen a moment later. @param {string} block */
function waitForServers(block) {
  const started = [...block.matchAll(/--http (127\.0\.0\.1:\d+).*&$/gm)].map(([, address]) => address);
  const asks = started.map(
    (address) => `curl --silent --fail --retry 60 --retry-delay 1 --retry-connrefused http://${address}/readyz\n`,
  );
  return asks.join("");
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return String(port);
}
