import { ArtifactError } from "../../store/model/errors.js";
import type { Store } from "../../store/store.js";

/**
 * Makes an error about a missing artifact say that the bucket is missing too, and what to do then. Returns any other
 * error as it is.
 */
export async function explainMissingBucket({ artifacts }: Store, error: unknown): Promise<unknown> {
  if (!(error instanceof ArtifactError) || error.next !== "see_artifacts") return error;
  const { details, message } = error;
  const bucket = String(details["bucket"]);
  const isMissing = await artifacts.list({ bucket, limit: 1 }).then(
    () => false,
    (reason) => reason instanceof ArtifactError && reason.code === "bucket_not_found",
  );
  if (!isMissing) return error;
  return new ArtifactError(
    error.code,
    `${message} The bucket does not exist: a bucket exists while it holds an artifact. If the artifact is still being uploaded, list_upload_sessions shows it.`,
    { next: "see_buckets", details, cause: error },
  );
}
