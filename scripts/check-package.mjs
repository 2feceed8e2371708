// Checks what `npm pack` would pack: the files that must be there, no others, and their sizes. Writes nothing.
// Usage: npm run check:package, after npm run build
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { distFiles } from "./package-files.mjs";

const KiB = 1024;
const largestPackedBytes = 1_000 * KiB;
const largestUnpackedBytes = 4_000 * KiB;

/** The files that must be packed. */
const needed = [
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "SECURITY.md",
  "mcp.json",
  "package.json",
  ...distFiles.map((name) => `dist/${name}`),
];
/** The only other files that may be packed: pages and pictures of the documentation, if they are in git. */
const documentation = /^docs\/(?:[\w-]+\/)*[\w-]+\.(?:md|svg)$/;

const checkout = fileURLToPath(new URL("..", import.meta.url));
const options = { cwd: checkout, encoding: /** @type {const} */ ("utf8") };
const inGit = execFileSync("git", ["ls-files"], options).split("\n");
const [{ files, size, unpackedSize }] = JSON.parse(
  execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    ...options,
    shell: process.platform === "win32", // npm is a script there
  }),
);
/** @type {string[]} */
const packed = files.map((/** @type {{ path: string }} */ { path }) => path);

const problems = [
  ...needed.filter((path) => !packed.includes(path)).map((path) => `${path} is missing: run npm run build`),
  ...packed
    .filter((path) => !needed.includes(path) && !(documentation.test(path) && inGit.includes(path)))
    .map((path) => `${path} should not be packed: remove it, or exclude it in package.json`),
  ...files
    .filter((/** @type {{ size: number }} */ file) => file.size === 0)
    .map((/** @type {{ path: string }} */ { path }) => `${path} is empty`),
];
if (size > largestPackedBytes) problems.push(`the package has ${size} bytes, more than ${largestPackedBytes}`);
if (unpackedSize > largestUnpackedBytes) {
  problems.push(`the files have ${unpackedSize} bytes, more than ${largestUnpackedBytes}`);
}

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`${packed.length} files, ${size} bytes packed, ${unpackedSize} bytes unpacked\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
