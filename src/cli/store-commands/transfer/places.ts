import { basename } from "node:path";
import { ConfigError } from "../../options/config-error.js";
import { absolutePath } from "../../options/directories.js";
import { type Address, readAddress } from "../address.js";
import { isLocalPath } from "../local-path.js";

/** The address of a place in the store. @throws ConfigError if the word is a path, or names a version */
export function storePlace(command: string, word: string): Address {
  if (isLocalPath(word)) {
    throw new ConfigError(`${command}: ${JSON.stringify(word)} is a path of this machine, and here goes BUCKET/KEY`);
  }
  const address = readAddress(word);
  if (address.version === undefined) return address;
  throw new ConfigError(
    `${command} takes no version here: leave out @${address.version}, or write @latest after it if the key ends so`,
  );
}

/** Whether an address stands for the folder into which a file goes with its own name. */
export function isFolderAddress({ key }: Address): boolean {
  return key === "" || key.endsWith("/");
}

/** The key of a file that is put at an address. @param name the file's own, as it becomes a key */
export function keyAt(address: Address, name: string): string {
  return isFolderAddress(address) ? address.key + name : address.key;
}

export interface LocalPlace {
  /** As the person wrote it. */
  readonly word: string;
  /** Absolute. */
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
  /** It ends with a slash, so it is a folder. */
  readonly isFolder: boolean;
}

/** @throws ConfigError */
export function localPlace(word: string): LocalPlace {
  if (word === "" || word.includes("\0")) throw new ConfigError(`${JSON.stringify(word)} is no path`);
  const path = absolutePath(word);
  return { word, path, name: basename(path), isFolder: /[\\/]$/.test(word) };
}
