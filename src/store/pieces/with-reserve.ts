import { ArtifactError } from "../model/errors.js";
import type { ContentStore } from "../ports/content-store.js";

/**
 * Does what frees space, and on a full disk does it again with the reserve given up: deleting needs space too.
 *
 * @param work can be done any number of times
 */
export async function withReserve<Result>(content: ContentStore, work: () => Promise<Result>): Promise<Result> {
  try {
    return await retryWithoutReserve(content, work);
  } finally {
    await content.restoreReserve();
  }
}

/** The same without taking the reserve again, for who does much and takes it again at the end. */
export async function retryWithoutReserve<Result>(content: ContentStore, work: () => Promise<Result>): Promise<Result> {
  for (let wasGone = false; ; ) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ArtifactError) || error.code !== "storage_full") throw error;
      // Gone, it was given up for another call, which may have made room, or have taken it again since.
      const isGone = !(await content.releaseReserve());
      if (isGone && wasGone) throw error;
      wasGone = isGone;
    }
  }
}
