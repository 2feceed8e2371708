import { chmod, cp } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { builtServer } from "./server-process.js";

export const repository = join(dirname(builtServer), "..");

/** Copies only the build to `folder`, as an installation has it. Returns the path of its command. */
export async function copyOfBuild(folder: string): Promise<string> {
  await cp(dirname(builtServer), join(folder, "dist"), { recursive: true });
  await chmod(join(folder, "dist"), 0o755); // independent of the umask
  return join(folder, "dist", basename(builtServer));
}

/** Installs the driver for a Node whose SQLite is missing or too old, where `npm install` puts it. */
export async function installDriver(folder: string): Promise<void> {
  for (const name of ["@photostructure/sqlite", "node-gyp-build"]) {
    await cp(join(repository, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
  }
}
