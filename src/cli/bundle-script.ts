import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Script } from "node:vm";

const sealBytes = 32;

/** A bundled CommonJS program. */
export interface BundleScript {
  /** The program as a function of `require`, `__dirname` and `LEAVE_BYTECODE`. */
  readonly script: Script;
  /**
   * Stores the bytecode of all that has been compiled of it by now, for the next start; the first call does. Answers
   * whether it could. Undefined if there was bytecode already.
   */
  readonly leaveBytecode: (() => boolean) | undefined;
}

/**
 * Compiling a bundle takes as long as the rest of a start. So its bytecode is kept: beside the bundle, where the build
 * of a checkout leaves it, or in the user's cache folder, where an installed package may not write to its own folder.
 *
 * @param filename ASCII, as the bundler writes it
 * @returns undefined if there is no such file, or not all of it
 */
export function bundleScript(filename: string, cacheFolder?: string): BundleScript | undefined {
  const bundle = readIfThere(filename);
  if (bundle === undefined || !isWhole(bundle)) return undefined;
  const source = `(function (require, __dirname, LEAVE_BYTECODE) {${bundle.toString("latin1")}\n})`;
  const places = bytecodePlaces(filename, cacheFolder);
  const cachedData = readBytecode(places, filename, bundle);
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
  if (script.cachedDataRejected === false) return { script, leaveBytecode: undefined };
  let isLeft: boolean | undefined;
  return {
    script,
    leaveBytecode() {
      isLeft ??= leaveBytecode(script, bundle, places);
      return isLeft;
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

/** The bundler ends every file with where its source map is. */
const isWhole = (bundle: Buffer): boolean => bundle.subarray(-200).includes("\n//# sourceMappingURL=");

function readBytecode([beside = "", cached]: readonly string[], filename: string, bundle: Buffer): Buffer | undefined {
  // Whoever owns the program can change it anyway.
  const owners = [process.getuid?.(), statSync(filename).uid, 0];
  const found = sealed(readTrusted(beside, owners), bundle);
  if (found !== undefined || cached === undefined || !isOwn(dirname(cached))) return found;
  return sealed(readTrusted(cached, owners), bundle);
}

/** Undefined if there is no such file, or if others than these owners can have written it. */
function readTrusted(path: string, owners: readonly (number | undefined)[]): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { uid, mode } = fstatSync(file);
    const isTrusted = process.getuid === undefined || (owners.includes(uid) && (mode & 0o022) === 0);
    return isTrusted ? readFileSync(file) : undefined;
  } catch {
    return undefined; // it is not there, or no file
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * V8 looks at a source's length and at no byte of the bytecode: it would run another bundle's, and die of a damaged
 * one. So a digest of both is in front of it.
 */
function sealed(file: Buffer | undefined, bundle: Buffer): Buffer | undefined {
  if (file === undefined) return undefined;
  const bytecode = file.subarray(sealBytes);
  return seal(bundle, bytecode).equals(file.subarray(0, sealBytes)) ? bytecode : undefined;
}

function seal(bundle: Buffer, bytecode: Buffer): Buffer {
  return createHash("sha256").update(bundle).update(bytecode).digest();
}

/** Writes to the first place that takes it; false if none does, and then the next start takes longer. */
function leaveBytecode(script: Script, bundle: Buffer, places: readonly string[]): boolean {
  const bytecode = script.createCachedData();
  const file = Buffer.concat([seal(bundle, bytecode), bytecode]);
  return places.some((path, index) => {
    const next = `${path}.${process.pid}.new`;
    try {
      if (index > 0) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      if (!isOwn(dirname(path))) return false;
      writeFileSync(next, file, { flag: "wx", mode: 0o644 });
      renameSync(next, path);
      return true;
    } catch {
      remove(next); // as on a full disk
      return false;
    }
  });
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its folder is none, so nothing was written.
  }
}

/** Whether only this user can write to a folder. Bytecode is run as it is, so nobody else may leave any. */
function isOwn(folder: string): boolean {
  try {
    const { uid, mode } = statSync(folder);
    return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
  } catch {
    return false; // it is not there
  }
}
