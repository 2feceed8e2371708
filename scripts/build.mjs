// Builds dist: the programs, each with all libraries that it needs, the bytecode of the server, and the licences.
// Usage: npm run build
import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/**
 * @keyv/sqlite imports the native package sqlite3. It gets the project's own driver in its place.
 *
 * @type {import("esbuild").Plugin}
 */
export const ownSqlite3 = {
  name: "own-sqlite3",
  setup({ onResolve }) {
    onResolve({ filter: /^sqlite3$/ }, () => ({
      path: join(root, "src", "engines", "sqlite", "database", "sqlite3.ts"),
    }));
  },
};

/**
 * `setup` and `doctor` are a bundle of their own beside the server's, which loads it only for these commands.
 *
 * @type {import("esbuild").Plugin}
 */
const commands = {
  name: "commands",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/commands\.js$/ }, () => ({ path: "./commands.cjs", external: true }));
  },
};

/**
 * Leaves out code of libraries that this server never uses: zod's messages in other languages, the SDK's validator for
 * answers to elicitations, the decompressors of hyparquet-compressors that Node has too, the log of strtok3, and of
 * prom-client the summaries, the gateway, the clusters and the exemplars of traces.
 *
 * @type {import("esbuild").Plugin}
 */
const unused = {
  name: "unused",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /[\\/]hyparquet-compressors[\\/]src[\\/]index\.js$/ }, () => ({
      contents: `export { decompress as decompressZstd } from "fzstd";
        export { snappyUncompress as decompressSnappy } from "hysnappy";
        export { decompressLz4, decompressLz4Raw } from "./lz4.js";`,
    }));
    onLoad({ filter: /[\\/]prom-client[\\/]index\.js$/ }, () => ({
      contents: `exports.Registry = require("./lib/registry");
        exports.Counter = require("./lib/counter");
        exports.Gauge = require("./lib/gauge");
        exports.Histogram = require("./lib/histogram");`,
    }));
    onResolve({ filter: /^@opentelemetry\/api$/ }, ({ path }) => ({ path, namespace: "unused" }));
    onLoad({ filter: /./, namespace: "unused" }, () => ({ contents: "module.exports = {};" }));
    onLoad({ filter: /[\\/]debug[\\/]src[\\/]index\.js$/ }, () => ({
      contents: "module.exports = () => () => undefined;",
    }));
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
    onLoad({ filter: /[\\/]sdk[\\/]dist[\\/]esm[\\/]validation[\\/]ajv-provider\.js$/ }, () => ({
      contents: "export class AjvJsonSchemaValidator {}",
    }));
  },
};

/** For programs that are not needed at the start. The names of functions stay, so that an error can be traced. */
const minified = { minify: true, keepNames: true };
/** For the server: it keeps all names, and lines that an error can quote. */
const small = { minifyWhitespace: true, lineLimit: 160 };
/** As `minified`, but without names, for a program that must be fast: `keepNames` makes each function that is made in a loop slower. */
const compact = { minify: true };

export async function bundle() {
  const server = join(dist, "server.cjs");
  await mkdir(dist, { recursive: true });
  await chmod(dist, 0o755); // bytecode is stored only in a folder to which nobody else can write; the umask may say otherwise
  // Otherwise the bytecode of other versions of Node would never be removed.
  for (const name of await readdir(dist)) if (name.endsWith(".bytecode")) await rm(join(dist, name));
  const inputs = await bundleProgram("src/cli/main.ts", server, "cjs", undefined, small);
  inputs.push(...(await bundleProgram("src/cli/commands.ts", join(dist, "commands.cjs"), "cjs", undefined, minified)));
  inputs.push(...(await bundleWorkers(dist)));
  // The launcher is CommonJS too, because Node starts that faster.
  await writeFile(join(dist, "package.json"), '{"type":"commonjs"}\n');
  await bundleProgram("src/cli/launch/launcher.ts", join(dist, "main.js"), "cjs", "node12");
  await writeFile(join(dist, "THIRD-PARTY-LICENSES.txt"), await licences(inputs));
  await storeBytecode(server);
}

/** Bundles the programs that run in threads. Returns the paths of the files in them. @param {string} folder */
export async function bundleWorkers(folder) {
  const programs = [
    bundleProgram("src/engines/sqlite/database/sqlite-thread-program.ts", join(folder, "sqlite-thread.cjs"), "cjs"),
    bundleProgram("src/engines/threads/digest-thread-program.ts", join(folder, "digest-thread.cjs"), "cjs"),
    bundleProgram(
      "src/engines/user-files/small-files-thread-program.ts",
      join(folder, "small-files-thread.cjs"),
      "cjs",
      undefined,
      minified,
    ),
    bundleAnalysis(folder),
  ];
  return (await Promise.all(programs)).flat();
}

/**
 * Libraries for formats, which are most of this program, are evaluated when they are needed: `import()` becomes a call of
 * a function around that part of the bundle.
 *
 * @param {string} folder
 */
function bundleAnalysis(folder) {
  const program = join(folder, "analysis-thread.cjs");
  return bundleProgram("src/engines/threads/analysis-thread-program.ts", program, "cjs", undefined, compact);
}

/** `bundle-script.ts` looks for it, to see that a program is whole. */
const lastLine = "// The end of this program.";

const createRequire =
  'import { createRequire as $createRequire } from "node:module";\nconst require = $createRequire(import.meta.url);';

/**
 * Bundles a program with all that it imports, except the prebuilt SQLite driver. Returns the paths of the files in it.
 *
 * @param {string} entry @param {string} outfile relative to the checkout, or absolute @param {"esm" | "cjs"} [format]
 * @param {string} [target] the oldest Node that can read it
 * @param {import("esbuild").BuildOptions} [changes]
 */
export async function bundleProgram(entry, outfile, format = "esm", target = "node20.19", changes = {}) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target,
    format,
    footer: { js: lastLine },
    legalComments: "none",
    mainFields: ["module", "main"],
    plugins: [ownSqlite3, commands, unused],
    external: ["@photostructure/sqlite"],
    // `import()` does not work in a script that `node:vm` runs, and only `require` looks in NODE_PATH.
    supported: { "dynamic-import": false },
    define: { WORKERS_FOLDER: format === "esm" ? JSON.stringify(dist) : "__dirname" },
    banner: format === "esm" ? { js: createRequire } : {},
    logLevel: "warning",
    ...changes,
    metafile: true,
  });
  return Object.keys(metafile.inputs);
}

/** The first requests of a host, and a save. */
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

/** Runs the bundle once, and stores the bytecode of the functions that a start needs. @param {string} server */
async function storeBytecode(server) {
  const folder = await mkdtemp(join(tmpdir(), "artifacts-mcp-build-"));
  try {
    const program = join(folder, "warm-up.cjs");
    await bundleProgram("scripts/warm-up.ts", program, "cjs");
    const { status, stderr } = spawnSync(process.execPath, [program, "--root", join(folder, "store")], {
      input: firstRequests.map((request) => `${JSON.stringify({ jsonrpc: "2.0", ...request })}\n`).join(""),
      env: { PATH: process.env["PATH"], ARTIFACTS_BUNDLE: server },
      encoding: "utf8",
    });
    // Without bytecode a start takes longer, and nothing else.
    const why = status === 0 ? stderr.split("\n").find((line) => line.includes("bytecode")) : stderr;
    if (why) process.stderr.write(`build: no bytecode, so that each start takes longer: ${why}\n`);
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
