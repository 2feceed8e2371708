import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../support/installation.js";

const run = promisify(execFile);

/** The folder that keeps the hosts between runs: they take about 2 GB. */
const cache = join(repository, "node_modules", ".cache", "hosts");

/** Packages whose install scripts install a binary. npm 12 runs only the install scripts of packages named here. */
const allowScripts = { node: true, "@anthropic-ai/claude-code": true, "opencode-ai": true };

/** npm could not install a package, so the host cannot be tested here. */
export class NotInstalledError extends Error {
  override readonly name = "NotInstalledError";
}

/**
 * @param spec an npm package with its version
 * @param minNode the oldest major version of Node that the package runs on; a newer Node is installed beside it
 * @returns a PATH on which the package's commands are found first
 * @throws NotInstalledError
 */
export async function pathWith(spec: string, minNode: number): Promise<string> {
  const isOld = Number.parseInt(process.versions.node, 10) < minNode;
  const folders = [await installed(spec), ...(isOld ? [await installed(`node@${minNode}`)] : [])];
  return [...folders, process.env["PATH"]].join(delimiter);
}

/** @returns the folder of the package's commands */
async function installed(spec: string): Promise<string> {
  const folder = join(cache, spec.replaceAll("/", "+"));
  const commands = join(folder, "node_modules", ".bin");
  if (existsSync(commands)) return commands;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(join(cache, "unfinished-"));
  try {
    await writeFile(join(unfinished, "package.json"), JSON.stringify({ private: true, allowScripts }));
    await run("npm", ["install", "--no-audit", "--no-fund", spec], { cwd: unfinished });
    await rename(unfinished, folder);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    const { stderr = "", message } = cause as Error & { stderr?: string };
    const why = stderr.split("\n").find((line) => line.startsWith("npm error")) ?? message;
    throw new NotInstalledError(`npm does not install ${spec}: ${why}`, { cause });
  }
  return commands;
}
