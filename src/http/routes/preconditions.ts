import type { Artifact } from "../../store/model/artifact.js";
import { ArtifactError } from "../../store/model/errors.js";
import type { HttpContext } from "../context.js";
import { etagOf, matches, matchesWeakly } from "../message/etag.js";
import type { Exchange } from "../message/exchange.js";
import { dateField } from "../message/http-date.js";
import { HttpError } from "../message/http-error.js";

/** A precondition of a write, in the form that the store takes. */
export interface Precondition {
  /** Number of the version that must be the newest one; 0 if there must be none. */
  readonly if_version: number;
  /** The `edit` of that version. */
  readonly if_edit: number;
  /** The store refuses the write even if the newest version has the same content already. */
  readonly isStrict: true;
}

/** A version number that no key has, so the store refuses the write, unless it knows the idempotency key already. */
const neverMet = Number.MAX_SAFE_INTEGER;

/**
 * Checks `If-Match`, `If-Unmodified-Since` and `If-None-Match` of a write against the newest version (RFC 9110, section
 * 13.2.2). Returns undefined if the request has none of them. The store checks the result again when it publishes, so
 * of two requests that race with the same precondition, one is refused.
 *
 * @throws HttpError `precondition_failed`
 */
export async function readPrecondition(
  context: HttpContext,
  exchange: Exchange,
  bucket: string,
  key: string,
): Promise<Precondition | undefined> {
  const [match, noneMatch] = [exchange.header("if-match"), exchange.header("if-none-match")];
  const since = dateField(exchange, "if-unmodified-since");
  if (match === undefined && noneMatch === undefined && since === undefined) return undefined;
  const newest = await newestOf(context, bucket, key);
  const isUnchanged =
    match === undefined
      ? since === undefined || newest === undefined || newest.created_at <= since
      : newest !== undefined && matches(match, newest);
  const isMet = isUnchanged && (noneMatch === undefined || newest === undefined || !matchesWeakly(noneMatch, newest));
  if (isMet) return { if_version: newest?.version ?? 0, if_edit: newest?.edit ?? 0, isStrict: true };
  if (exchange.header("idempotency-key") !== undefined) return { if_version: neverMet, if_edit: 0, isStrict: true };
  throw preconditionFailed(newest);
}

/** Returns `precondition_failed` if the store refused a write because of its precondition; otherwise the same error. */
export async function preconditionError(
  context: HttpContext,
  precondition: Precondition | undefined,
  error: unknown,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Promise<unknown> {
  if (precondition === undefined) return error;
  if (!(error instanceof ArtifactError) || error.code !== "version_conflict") return error;
  const { session_id } = error.details;
  // The upload could begin only because the store may have known its idempotency key. No version can come of it.
  if (precondition.if_version === neverMet && typeof session_id === "string") {
    await context.store.uploads.abort(session_id);
  }
  return preconditionFailed(await newestOf(context, bucket, key));
}

async function newestOf({ store }: HttpContext, bucket: string, key: string): Promise<Artifact | undefined> {
  try {
    return await store.artifacts.get(bucket, key);
  } catch (error) {
    if (error instanceof ArtifactError && error.code === "artifact_not_found") return undefined;
    throw error;
  }
}

function preconditionFailed(newest: Artifact | undefined): HttpError {
  const found = newest === undefined ? "There is no artifact with this key." : `The newest ETag is ${etagOf(newest)}.`;
  const message = `If-Match, If-None-Match or If-Unmodified-Since is not met; nothing was changed. ${found}`;
  return new HttpError("precondition_failed", message, newest === undefined ? {} : { etag: etagOf(newest) });
}
