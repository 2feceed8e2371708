import { type DescribedContent, isSameContent } from "./artifact.js";
import type { Version } from "./records.js";
import { isGuardMet } from "./upload-session.js";

/** A content to publish, and the conditions for it. */
export interface Publication {
  readonly content: DescribedContent;
  /** The newest version must have this number. 0: the key must not exist. Null: no guard. */
  readonly if_version: number | null;
  /** The guard must be met even if the newest version has the same content. */
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
  /** Nothing is published: this version is the result. */
  | { readonly kind: "existing"; readonly version: Version }
  /** The idempotency key belongs to this version, which has other content. */
  | { readonly kind: "key used"; readonly version: Version }
  | { readonly kind: "conflict" };

/**
 * Decides what a publication does.
 *
 * @param versions all versions of the key, newest first; empty if the key does not exist
 */
export function planPublication(versions: readonly Version[], publication: Publication): PublicationPlan {
  const { content, if_version, is_strict, idempotency_key, over } = publication;
  const [newest] = versions;
  if (idempotency_key !== undefined) {
    const version = versions.find(({ idempotency_keys: keys }) => keys?.includes(idempotency_key));
    if (version !== undefined) return { kind: isSameContent(version, content) ? "existing" : "key used", version };
  }
  const mayRepeat = if_version === null || is_strict === undefined;
  if (newest !== undefined && mayRepeat && isSameContent(newest, content)) return { kind: "existing", version: newest };
  const isOvertaken = over !== undefined && newest !== undefined && newest.version > (over ?? 0);
  return isOvertaken || !isGuardMet(if_version, newest) ? { kind: "conflict" } : { kind: "new" };
}

/** Idempotency keys that a version remembers. A further key replaces the oldest one. */
const maxIdempotencyKeys = 16;

/** The version with `key` added. Returns the same object if there is no key, or if the version has it already. */
export function withIdempotencyKey(version: Version, key: string | undefined): Version {
  const keys = version.idempotency_keys ?? [];
  if (key === undefined || keys.includes(key)) return version;
  return { ...version, idempotency_keys: [...keys, key].slice(-maxIdempotencyKeys) };
}
