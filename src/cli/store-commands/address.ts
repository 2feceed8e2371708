import { ConfigError } from "../options/config-error.js";
import { isLocalPath } from "./local-path.js";

/** What a person names in the store. */
export interface Address {
  readonly bucket: string;
  /** A key, or the beginning of keys; empty for the whole bucket. */
  readonly key: string;
  readonly version: number | undefined;
}

/** Schemes that people write before a bucket. */
const scheme = /^(?:artifact|s3):\/\//;

/** Whether a word says that it is a place in a store, as `s3://runs` does. */
export function hasScheme(word: string): boolean {
  return scheme.test(word);
}

/**
 * Reads `BUCKET`, `BUCKET/KEY` or `BUCKET/KEY@VERSION`. `artifact://` or `s3://` may come first. `@` with a number at the
 * end is a version; a key that ends like that is written with `@latest` after it. The names themselves are not checked.
 *
 * @throws ConfigError if there is no bucket, or if it is a path of this machine
 */
export function readAddress(text: string): Address {
  const plain = text.replace(scheme, "");
  if (isLocalPath(text)) {
    throw new ConfigError(`${JSON.stringify(text)} is a path of this machine, and no address: write BUCKET/KEY`);
  }
  const slash = plain.indexOf("/");
  const bucket = slash < 0 ? plain : plain.slice(0, slash);
  if (bucket === "") throw new ConfigError(`${JSON.stringify(text)} names no bucket: write BUCKET/KEY`);
  const rest = slash < 0 ? "" : plain.slice(slash + 1);
  const [, key = rest, version] = /^(.+)@(?:(\d{1,15})|latest)$/.exec(rest) ?? [];
  return { bucket, key, version: version === undefined ? undefined : Number(version) };
}

/** The address of an artifact, which `readAddress` reads as this bucket and key. */
export function addressOf({ bucket, key }: { readonly bucket: string; readonly key: string }): string {
  const latest = /.@(?:\d{1,15}|latest)$/s.test(key) ? "@latest" : "";
  return `${bucket}/${key}${latest}`;
}
