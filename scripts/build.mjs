// Bundles src/main.ts into dist/main.js, with the licences of what is in the bundle beside it.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
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

export async function bundle() {
  await mkdir(dist, { recursive: true });
  const inputs = await bundleProgram("src/main.ts", "dist/main.js");
  await writeFile(join(dist, "THIRD-PARTY-LICENSES.txt"), await licences(inputs));
}

/**
 * Bundles a program with all that it imports, sqlite3 aside; answers the files that went into it.
 *
 * @param {string} entry @param {string} outfile from the checkout, or absolute
 */
export async function bundleProgram(entry, outfile) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "esm",
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    plugins: [nativeSqlite],
    banner: {
      js: '#!/usr/bin/env node\nimport { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
    metafile: true,
    logLevel: "warning",
  });
  return Object.keys(metafile.inputs);
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
