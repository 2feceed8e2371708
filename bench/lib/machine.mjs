import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { peerVersions } from "./peers.mjs";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

/** Returns the installed version of a package. @param {string} name */
function versionOf(name) {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")).version;
}

/** Returns the output of a program, trimmed. Returns an empty text if it fails. @param {string} program @param {...string} args */
function output(program, ...args) {
  try {
    return execFileSync(program, args, { cwd: checkout, stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return ""; // not every machine has the program
  }
}

/** Describes in one paragraph what the results depend on. */
export function machine() {
  const [cpu] = cpus();
  const disk = output("df", "--output=fstype", ".").split("\n").at(-1) || "unknown file system";
  const packages = ["@modelcontextprotocol/sdk", "@photostructure/sqlite"].map((name) => `${name} ${versionOf(name)}`);
  const gib = (totalmem() / 1024 ** 3).toFixed(0);
  return [
    `${cpus().length} x ${cpu?.model.trim()}, ${gib} GiB, ${type()} ${release()}, ${disk}; Node ${process.version}`,
    ...packages,
    ...peerVersions,
    `commit ${output("git", "describe", "--always", "--dirty") || "unknown"}`,
    `${new Date().toISOString().slice(0, 10)}`,
  ].join("; ");
}
