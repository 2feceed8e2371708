import type { ArtifactStore } from "../../store/artifacts/artifact-store.js";
import { ArtifactError, type NextStep } from "../../store/model/errors.js";
import { largestPageLimit } from "../../store/model/limits.js";
import { isNearKey } from "../../store/model/names/near-key.js";
import { quote } from "../../store/model/quote.js";
import { nearestName } from "./nearest-name.js";

interface Hint {
  readonly text: string;
  readonly next: NextStep;
}
type Listings = Pick<ArtifactStore, "list" | "listBuckets">;

const maxNamed = 3;
/** Keys of a folder that are compared with the given one. */
const maxCompared = 200;

/**
 * The error for a reader who may have mistyped a name: for an artifact or a bucket that is not there, its message names
 * what is near. Any other error, and one without near names, is returned as it is.
 */
export async function nearestError(artifacts: Listings, error: ArtifactError): Promise<ArtifactError> {
  try {
    const hint = await hintOn(artifacts, error);
    if (hint === undefined) return error;
    const { code, details } = error;
    const { text, next } = hint;
    return new ArtifactError(code, `${error.message} ${text}`, { next, details, cause: error });
  } catch (cause) {
    if (!(cause instanceof ArtifactError)) throw cause;
    return error; // the artifact is not found, whatever its neighbours are
  }
}

/** Does `work`. @throws ArtifactError as `work` does, as `nearestError` says it */
export async function withNearest<Result>(artifacts: Listings, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ArtifactError ? await nearestError(artifacts, error) : error;
  }
}

/** The error's details say which artifact or bucket was not found. */
async function hintOn(artifacts: Listings, { code, next, details }: ArtifactError): Promise<Hint | undefined> {
  const { bucket, key } = details;
  if (typeof bucket !== "string") return undefined;
  if (code === "bucket_not_found") return bucketHint(artifacts, bucket);
  if (code !== "artifact_not_found" || next !== "see_artifacts" || typeof key !== "string") return undefined;
  return keyHint(artifacts, bucket, key).catch((error) => {
    if (error instanceof ArtifactError && error.code === "bucket_not_found") return bucketHint(artifacts, bucket);
    throw error;
  });
}

async function keyHint(artifacts: Listings, bucket: string, key: string): Promise<Hint | undefined> {
  const folder = key.endsWith("/") ? key : `${key}/`;
  const { data } = await artifacts.list({ bucket, prefix: folder, limit: 1 });
  if (data.length > 0) {
    return { text: `It is a folder: there are keys that begin with ${quote(folder)}.`, next: "see_artifacts" };
  }
  const keys = await nearKeys(artifacts, bucket, key);
  if (keys.length > 0) return corrected(`Similar keys in this bucket: ${keys.map(quote).join(", ")}.`);
  const folders = await nearFolders(artifacts, bucket, folder);
  return folders.length === 0 ? undefined : corrected(`Similar folders: ${folders.map(quote).join(", ")}.`);
}

/** Folders beside the given one that are near. @param folder ends with a slash */
async function nearFolders(artifacts: Listings, bucket: string, folder: string): Promise<string[]> {
  const parent = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  const { prefixes } = await artifacts.list({ bucket, prefix: parent, delimiter: "/", limit: maxCompared });
  const nameOf = (path: string): string => path.slice(0, -1);
  return prefixes.filter((other) => isNearKey(nameOf(folder), nameOf(other))).slice(0, maxNamed);
}

/** Keys of its folder that are near; else of the folder above, or of the whole bucket. */
async function nearKeys(artifacts: Listings, bucket: string, key: string): Promise<string[]> {
  const folder = key.slice(0, key.lastIndexOf("/") + 1);
  const above = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  for (const prefix of new Set([folder, above, ""])) {
    const { data } = await artifacts.list({ bucket, prefix, limit: maxCompared });
    const near = data.map((artifact) => artifact.key).filter((other) => isNearKey(key, other));
    if (near.length > 0) return near.slice(0, maxNamed);
  }
  return [];
}

async function bucketHint(artifacts: Listings, bucket: string): Promise<Hint | undefined> {
  const { data } = await artifacts.listBuckets({ limit: largestPageLimit });
  const names = data.map(({ name }) => name);
  const near = names.filter((name) => isNearKey(bucket, name)).slice(0, maxNamed);
  const [nearest = nearestName(bucket, names)] = near;
  if (nearest === undefined) return undefined;
  const isOne = near.length < 2;
  return corrected(
    isOne ? `A similar bucket is ${quote(nearest)}.` : `Similar buckets: ${near.map(quote).join(", ")}.`,
  );
}

function corrected(text: string): Hint {
  return { text, next: "correct_argument" };
}
