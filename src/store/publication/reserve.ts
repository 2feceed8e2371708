import type { BlobStore } from "./blob-store.js";
import { ArtifactError } from "./errors.js";

/**
 * Does what frees space, and on a full disk does it again with the reserve given up: deleting needs space too.
 *
 * @param work can be done any number of times
 */
export async function withReserve<Result>(blobs: BlobStore, work: () => Promise<Result>): Promise<Result> {
  try {
    return await orWithoutReserve(blobs, work);
  } finally {
    await blobs.restoreReserve();
  }
}

/** The same without taking the reserve again, for who does much and takes it again at the end. */
export async function orWithoutReserve<Result>(blobs: BlobStore, work: () => Promise<Result>): Promise<Result> {
  for (let wasGone = false; ; ) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ArtifactError) || error.code !== "storage_full") throw error;
      // Gone, it was given up for another call, which may have made room, or have taken it again since.
      const isGone = !(await blobs.releaseReserve());
      if (isGone && wasGone) throw error;
      wasGone = isGone;
    }
  }
}
