import { type DescribedContent, isSameContent } from "./artifact.js";
import type { Version } from "./records.js";
import { isGuardMet } from "./upload-session.js";

/** What is to be published, and under which conditions. */
export interface Publication {
  readonly content: DescribedContent;
  /** 0: the key must not exist; null: no guard. */
  readonly if_version: number | null;
  /** The guard holds also where the newest version has the same content. */
  readonly is_strict?: true | undefined;
  readonly idempotency_key?: string | undefined;
  /**
   * It was left behind by somebody who may be gone: it must not come on top of a version with a higher number than this;
   * null: of any version.
   */
  readonly over?: number | null | undefined;
}

export type PublicationPlan =
  | { readonly kind: "new" }
  /** This version answers it. */
  | { readonly kind: "existing"; readonly version: Version }
  /** The idempotency key belongs to this version, which has other content. */
  | { readonly kind: "key used"; readonly version: Version }
  | { readonly kind: "conflict" };

/** @param versions of the key, newest first; none if it does not exist */
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

/** Keys of requests that a version remembers; the oldest goes first. */
const maxIdempotencyKeys = 16;

/** The version with a request's key; the same version if there is no key, or it has it already. */
export function withIdempotencyKey(version: Version, key: string | undefined): Version {
  const keys = version.idempotency_keys ?? [];
  if (key === undefined || keys.includes(key)) return version;
  return { ...version, idempotency_keys: [...keys, key].slice(-maxIdempotencyKeys) };
}
