// Bundles src/cli/main.ts into dist/server.cjs, which dist/main.js runs, with its bytecode and the licences of what is in it.
import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/**
 * @keyv/sqlite imports the native package sqlite3. It is given the project's own driver in its place.
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
 * The commands that serve nobody are a bundle of their own, which lies beside the server's.
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
  await chmod(dist, 0o755); // bytecode is only left where nobody else can write, whatever the umask
  // Another Node's bytecode would stay for good.
  for (const name of await readdir(dist)) if (name.endsWith(".bytecode")) await rm(join(dist, name));
  const inputs = await bundleProgram("src/cli/main.ts", server, "cjs");
  inputs.push(...(await bundleProgram("src/cli/commands.ts", join(dist, "commands.cjs"), "cjs")));
  await bundleProgram("src/engines/sqlite/database/sqlite-thread-program.ts", join(dist, "sqlite-thread.cjs"), "cjs");
  await bundleProgram("src/engines/threads/digest-thread-program.ts", join(dist, "digest-thread.cjs"), "cjs");
  // The launcher is CommonJS too: Node is quicker to start it.
  await writeFile(join(dist, "package.json"), '{"type":"commonjs"}\n');
  await bundleProgram("src/cli/launcher.ts", join(dist, "main.js"), "cjs", "node12");
  await writeFile(join(dist, "THIRD-PARTY-LICENSES.txt"), await licences(inputs));
  await leaveBytecode(server);
}

const createRequire =
  'import { createRequire as $createRequire } from "node:module";\nconst require = $createRequire(import.meta.url);';

/**
 * Bundles a program with all that it imports, the prebuilt SQLite driver aside; answers the files that went into it.
 *
 * @param {string} entry @param {string} outfile from the checkout, or absolute @param {"esm" | "cjs"} [format]
 * @param {string} [target] the oldest Node that can read it
 */
export async function bundleProgram(entry, outfile, format = "esm", target = "node20.19") {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target,
    format,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    mainFields: ["module", "main"],
    plugins: [ownSqlite3, commands, unused],
    external: ["@photostructure/sqlite"],
    // A script that `node:vm` runs has no `import()`, and only `require` looks in NODE_PATH.
    supported: { "dynamic-import": false },
    define: { WORKERS_FOLDER: format === "esm" ? JSON.stringify(dist) : "__dirname" },
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
    // Without it a start only takes longer.
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
