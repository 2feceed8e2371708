import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Where the bench puts what ours is compared with. */
export const peersFolder = fileURLToPath(new URL("../.peers/", import.meta.url));

/** What ours is compared with, and is no dependency of the project. */
const packages = {
  "@modelcontextprotocol/server-filesystem": "2026.8.31",
  "@tus/server": "2.4.5",
  "@tus/file-store": "2.1.1",
};

/** Installs the peers beside the bench, where they are not there yet. */
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

/** One of the packages, from where the bench has put it. @param {string} name @returns {Promise<any>} */
export function importPeer(name) {
  return import(pathToFileURL(createRequire(join(peersFolder, "package.json")).resolve(name)).href);
}

/** For the results. */
export const peerVersions = Object.entries(packages).map((entry) => entry.join(" "));
