// Makes dist-bundle/artifacts-mcp.mcpb, which Claude Desktop installs with a click, from what `npm run build` has built.
// Fetches the packing tool from the npm registry.
// Usage: node scripts/bundle.mjs
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import packageJson from "../package.json" with { type: "json" };

const checkout = fileURLToPath(new URL("..", import.meta.url));
const out = join(checkout, "dist-bundle");
const folder = join(out, "artifacts-mcp");
const bundle = join(out, "artifacts-mcp.mcpb");
const largestBytes = 1_000_000;
/** Of `dist`; no source maps and no bytecode. */
const programs = [
  "main.js",
  "server.cjs",
  "commands.cjs",
  "sqlite-thread.cjs",
  "digest-thread.cjs",
  "package.json",
  "THIRD-PARTY-LICENSES.txt",
];

/** @param {...string} args */
function mcpb(...args) {
  const tool = ["-y", "--package=@anthropic-ai/mcpb@2.1.2", "mcpb", ...args];
  execFileSync("npx", tool, { cwd: out, stdio: ["ignore", "inherit", "inherit"] });
}

await rm(out, { recursive: true, force: true });
await mkdir(join(folder, "server"), { recursive: true });
for (const name of programs) await cp(join(checkout, "dist", name), join(folder, "server", name));
await cp(join(checkout, "LICENSE"), join(folder, "LICENSE"));
const manifest = JSON.parse(await readFile(new URL("bundle/manifest.json", import.meta.url), "utf8"));
manifest.version = packageJson.version;
await writeFile(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
mcpb("validate", join(folder, "manifest.json"));
mcpb("pack", folder, bundle);

const { size } = await stat(bundle);
const names = await readdir(folder, { recursive: true });
if (size > largestBytes) throw new Error(`${bundle} has ${size} bytes, more than ${largestBytes}`);
if (names.some((name) => name.endsWith(".node"))) throw new Error("a native file is in the bundle");
process.stdout.write(`${bundle}: ${size} bytes\n`);
