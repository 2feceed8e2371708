import type { Version } from "./records.js";

/** Whether a key is past its time: the expiry of its newest version is that of the key. */
export function hasExpired(newest: Version | undefined, nowSeconds: number): boolean {
  return newest?.expires_at !== undefined && newest.expires_at <= nowSeconds;
}

/**
 * The versions of a key that a reader may see: all of them, or none if the key has expired.
 *
 * @param versions newest first; empty if the key does not exist
 */
export function liveVersions(versions: readonly Version[], nowSeconds: number): readonly Version[] {
  return hasExpired(versions[0], nowSeconds) ? [] : versions;
}
