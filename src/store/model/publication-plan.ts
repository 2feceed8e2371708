import { type DescribedContent, isSameContent } from "./artifact.js";
import { isSameExpiry, liveVersions } from "./expiry.js";
import { type Guard, isGuardMet } from "./guard.js";
import type { Version } from "./records.js";

/** A content to publish, and the conditions for it. */
export interface Publication extends Guard {
  readonly content: DescribedContent;
  /** When the version is to expire, in unix seconds; undefined: never. */
  readonly expires_at?: number | undefined;
  /** The guard must be met even if the newest version is the same already. */
  readonly is_strict?: true | undefined;
  readonly idempotency_key?: string | undefined;
  /**
   * Set if the process of this upload may be gone. If the newest version has a higher number than this, the upload must
   * not be published on top of it. Null: the upload must not be published on top of any version.
   */
  readonly over?: number | null | undefined;
}

export type PublicationPlan =
  | { readonly kind: "new" }
  /**
   * No version is added: this version is the result. `next` is the version as it is to be stored: with the idempotency
   * key of the request, or the same object.
   */
  | { readonly kind: "existing"; readonly version: Version; readonly next: Version }
  /** The idempotency key belongs to this version, which has other content. */
  | { readonly kind: "key used"; readonly version: Version }
  | { readonly kind: "conflict" };

/**
 * Decides what a publication does. A key that has expired counts as absent. What is the newest version already, with the
 * same expiry, makes none and changes none.
 *
 * @param versions all versions of the key, newest first; empty if the key does not exist
 */
export function planPublication(
  versions: readonly Version[],
  publication: Publication,
  nowSeconds: number,
): PublicationPlan {
  const { content, expires_at, if_version, is_strict, idempotency_key, over } = publication;
  const live = liveVersions(versions, nowSeconds);
  const [newest] = live;
  const answered = planOfRepeatedRequest(live, publication);
  if (answered !== undefined) return answered;
  const mayRepeat = (if_version ?? null) === null || is_strict === undefined;
  if (newest !== undefined && mayRepeat) {
    const isThere = isSameContent(newest, content) && isSameExpiry(newest.expires_at, expires_at);
    if (isThere) return { kind: "existing", version: newest, next: withIdempotencyKey(newest, idempotency_key) };
  }
  // A clock that is ahead must not put older bytes on top of newer ones, so an expired version counts here.
  const isOvertaken = over !== undefined && versions[0] !== undefined && versions[0].version > (over ?? 0);
  return isOvertaken || !isGuardMet(publication, newest) ? { kind: "conflict" } : { kind: "new" };
}

/** What a request does whose idempotency key a version remembers. Undefined if none does. */
function planOfRepeatedRequest(
  versions: readonly Version[],
  { content, idempotency_key }: Publication,
): PublicationPlan | undefined {
  if (idempotency_key === undefined) return undefined;
  const version = versions.find(({ idempotency_keys: keys }) => keys?.includes(idempotency_key));
  if (version === undefined) return undefined;
  // The metadata of an edited version are no longer those of the request that made it.
  const metadata = version.edit === undefined ? content.metadata : version.metadata;
  const isRepeated = isSameContent(version, { ...content, metadata });
  return isRepeated ? { kind: "existing", version, next: version } : { kind: "key used", version };
}

/** Idempotency keys that a version remembers. A further key replaces the oldest one. */
const maxIdempotencyKeys = 16;

/** The version with `key` added. Returns the same object if there is no key, or if the version has it already. */
function withIdempotencyKey(version: Version, key: string | undefined): Version {
  const keys = version.idempotency_keys ?? [];
  if (key === undefined || keys.includes(key)) return version;
  return { ...version, idempotency_keys: [...keys, key].slice(-maxIdempotencyKeys) };
}
