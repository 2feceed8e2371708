import type { ArtifactStore } from "../../store/artifacts/artifact-store.js";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import { isNearKey } from "./near-key.js";

interface Place {
  readonly bucket: string;
  readonly key: string;
  readonly to_key?: string | undefined;
}

interface Options {
  /** The work changes something, so that an error says that it did not. */
  readonly isChange?: boolean;
}

const maxNamed = 3;
/** Keys of a folder that are compared with the given one. */
const maxCompared = 200;

/**
 * Does `work` on an artifact. If it fails because of the key, the error says more: that the key is a folder, or which
 * keys are near.
 *
 * @throws ArtifactError as `work` does, with a longer message
 */
export async function withKeyHints<Result>(
  artifacts: ArtifactStore,
  place: Place,
  work: () => Promise<Result>,
  { isChange = false }: Options = {},
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    throw (
      folderError(error, place, isChange ? " Nothing was changed." : "") ??
      (await nearKeysError(error, artifacts)) ??
      error
    );
  }
}

function folderError(
  error: ArtifactError,
  { bucket, key, to_key = "" }: Place,
  unchanged: string,
): ArtifactError | undefined {
  if (error.code !== "invalid_argument" || error.details["argument"] !== "key") return undefined;
  const details = { argument: "key" };
  if (key.endsWith("/")) {
    const listing = JSON.stringify({ bucket, prefix: key });
    const message = `key ${quote(key)} ends with a slash, so it is a folder and no artifact. list_artifacts ${listing} lists its keys; delete_artifact and export_file take it as prefix.${unchanged}`;
    return new ArtifactError("invalid_argument", message, { details });
  }
  if (!to_key.endsWith("/")) return undefined;
  const name = key.slice(key.lastIndexOf("/") + 1);
  const message = `to_key ${quote(to_key)} ends with a slash, so it is a folder: give the whole key, like ${quote(to_key + name)}.${unchanged}`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "to_key" } });
}

/** The error's details say which of the artifacts of the call was not found. */
async function nearKeysError(error: ArtifactError, artifacts: ArtifactStore): Promise<ArtifactError | undefined> {
  const { code, next, details } = error;
  const { bucket, key } = details;
  if (code !== "artifact_not_found" || next !== "see_artifacts") return undefined;
  if (typeof bucket !== "string" || typeof key !== "string") return undefined;
  try {
    const near = await nearKeys(artifacts, bucket, key);
    if (near.length === 0) return undefined;
    const message = `${error.message} Similar keys in this bucket: ${near.map(quote).join(", ")}.`;
    return new ArtifactError(code, message, { next: "correct_argument", details, cause: error });
  } catch (cause) {
    if (!(cause instanceof ArtifactError)) throw cause;
    return undefined; // the artifact is not found, whatever its neighbours are
  }
}

/** Keys of its folder that are near; else of the folder above, or of the whole bucket. */
async function nearKeys(artifacts: ArtifactStore, bucket: string, key: string): Promise<string[]> {
  const folder = key.slice(0, key.lastIndexOf("/") + 1);
  const above = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  for (const prefix of new Set([folder, above, ""])) {
    const { data } = await artifacts.list({ bucket, prefix, limit: maxCompared });
    const near = data.map((artifact) => artifact.key).filter((other) => isNearKey(key, other));
    if (near.length > 0) return near.slice(0, maxNamed);
  }
  return [];
}
