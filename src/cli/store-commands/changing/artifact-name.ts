import { ArtifactError } from "../../../store/model/errors.js";
import { escapeUnsafe } from "../../../store/model/quote.js";

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
export function nothingUnder(bucket: string, folder: string): ArtifactError {
  const message = `Nothing in bucket ${bucket} is under ${escapeUnsafe(folder)}.`;
  const details = { bucket, key: folder.slice(0, -1) };
  return new ArtifactError("artifact_not_found", message, { next: "see_artifacts", details });
}
