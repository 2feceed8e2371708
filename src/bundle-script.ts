import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Script } from "node:vm";

const sealBytes = 32;

/** A bundled CommonJS program. */
export interface BundleScript {
  /** The program as a function of `require`, `__dirname` and `LEAVE_BYTECODE`. */
  readonly script: Script;
  /**
   * Stores the bytecode of all that has been compiled of it by now, for the next start; the first call does. Undefined
   * if there was bytecode already.
   */
  readonly leaveBytecode: (() => void) | undefined;
}

/**
 * Compiling a bundle takes as long as the rest of a start. So its bytecode is kept: beside the bundle, where the build
 * of a checkout leaves it, or in the user's cache folder, where an installed package may not write to its own folder.
 *
 * @param filename ASCII, as the bundler writes it
 * @returns undefined if there is no such file
 */
export function bundleScript(filename: string, cacheFolder?: string): BundleScript | undefined {
  const bundle = readIfThere(filename);
  if (bundle === undefined) return undefined;
  const source = `(function (require, __dirname, LEAVE_BYTECODE) {${bundle.toString("latin1")}\n})`;
  const places = bytecodePlaces(filename, cacheFolder);
  const cachedData = readBytecode(places, bundle);
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
  if (script.cachedDataRejected === false) return { script, leaveBytecode: undefined };
  let isLeft = false;
  return {
    script,
    leaveBytecode() {
      if (!isLeft) leaveBytecode(script, bundle, places);
      isLeft = true;
    },
  };
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Where bytecode may lie, in the order of preference. */
function bytecodePlaces(filename: string, cacheFolder: string | undefined): string[] {
  // Bytecode belongs to one version of Node and one kind of processor.
  const suffix = `${process.version}-${process.arch}.bytecode`;
  const beside = `${filename}.${suffix}`;
  if (cacheFolder === undefined) return [beside];
  const ofBundle = createHash("sha256").update(filename).digest("hex").slice(0, 16);
  return [beside, join(cacheFolder, `${basename(filename)}-${ofBundle}.${suffix}`)];
}

function readBytecode([beside = "", cached]: readonly string[], bundle: Buffer): Buffer | undefined {
  const found = sealed(readIfThere(beside), bundle);
  if (found !== undefined || cached === undefined || !isOwn(dirname(cached))) return found;
  return sealed(readIfThere(cached), bundle);
}

/**
 * V8 looks at a source's length and at no byte of the bytecode: it would run another bundle's, and die of a damaged
 * one. So a digest of both is in front of it.
 */
function sealed(file: Buffer | undefined, bundle: Buffer): Buffer | undefined {
  const bytecode = file?.subarray(sealBytes);
  return bytecode && seal(bundle, bytecode).equals(file?.subarray(0, sealBytes) ?? bytecode) ? bytecode : undefined;
}

function seal(bundle: Buffer, bytecode: Buffer): Buffer {
  return createHash("sha256").update(bundle).update(bytecode).digest();
}

/**
 * Writes to the first place that takes it. If several processes do so at once, or one dies here, the seal tells a
 * damaged file, and the next start writes it again.
 */
function leaveBytecode(script: Script, bundle: Buffer, places: readonly string[]): void {
  const bytecode = script.createCachedData();
  const file = Buffer.concat([seal(bundle, bytecode), bytecode]);
  places.some((path, index) => {
    try {
      if (index > 0) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      if (!isOwn(dirname(path))) return false;
      writeFileSync(`${path}.new`, file);
      renameSync(`${path}.new`, path);
      return true;
    } catch {
      return false; // without bytecode a start only takes longer
    }
  });
}

/** Whether only this user can write to a folder. Bytecode is run as it is, so nobody else may leave any. */
function isOwn(folder: string): boolean {
  try {
    const { uid, mode } = statSync(folder);
    return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
  } catch {
    return false;
  }
}
