import { ArtifactError } from "../../../store/model/errors.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import type { StoreCommandContext } from "../store-command.js";

/** What a name names; the newest version, or all, if none is given. */
export interface Named {
  readonly bucket: string;
  readonly key: string;
  readonly version?: number | undefined;
}

/** `BUCKET/KEY` or `BUCKET/KEY@VERSION` for a person. */
export function nameOf({ bucket, key, version }: Named): string {
  return escapeUnsafe(`${bucket}/${key}${version === undefined ? "" : `@${version}`}`);
}

/** The error for a folder in which nothing is. @param folder with a slash at its end */
export async function nothingUnder(
  artifacts: StoreCommandContext["store"]["artifacts"],
  bucket: string,
  folder: string,
): Promise<ArtifactError> {
  const key = folder.slice(0, -1);
  if (key !== "" && (await isArtifact(artifacts, bucket, key))) {
    const found = `${nameOf({ bucket, key })} is an artifact and no folder: leave out -r.`;
    return new ArtifactError("invalid_argument", found, { details: { bucket, key } });
  }
  const message = `Nothing in bucket ${bucket} is under ${escapeUnsafe(folder)}.`;
  return new ArtifactError("artifact_not_found", message, { next: "see_artifacts", details: { bucket, key } });
}

async function isArtifact(artifacts: StoreCommandContext["store"]["artifacts"], bucket: string, key: string) {
  try {
    await artifacts.get(bucket, key);
    return true;
  } catch (error) {
    if (error instanceof ArtifactError && error.code === "artifact_not_found") return false;
    throw error;
  }
}
