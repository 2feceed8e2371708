import { countIs } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { quote } from "../model/quote.js";

/*
 * The refusals of the limits on sizes. `held` is what is there, `needed` what the call would add, `most` the limit; all
 * in bytes.
 */

export function tooManySessions(openSessions: number, most: number): ArtifactError {
  const message = `${countIs(openSessions, "upload session")} open, and at most ${most} may be open. No session was created.`;
  const details = { open_sessions: openSessions, max_open_sessions: most };
  return new ArtifactError("storage_full", message, { next: "close_sessions", details });
}

export function storeFull(held: number, needed: number, most: number): ArtifactError {
  const message = `The store holds ${held} of at most ${most} bytes, and this content needs ${needed} more. Nothing of it was stored; acknowledged bytes are safe.`;
  return new ArtifactError("storage_full", message, {
    next: needed > most ? "raise_store_quota" : "free_store_quota",
    details: { stored_bytes: held, needed_bytes: needed, max_store_bytes: most },
  });
}

export function tooMuchUnfinished(held: number, needed: number, most: number): ArtifactError {
  const message = `Unfinished uploads hold ${held} of at most ${most} bytes, and this content needs ${needed} more. Nothing of this call was stored; acknowledged bytes are safe.`;
  return new ArtifactError("storage_full", message, {
    next: needed > most ? "raise_unfinished_quota" : "finish_uploads",
    details: { unfinished_bytes: held, needed_bytes: needed, max_unfinished_bytes: most },
  });
}

export function bucketFull(bucket: string, held: number, needed: number, most: number): ArtifactError {
  const message = `Bucket ${quote(bucket)} holds ${held} of at most ${most} bytes, and this content needs ${needed} more. Nothing of it was stored; acknowledged bytes are safe.`;
  return new ArtifactError("storage_full", message, {
    next: needed > most ? "raise_bucket_limit" : "free_bucket",
    details: { bucket, bucket_bytes: held, needed_bytes: needed, max_bucket_bytes: most },
  });
}
