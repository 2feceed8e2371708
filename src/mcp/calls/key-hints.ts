import { nearestError } from "../../api/hints/nearest-error.js";
import type { ArtifactStore } from "../../store/artifacts/artifact-store.js";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";

interface Place {
  readonly bucket: string;
  readonly key: string;
  readonly to_key?: string | undefined;
}

interface Options {
  /** The work changes something, so that an error says that it did not. */
  readonly isChange?: boolean;
}

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
    throw folderError(error, place, isChange ? " Nothing was changed." : "") ?? (await nearestError(artifacts, error));
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
