import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The folder in which the bench installs the peers: the programs that ours is compared with. */
export const peersFolder = fileURLToPath(new URL("../.peers/", import.meta.url));

/** The packages of the peers. The project does not depend on them. */
const packages = {
  "@modelcontextprotocol/server-filesystem": "2026.8.31",
  "@tus/server": "2.4.5",
  "@tus/file-store": "2.1.1",
};

/** Installs the peers, if they are not installed yet. */
export async function installPeers() {
  const manifest = join(peersFolder, "package.json");
  const dependencies = JSON.stringify({ private: true, dependencies: packages });
  if (Object.keys(packages).every((name) => existsSync(join(peersFolder, "node_modules", name)))) return;
  await mkdir(peersFolder, { recursive: true });
  await writeFile(manifest, dependencies);
  process.stderr.write("bench: installing the peers\n");
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], {
    cwd: peersFolder,
    stdio: "ignore",
  });
}

/** The filesystem server's program. */
export const filesystemServer = join(peersFolder, "node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");

/** Imports a package of the peers. @param {string} name @returns {Promise<any>} */
export function importPeer(name) {
  return import(pathToFileURL(createRequire(join(peersFolder, "package.json")).resolve(name)).href);
}

/** Names and versions of the peers, for the results. */
export const peerVersions = Object.entries(packages).map((entry) => entry.join(" "));
