import type { BlobStore } from "./blob-store.js";
import { ArtifactError } from "./errors.js";

/**
 * Does what frees space, and on a full disk does it again with the reserve given up: deleting needs space too.
 *
 * @param work can be done twice
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
  try {
    return await work();
  } catch (error) {
    const isDiskFull = error instanceof ArtifactError && error.code === "storage_full";
    if (!isDiskFull || !(await blobs.releaseReserve())) throw error;
    return await work();
  }
}
