// Packs the package, installs it with every current Node and npm in each way that people use, and saves an artifact with
// it. The PATH has no compiler. Needs the npm registry. Prints a table. Ends with 1 if anything fails.
// Usage: node scripts/install-matrix.mjs
import { execFile, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import packageJson from "../package.json" with { type: "json" };

const longestMs = 300_000;

/** @param {string} command @param {string[]} args @param {import("node:child_process").ExecFileOptions} [options] */
const run = async (command, args, options) => {
  const { stdout, stderr } = await promisify(execFile)(command, args, { timeout: longestMs, ...options });
  return { stdout: String(stdout), stderr: String(stderr) };
};
const checkout = fileURLToPath(new URL("..", import.meta.url));
const driver = `@photostructure/sqlite@${packageJson.devDependencies["@photostructure/sqlite"]}`;
const largestBytes = 10 * 1024 * 1024;

/**
 * @typedef {object} Tools
 * @property {string} node
 * @property {string} npm the path of its command-line program
 * @property {string} path a PATH with this Node and a shell, and without a compiler
 */

/** Each Node with the newest npm that runs on it. Node 20 has no SQLite, so it needs the driver. */
const combinations = [
  { node: "20", npm: "11", needsDriver: true },
  { node: "22", npm: "11", needsDriver: false },
  { node: "22", npm: "12", needsDriver: false },
  { node: "24", npm: "12", needsDriver: false },
  { node: "26", npm: "12", needsDriver: false },
];

/** Installs each Node and npm. @param {string} folder where they go */
async function fetchTools(folder) {
  const nodes = [...new Set(combinations.map(({ node }) => node))];
  const npms = [...new Set(combinations.map(({ npm }) => npm))];
  const specs = [
    ...nodes.map((version) => `node-${version}@npm:node-${process.platform}-${process.arch}@${version}`),
    ...npms.map((version) => `npm-${version}@npm:npm@${version}`),
  ];
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), "{}\n");
  await run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--force", ...specs], { cwd: folder });
  /** @param {{ node: string, npm: string }} wanted @returns {Promise<Tools>} */
  return async ({ node, npm }) => {
    const bin = join(folder, `bin-${node}-${npm}`);
    const program = join(folder, "node_modules", `node-${node}`, "bin", "node");
    const cli = join(folder, "node_modules", `npm-${npm}`, "bin", "npm-cli.js");
    await mkdir(bin);
    await chmod(program, 0o755);
    await symlink(program, join(bin, "node"));
    await symlink(await whereIs("sh"), join(bin, "sh"));
    return { node: program, npm: cli, path: bin };
  };
}

/** @param {string} command */
async function whereIs(command) {
  const { stdout } = await run("sh", ["-c", `command -v ${command}`]);
  return stdout.trim();
}

/** @typedef {{ command: string, args: string[], installed: string, ms: number }} Installation */

/**
 * The ways to install. Each returns how to start the command, and the folder in which it was installed.
 *
 * @type {Record<string, (tools: Tools, folder: string, packages: string[]) => Promise<Installation>>}
 */
const ways = {
  async local(tools, folder, packages) {
    await writeFile(join(folder, "package.json"), "{}\n");
    const ms = await npm(tools, folder, ["install", ...packages]);
    const installed = join(folder, "node_modules");
    return { command: tools.node, args: [join(installed, "artifacts-mcp", "dist", "main.js")], installed, ms };
  },
  async global(tools, folder, packages) {
    const ms = await npm(tools, folder, ["install", "--global", "--prefix", folder, ...packages]);
    const installed = join(folder, "lib", "node_modules");
    return { command: join(folder, "bin", "artifacts-mcp"), args: [], installed, ms };
  },
  async npx(tools, folder, packages) {
    const wanted = packages.map((name) => `--package=${name}`);
    const args = [tools.npm, "exec", "--yes", "--cache", join(folder, "cache"), ...wanted, "--", "artifacts-mcp"];
    const began = performance.now();
    await run(tools.node, [...args, "--version"], { cwd: folder, env: environment(tools, folder) });
    const ms = performance.now() - began;
    const [name = ""] = await readdir(join(folder, "cache", "_npx"));
    return { command: tools.node, args, installed: join(folder, "cache", "_npx", name, "node_modules"), ms };
  },
};

/** The settings with which this machine's npm reaches the registry. @type {Record<string, string>} */
const reach = {};
for (const name of ["registry", "cafile", "https-proxy"]) {
  const { stdout } = await run("npm", ["config", "get", name]);
  if (stdout.trim() !== "null") reach[`npm_config_${name.replaceAll("-", "_")}`] = stdout.trim();
}

/** @param {Tools} tools @param {string} folder */
function environment({ path }, folder) {
  // No other variables: those that npm has set for this process would change what the other npm does.
  return { PATH: path, HOME: folder, ...reach };
}

/** Removes the notices that npm 12 prints for every `npx` from a text of stderr. @param {string} text */
const withoutNotices = (text) => text.replaceAll(/^npm notice.*\n/gm, "");

/** @param {Tools} tools @param {string} folder @param {string[]} args */
async function npm(tools, folder, args) {
  const began = performance.now();
  const all = [tools.npm, ...args, "--ignore-scripts", "--no-audit", "--no-fund"];
  await run(tools.node, all, { cwd: folder, env: environment(tools, folder) });
  return performance.now() - began;
}

/**
 * Starts the command, saves an artifact and reads it. Returns the milliseconds until `initialize` was answered.
 *
 * @param {Installation} installation @param {Tools} tools @param {string} folder
 */
async function use({ command, args }, tools, folder) {
  const began = performance.now();
  const server = spawn(command, [...args, "--root", join(folder, "store"), "--log-level", "warn"], {
    cwd: folder,
    env: environment(tools, folder),
  });
  const closed = new Promise((resolve) => server.on("close", resolve));
  const tooLong = setTimeout(() => server.kill("SIGKILL"), longestMs);
  let errors = "";
  server.stderr.on("data", (text) => {
    errors += text;
  });
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  /** @param {object} message */
  const ask = async (message) => {
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, ...message })}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`the server ended: ${errors}`);
    return JSON.parse(value).result;
  };
  const clientInfo = { name: "install-matrix", version: "0" };
  await ask({ method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo } });
  const ms = performance.now() - began;
  const artifact = { bucket: "b", key: "k.txt" };
  await ask({ method: "tools/call", params: { name: "save_artifact", arguments: { ...artifact, content: "héllo" } } });
  const read = await ask({ method: "tools/call", params: { name: "read_artifact", arguments: artifact } });
  if (!JSON.stringify(read).includes("héllo")) throw new Error(`it read ${JSON.stringify(read)}`);
  server.stdin.end();
  await closed;
  clearTimeout(tooLong);
  if (withoutNotices(errors) !== "") throw new Error(`it wrote to stderr: ${errors}`);
  return ms;
}

/** @param {string} folder @returns {Promise<number>} */
async function bytesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
}

/** @param {Tools} tools @param {string} folder @param {Installation} installation */
async function details(tools, folder, { command, args }) {
  const options = { cwd: folder, env: environment(tools, folder) };
  const { stdout, stderr } = await run(command, [...args, "--version", "--verbose"], options);
  if (withoutNotices(stderr) !== "") throw new Error(`--version wrote to stderr: ${stderr}`);
  const [, node, , sqlite, name] = /Node v(\S+)( .*)?\nSQLite (\S+) by (\S+)/.exec(stdout) ?? [];
  if (name === undefined) throw new Error(`--version --verbose says ${stdout}`);
  return { node, driver: `${name} ${sqlite}` };
}

const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(1)} s`;

const work = await mkdtemp(join(tmpdir(), "artifacts-mcp-install-"));
let failures = 0;
let passes = 0;
try {
  const packed = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", work], {
    cwd: checkout,
  });
  const tarball = join(work, JSON.parse(packed.stdout)[0].filename);
  const toolsOf = await fetchTools(join(work, "tools"));
  const cells = ["Node", "npm", "way", "driver", "install", "size", "start", "second start"];
  process.stdout.write(`| ${cells.join(" | ")} |\n|${"---|".repeat(cells.length)}\n`);
  for (const combination of combinations) {
    const tools = await toolsOf(combination);
    for (const [way, install] of Object.entries(ways)) {
      const folder = join(work, `${combination.node}-${combination.npm}-${way}`);
      await mkdir(folder);
      try {
        const packages = combination.needsDriver ? [tarball, driver] : [tarball];
        const installation = await install(tools, folder, packages);
        const bytes = await bytesIn(installation.installed);
        if (!combination.needsDriver && bytes > largestBytes) throw new Error(`it takes ${bytes} bytes`);
        const found = await details(tools, folder, installation);
        const first = await use(installation, tools, folder);
        const cache = join(installation.installed, "artifacts-mcp", "dist");
        if (!(await readdir(cache)).some((name) => name.endsWith(".bytecode"))) throw new Error("it left no bytecode");
        const second = await use(installation, tools, folder);
        const row = [
          found.node,
          combination.npm,
          way,
          found.driver,
          seconds(installation.ms),
          `${(bytes / 1e6).toFixed(1)} MB`,
          `${first.toFixed(0)} ms`,
          `${second.toFixed(0)} ms`,
        ];
        process.stdout.write(`| ${row.join(" | ")} |\n`);
        passes += 1;
      } catch (error) {
        failures += 1;
        process.stdout.write(`Node ${combination.node}, npm ${combination.npm}, ${way}: ${String(error)}\n`);
      }
    }
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
process.stdout.write(`${passes} passed, ${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;
