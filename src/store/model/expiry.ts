import { ArtifactError } from "./errors.js";
import type { Version } from "./records.js";

const hourSeconds = 60 * 60;
const daySeconds = 24 * hourSeconds;
export const smallestExpirySeconds = hourSeconds;
export const largestExpirySeconds = 365 * daySeconds;

/** Two times of expiry that are at most this far apart are taken for the same, so that a retry changes nothing. */
const sameExpirySeconds = 5 * 60;

/** Whether a key is past its time: the expiry of its newest version is that of the key. */
export function hasExpired(newest: Version | undefined, nowSeconds: number): boolean {
  return newest?.expires_at !== undefined && newest.expires_at <= nowSeconds;
}

/**
 * Whether a key is past the greatest age of its bucket: the age of its newest version is that of the key.
 *
 * @param maxAge seconds; undefined: there is no limit
 */
export function isTooOld(newest: Version | undefined, maxAge: number | undefined, nowSeconds: number): boolean {
  return newest !== undefined && maxAge !== undefined && newest.created_at + maxAge <= nowSeconds;
}

/**
 * The versions of a key that a reader may see: all of them, or none if the key has expired.
 *
 * @param versions newest first; empty if the key does not exist
 */
export function liveVersions(versions: readonly Version[], nowSeconds: number): readonly Version[] {
  return hasExpired(versions[0], nowSeconds) ? [] : versions;
}

/** Whether two times of expiry count as the same; undefined: never. */
export function isSameExpiry(a: number | undefined, b: number | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Math.abs(a - b) <= sameExpirySeconds;
}

const form = "a whole number of hours or days from 1h to 365d, like 12h or 30d";

/** @throws ArtifactError `invalid_argument` for a time in seconds that is out of range */
export function checkExpiresIn(seconds: number | undefined): void {
  if (seconds === undefined) return;
  const isInRange = seconds >= smallestExpirySeconds && seconds <= largestExpirySeconds;
  if (!Number.isInteger(seconds) || !isInRange) throw notExpiresIn(form);
}

/** Reads `expires_in` as a caller gives it. Returns seconds. @throws ArtifactError `invalid_argument` */
export function parseExpiresIn(text: string): number {
  const seconds = secondsIn(text);
  if (seconds === undefined) throw notExpiresIn(form);
  return seconds;
}

/** Reads `expires_in` of an update, where `never` is a value too: null. @throws ArtifactError `invalid_argument` */
export function parseNewExpiresIn(text: string): number | null {
  if (text === "never") return null;
  const seconds = secondsIn(text);
  if (seconds === undefined) throw notExpiresIn(`${form}, or never`);
  return seconds;
}

function secondsIn(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,3})([hd])$/.exec(text) ?? [];
  const seconds = Number(count) * (unit === "h" ? hourSeconds : daySeconds);
  return seconds <= largestExpirySeconds ? seconds : undefined; // NaN for a text of another form
}

function notExpiresIn(what: string): ArtifactError {
  const details = { argument: "expires_in" };
  return new ArtifactError("invalid_argument", `expires_in must be ${what}.`, { details });
}
