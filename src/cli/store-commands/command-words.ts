import { ConfigError } from "../options/config-error.js";
import type { StoreCommandConfig } from "../options/store-command-config.js";
import { type Address, readAddress } from "./address.js";

/** All that is in the store, as a person may write it. */
const wholeStore = /^(?:(?:artifact|s3):\/\/\/?|\/)$/;

/** The one address of a command; undefined if there is none, or for the whole store as `/` or `s3://`. @throws ConfigError if there are more, or if it names a version */
export function placeIn({ command, words: [word, another] }: StoreCommandConfig): Address | undefined {
  if (another !== undefined)
    throw new ConfigError(`${command} takes one address: ${JSON.stringify(another)} is one more`);
  if (word === undefined || wholeStore.test(word)) return undefined;
  const address = readAddress(word);
  if (address.version === undefined) return address;
  throw new ConfigError(`${command} takes no version: leave out @${address.version}, or write @latest after it`);
}

/** The address of an artifact. @throws ConfigError if it has no key */
export function artifactAddress(text: string): Address {
  const address = readAddress(text);
  if (address.key !== "") return address;
  throw new ConfigError(`${JSON.stringify(text)} names a bucket: write BUCKET/KEY`);
}
