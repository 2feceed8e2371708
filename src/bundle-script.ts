import { readFileSync } from "node:fs";
import { Script } from "node:vm";

/** Bytecode belongs to one version of Node. */
export function bytecodeOf(filename: string): string {
  return `${filename}.${process.version}-${process.arch}.bytecode`;
}

/**
 * A bundled CommonJS program, as a function of `require`. Compiling all of it takes as long as the rest of a start, so
 * the build leaves its bytecode beside it; without one that fits, it is compiled.
 *
 * @param filename ASCII, as the bundler writes it
 */
export function bundleScript(filename: string): Script {
  const source = `(function (require) {${readFileSync(filename, "latin1")}\n})`;
  const cachedData = readIfThere(bytecodeOf(filename));
  return new Script(source, { filename, ...(cachedData && { cachedData }) });
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // this is not the Node that built it
  }
}
