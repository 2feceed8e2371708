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
  /** The program as a function of `require`, `__dirname` and `STORE_BYTECODE`. */
  readonly script: Script;
  /**
   * Stores the bytecode of all functions that are compiled by now, for the next start. Only the first call does.
   * Returns whether it could be stored. Undefined if this start has used stored bytecode.
   */
  readonly storeBytecode: (() => boolean) | undefined;
}

/**
 * Reads a bundle, with its bytecode if there is any: to compile it takes as long as the rest of a start.
 *
 * Bytecode lies beside the bundle, where the build puts it. An installed package may be unable to write to its own
 * folder: then the bytecode lies in the user's cache folder.
 *
 * @param filename a file of ASCII, as the bundler writes it
 * @returns undefined if the file does not exist or is incomplete
 */
export function bundleScript(filename: string, cacheFolder?: string): BundleScript | undefined {
  const bundle = readIfThere(filename);
  if (bundle === undefined || !isWhole(bundle)) return undefined;
  const source = `(function (require, __dirname, STORE_BYTECODE) {${bundle.toString("latin1")}\n})`;
  const paths = bytecodePaths(filename, cacheFolder);
  const cachedData = readBytecode(paths, filename, bundle);
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
  if (script.cachedDataRejected === false) return { script, storeBytecode: undefined };
  let isStored: boolean | undefined;
  return {
    script,
    storeBytecode() {
      isStored ??= storeBytecode(script, bundle, paths);
      return isStored;
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

/** Returns where bytecode may lie: the best place first. */
function bytecodePaths(filename: string, cacheFolder: string | undefined): string[] {
  // Bytecode works only with one version of Node and one kind of processor.
  const suffix = `${process.version}-${process.arch}.bytecode`;
  const beside = `${filename}.${suffix}`;
  if (cacheFolder === undefined) return [beside];
  const ofBundle = createHash("sha256").update(filename).digest("hex").slice(0, 16);
  return [beside, join(cacheFolder, `${basename(filename)}-${ofBundle}.${suffix}`)];
}

/** The build writes this as the last line. */
const isWhole = (bundle: Buffer): boolean => bundle.subarray(-200).includes("\n// The end of this program.");

function readBytecode([beside = "", cached]: readonly string[], filename: string, bundle: Buffer): Buffer | undefined {
  // The owner of the program may have written the bytecode: that user can change the program anyway.
  const owners = [process.getuid?.(), statSync(filename).uid, 0];
  const found = unsealed(readTrusted(beside, owners), bundle);
  if (found !== undefined || cached === undefined || !isOwn(dirname(cached))) return found;
  return unsealed(readTrusted(cached, owners), bundle);
}

/** Returns a file's content. Returns undefined if there is no such file, or if others than these owners can write to it. */
function readTrusted(path: string, owners: readonly (number | undefined)[]): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { uid, mode } = fstatSync(file);
    const isTrusted = process.getuid === undefined || (owners.includes(uid) && (mode & 0o022) === 0);
    return isTrusted ? readFileSync(file) : undefined;
  } catch {
    return undefined; // it does not exist, or is a directory
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Returns the bytecode in a file. Returns undefined if the seal in front of it does not match.
 *
 * V8 compares only the length of the source, and does not check the bytecode itself. Without the seal it would run the
 * bytecode of another bundle, and would crash on damaged bytecode.
 */
function unsealed(file: Buffer | undefined, bundle: Buffer): Buffer | undefined {
  if (file === undefined) return undefined;
  const bytecode = file.subarray(sealBytes);
  return sealOf(bundle, bytecode).equals(file.subarray(0, sealBytes)) ? bytecode : undefined;
}

/** The SHA-256 digest of a bundle and its bytecode. */
function sealOf(bundle: Buffer, bytecode: Buffer): Buffer {
  return createHash("sha256").update(bundle).update(bytecode).digest();
}

/** Writes the bytecode to the first path that can be written. Returns false if there is none: starts then take longer. */
function storeBytecode(script: Script, bundle: Buffer, paths: readonly string[]): boolean {
  const bytecode = script.createCachedData();
  const file = Buffer.concat([sealOf(bundle, bytecode), bytecode]);
  return paths.some((path, index) => {
    const next = `${path}.${process.pid}.new`;
    try {
      if (index > 0) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      if (!isOwn(dirname(path))) return false;
      writeFileSync(next, file, { flag: "wx", mode: 0o644 });
      renameSync(next, path);
      return true;
    } catch {
      remove(next); // a full disk, for example
      return false;
    }
  });
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its parent is not a directory, so nothing was written.
  }
}

/** Whether only this user can write to a folder. Bytecode is run without a check, so nobody else may put any there. */
function isOwn(folder: string): boolean {
  try {
    const { uid, mode } = statSync(folder);
    return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
  } catch {
    return false; // it does not exist
  }
}
