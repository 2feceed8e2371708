import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { Script } from "node:vm";

const sealBytes = 32;

/** A bundled CommonJS program. */
export interface BundleScript {
  /** The program as a function of `require`. */
  readonly script: Script;
  /** Leaves the bytecode of all that has been compiled of it by now beside the bundle. */
  leaveBytecode(): void;
}

/**
 * Compiling all of a bundle takes as long as the rest of a start, so the build leaves its bytecode beside it; without
 * one that fits, it is compiled.
 *
 * @param filename ASCII, as the bundler writes it
 */
export function bundleScript(filename: string): BundleScript {
  const bundle = readFileSync(filename);
  const source = `(function (require) {${bundle.toString("latin1")}\n})`;
  const cachedData = readBytecode(filename, bundle);
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
  return {
    script,
    leaveBytecode() {
      const bytecode = script.createCachedData();
      const path = bytecodePath(filename);
      writeFileSync(`${path}.new`, Buffer.concat([seal(bundle, bytecode), bytecode]));
      renameSync(`${path}.new`, path);
    },
  };
}

/**
 * V8 looks at a source's length and at no byte of the bytecode: it would run another bundle's, and die of a damaged
 * one. So a digest of both is in front of it.
 */
function readBytecode(filename: string, bundle: Buffer): Buffer | undefined {
  let file: Buffer;
  try {
    file = readFileSync(bytecodePath(filename));
  } catch {
    return undefined; // this is not the Node that built it
  }
  const bytecode = file.subarray(sealBytes);
  return seal(bundle, bytecode).equals(file.subarray(0, sealBytes)) ? bytecode : undefined;
}

/** Bytecode belongs to one version of Node. */
function bytecodePath(filename: string): string {
  return `${filename}.${process.version}-${process.arch}.bytecode`;
}

function seal(bundle: Buffer, bytecode: Buffer): Buffer {
  return createHash("sha256").update(bundle).update(bytecode).digest();
}
