import type { Artifact } from "../../store/model/artifact.js";
import { ArtifactError } from "../../store/model/errors.js";
import type { HttpContext } from "../context.js";
import type { Exchange } from "./exchange.js";
import { readHttpDate } from "./http-date.js";
import { HttpError } from "./http-error.js";

/** What a write demands of the newest version, in the store's terms. */
export interface Guard {
  /** 0: there must be none. */
  readonly if_version: number;
  readonly isStrict: true;
}

/** A version number that no key has: what demands it is refused, unless an idempotency key answers it. */
const neverMet = Number.MAX_SAFE_INTEGER;

/** Changes with every version and with every edit of one, so that content A, B and A again are three tags. */
export function etagOf({ version, edit = 0, sha256 }: Artifact): string {
  return `"${version}.${edit}-${sha256}"`;
}

/** Whether an `If-Match` names the artifact, or anything. */
export function matches(list: string, artifact: Artifact): boolean {
  const tags = list.split(",").map((tag) => tag.trim());
  return tags.includes("*") || tags.includes(etagOf(artifact));
}

/** The same of an `If-None-Match`, for which a weak tag is as good. */
export function matchesWeakly(list: string, artifact: Artifact): boolean {
  return matches(list.replaceAll("W/", ""), artifact);
}

/** Unix seconds; undefined for a field that is absent or no date, which is ignored (RFC 9110, section 13.1.3). */
export function dateField(exchange: Exchange, name: string): number | undefined {
  return readHttpDate(exchange.header(name) ?? "");
}

/**
 * What `If-Match`, `If-Unmodified-Since` and `If-None-Match` demand of the newest version (RFC 9110, section 13.2.2).
 * It is decided again when the version is made: of two requests that race under one guard, one is refused.
 *
 * @throws HttpError `precondition_failed`
 */
export async function readGuard(
  context: HttpContext,
  exchange: Exchange,
  bucket: string,
  key: string,
): Promise<Guard | undefined> {
  const [match, noneMatch] = [exchange.header("if-match"), exchange.header("if-none-match")];
  const since = dateField(exchange, "if-unmodified-since");
  if (match === undefined && noneMatch === undefined && since === undefined) return undefined;
  const newest = await newestOf(context, bucket, key);
  const isUnchanged =
    match === undefined
      ? since === undefined || newest === undefined || newest.created_at <= since
      : newest !== undefined && matches(match, newest);
  const isMet = isUnchanged && (noneMatch === undefined || newest === undefined || !matchesWeakly(noneMatch, newest));
  if (isMet) return { if_version: newest?.version ?? 0, isStrict: true };
  if (exchange.header("idempotency-key") !== undefined) return { if_version: neverMet, isStrict: true };
  throw preconditionFailed(newest);
}

/** A refusal of the store as this request's guard has it. */
export async function guardError(
  context: HttpContext,
  guard: Guard | undefined,
  error: unknown,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Promise<unknown> {
  if (guard === undefined || !(error instanceof ArtifactError) || error.code !== "version_conflict") return error;
  const { session_id } = error.details;
  // Only the wait for an idempotency key let it begin, and no version can follow it.
  if (guard.if_version === neverMet && typeof session_id === "string") await context.store.uploads.abort(session_id);
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
  const is = newest === undefined ? "There is nothing under this key." : `The newest ETag is ${etagOf(newest)}.`;
  const message = `If-Match, If-None-Match or If-Unmodified-Since is not met; nothing was changed. ${is}`;
  return new HttpError("precondition_failed", message, newest === undefined ? {} : { etag: etagOf(newest) });
}

/** @throws HttpError `invalid_argument` */
export function idempotencyKey(exchange: Exchange): string | undefined {
  const key = exchange.header("idempotency-key");
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new HttpError("invalid_argument", "Idempotency-Key must be 1 to 255 characters of printable ASCII.");
}
