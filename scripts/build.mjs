// Bundles src/main.ts into dist/server.cjs, which dist/main.js runs, with its bytecode and the licences of what is in it.
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/**
 * sqlite3 is native and stays outside. It is loaded when the engine is, not when the bundle is: `--help` works
 * without it, and a missing binary can be explained.
 *
 * @type {import("esbuild").Plugin}
 */
const nativeSqlite = {
  name: "native-sqlite",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^sqlite3$/ }, ({ namespace }) =>
      namespace === "native" ? { path: "sqlite3", external: true } : { path: "sqlite3", namespace: "native" },
    );
    onLoad({ filter: /.*/, namespace: "native" }, () => ({
      contents: 'module.exports = require("sqlite3");',
      resolveDir: root,
    }));
  },
};

/**
 * What the libraries load at every start and this server never uses: the messages of zod in other languages, and what
 * the SDK checks answers to elicitations with.
 *
 * @type {import("esbuild").Plugin}
 */
const unused = {
  name: "unused",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
    onLoad({ filter: /[\\/]sdk[\\/]dist[\\/]esm[\\/]validation[\\/]ajv-provider\.js$/ }, () => ({
      contents: "export class AjvJsonSchemaValidator {}",
    }));
  },
};

export async function bundle() {
  const server = join(dist, "server.cjs");
  await mkdir(dist, { recursive: true });
  // Another Node's bytecode would stay for good.
  for (const name of await readdir(dist)) if (name.endsWith(".bytecode")) await rm(join(dist, name));
  const inputs = await bundleProgram("src/main.ts", server, "cjs");
  // The launcher is CommonJS too: Node is quicker to start it.
  await writeFile(join(dist, "package.json"), '{"type":"commonjs"}\n');
  await bundleProgram("src/launcher.ts", join(dist, "main.js"), "cjs");
  await writeFile(join(dist, "THIRD-PARTY-LICENSES.txt"), await licences(inputs));
  await leaveBytecode(server);
}

const createRequire =
  'import { createRequire as $createRequire } from "node:module";\nconst require = $createRequire(import.meta.url);';

/**
 * Bundles a program with all that it imports, sqlite3 aside; answers the files that went into it.
 *
 * @param {string} entry @param {string} outfile from the checkout, or absolute @param {"esm" | "cjs"} [format]
 */
export async function bundleProgram(entry, outfile, format = "esm") {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    plugins: [nativeSqlite, unused],
    banner: format === "esm" ? { js: createRequire } : {},
    metafile: true,
    logLevel: "warning",
  });
  return Object.keys(metafile.inputs);
}

/** What a host asks first, and a little work. */
const firstRequests = [
  {
    id: 0,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "build", version: "0" } },
  },
  { method: "notifications/initialized" },
  { id: 1, method: "tools/list" },
  { id: 2, method: "resources/list" },
  {
    id: 3,
    method: "tools/call",
    params: { name: "save_artifact", arguments: { bucket: "build", key: "a.txt", content: "a" } },
  },
];

/** Runs the bundle once, so that the bytecode of what a start needs is there. @param {string} server */
async function leaveBytecode(server) {
  const folder = await mkdtemp(join(tmpdir(), "artifacts-mcp-build-"));
  try {
    const program = join(folder, "warm-up.cjs");
    await bundleProgram("scripts/warm-up.ts", program, "cjs");
    const { status, stderr } = spawnSync(process.execPath, [program, "--root", join(folder, "store")], {
      input: firstRequests.map((request) => `${JSON.stringify({ jsonrpc: "2.0", ...request })}\n`).join(""),
      env: { PATH: process.env["PATH"], ARTIFACTS_BUNDLE: server },
      encoding: "utf8",
    });
    // Without it a start only takes longer, and sqlite3 may not be built yet.
    if (status !== 0) process.stderr.write(`build: no bytecode, as the bundle did not run: ${stderr}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string[]} inputs @returns {Promise<string>} */
async function licences(inputs) {
  const packages = new Set(
    inputs.flatMap((path) => path.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []),
  );
  const texts = await Promise.all([...packages].sort().map(licenceOf));
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** @param {string} folder @returns {Promise<string>} */
async function licenceOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
  const file = (await readdir(join(root, folder))).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = file
    ? await readFile(join(root, folder, file), "utf8")
    : `(no licence file; package.json says ${license})\n`;
  return `${name} ${version} (${license})\n\n${text}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
