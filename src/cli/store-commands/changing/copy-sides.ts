import { ConfigError } from "../../options/config-error.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { type Address, hasScheme, readAddress } from "../address.js";
import { isExistingPath, isFolder, isLocalPath, shellWord } from "../local-path.js";

/** The two sides of `cp` and `mv`, which both lie in the store. */
export interface CopySides {
  readonly from: Address;
  /** The key is that of the copy; with `--recursive` both keys are folders: empty, or with a slash at the end. */
  readonly to: { readonly bucket: string; readonly key: string };
}

/** Reads `A B`. A target that ends with a slash, or is a bucket alone, is a folder. @throws ConfigError */
export function readSides({ command, words, options }: StoreCommandConfig): CopySides {
  const [a, b, more] = words;
  if (a === undefined || b === undefined || more !== undefined) {
    throw new ConfigError(`${command} needs two addresses, BUCKET/KEY and the target, not ${words.length}: see --help`);
  }
  const isRecursive = options.has("recursive");
  refuseLocalPaths(command, a, b, isRecursive);
  const [from, to] = [readAddress(a), readAddress(b)];
  if (!isRecursive && from.key === "" && isExistingPath(a)) throw new ConfigError(meantPut(command, a, b, isRecursive));
  if (to.version !== undefined) throw new ConfigError(`${b} names a version, and a target gets the next number itself`);
  if (!isRecursive) return oneToOne(command, { from: oneArtifact(command, a, from), to });
  if (from.version !== undefined) throw new ConfigError(`${a} names a version, and -r is for a folder`);
  const sides = { from: { ...from, key: folder(from.key) }, to: { bucket: to.bucket, key: folder(to.key) } };
  if (sides.from.bucket === sides.to.bucket && sides.to.key.startsWith(sides.from.key)) {
    throw new ConfigError(`${b} lies in ${a}: a folder cannot be copied or moved into itself`);
  }
  return sides;
}

function oneToOne(command: string, { from, to: { bucket, key } }: CopySides): CopySides {
  const to = { bucket, key: keyIn(key, from) };
  const isSame = to.bucket === from.bucket && to.key === from.key;
  if (isSame && (command === "mv" || from.version === undefined)) {
    const help = command === "mv" ? "" : ": cp BUCKET/KEY@VERSION BUCKET/KEY brings an old version back";
    throw new ConfigError(`${from.bucket}/${from.key} is both source and target${help}`);
  }
  return { from, to };
}

function oneArtifact(command: string, word: string, address: Address): Address {
  const what = address.key === "" ? "a bucket" : "a folder";
  if (address.key !== "" && !address.key.endsWith("/")) return address;
  throw new ConfigError(`${word} names ${what}: ${command} -r takes all that is in it`);
}

/** The key of the target: in a folder, the last part of the source's key. */
function keyIn(key: string, source: Address): string {
  const isFolder = key === "" || key.endsWith("/");
  return isFolder ? key + source.key.slice(source.key.lastIndexOf("/") + 1) : key;
}

const folder = (key: string): string => (key === "" || key.endsWith("/") ? key : `${key}/`);

/** Says which command is meant. @throws ConfigError */
function refuseLocalPaths(command: string, a: string, b: string, isRecursive: boolean): void {
  if (isLocalPath(a) && isLocalPath(b)) {
    throw new ConfigError(`${a} and ${b} are paths of this machine: ${command} works inside the store, on BUCKET/KEY`);
  }
  // Who writes a scheme on one side, as for `aws s3 cp`, means a path by the other one.
  if (isLocalPath(a) || (hasScheme(b) && !hasScheme(a))) throw new ConfigError(meantPut(command, a, b, isRecursive));
  if (isLocalPath(b) || (hasScheme(a) && !hasScheme(b))) throw new ConfigError(meantGet(command, a, b, isRecursive));
}

/** For a source that is a path of this machine. */
export function meantPut(command: string, a: string, b: string, isRecursive: boolean): string {
  const rest = command === "mv" ? ", and remove the file when that is done" : "";
  return `${a} is a path of this machine, and ${command} works inside the store: run "artifacts-mcp put ${wordsOf(a, b, isRecursive || isFolder(a))}"${rest}`;
}

/** For a target that is a path of this machine. */
export function meantGet(command: string, a: string, b: string, isRecursive: boolean): string {
  const what = wordsOf(a, b, isRecursive);
  const rest =
    command === "mv" ? `, and "artifacts-mcp rm ${isRecursive ? "-r " : ""}${shellWord(a)}" when that is done` : "";
  return `${b} is a path of this machine, and ${command} works inside the store: run "artifacts-mcp get ${what}"${rest}`;
}

const wordsOf = (a: string, b: string, isRecursive: boolean): string =>
  `${isRecursive ? "-r " : ""}${shellWord(a)} ${shellWord(b)}`;
