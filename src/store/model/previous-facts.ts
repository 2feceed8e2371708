import { type Artifact, sameStrings } from "./artifact.js";
import { isSameExpiry, liveVersions } from "./expiry.js";
import type { Version } from "./records.js";

/** What a change took away from the newest version of a key, so that its answer can tell it. */
export type PreviousFacts = Pick<Artifact, "previous_metadata" | "previous_expires_at">;

/**
 * The facts of the newest version before that a new version does not carry on: all its metadata if one of their names is
 * missing now, and its expiry if the new version does not expire. Nothing of a key that has expired.
 *
 * @param versions of the key before, newest first
 */
export function lostFacts(versions: readonly Version[], next: Version, nowSeconds: number): PreviousFacts {
  const [before] = liveVersions(versions, nowSeconds);
  if (before === undefined) return {};
  const hasLostNames = Object.keys(before.metadata).some((name) => !Object.hasOwn(next.metadata, name));
  return factsOf(before, { metadata: hasLostNames, expiry: next.expires_at === undefined });
}

/** The facts of a version that an edit has changed. What was empty before is left out. */
export function changedFacts(before: Version, next: Version): PreviousFacts {
  return factsOf(before, {
    metadata: !sameStrings(before.metadata, next.metadata),
    expiry: !isSameExpiry(before.expires_at, next.expires_at),
  });
}

function factsOf(
  { metadata, expires_at }: Version,
  wanted: { readonly metadata: boolean; readonly expiry: boolean },
): PreviousFacts {
  return previousFactsIn({
    previous_metadata: wanted.metadata && Object.keys(metadata).length > 0 ? metadata : undefined,
    previous_expires_at: wanted.expiry ? expires_at : undefined,
  });
}

/** The facts that are there, as in the record of a session that has published a version. */
export function previousFactsIn({ previous_metadata, previous_expires_at }: Maybe<PreviousFacts>): PreviousFacts {
  return {
    ...(previous_metadata === undefined ? {} : { previous_metadata }),
    ...(previous_expires_at === undefined ? {} : { previous_expires_at }),
  };
}

type Maybe<Type> = { readonly [Name in keyof Type]: Type[Name] | undefined };
