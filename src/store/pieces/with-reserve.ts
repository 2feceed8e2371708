import { ArtifactError } from "../model/errors.js";
import type { ContentStore } from "../ports/content-store.js";

/**
 * Runs work that frees space. Deleting needs space too: on a full disk the reserve is released and the work runs again.
 * Takes the reserve again at the end.
 *
 * @param work may run any number of times
 */
export async function withReserve<Result>(content: ContentStore, work: () => Promise<Result>): Promise<Result> {
  try {
    return await retryWithoutReserve(content, work);
  } finally {
    await content.restoreReserve();
  }
}

/** Does the same as `withReserve`, but does not take the reserve again: the caller does so after its last call. */
export async function retryWithoutReserve<Result>(content: ContentStore, work: () => Promise<Result>): Promise<Result> {
  for (let wasGone = false; ; ) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ArtifactError) || error.code !== "storage_full") throw error;
      // Another call may have released it, and may have made room or taken it again since: try once more.
      const isGone = !(await content.releaseReserve());
      if (isGone && wasGone) throw error;
      wasGone = isGone;
    }
  }
}
