import { ArtifactError } from "../../store/model/errors.js";
import { decodePercent } from "../../store/model/names/artifact-uri.js";
import { quote } from "../../store/model/quote.js";

/** The URI of an artifact or of a bucket. The groups are the bucket, the key, and a version at the start of the query. */
const artifactUriPattern = /^artifact:\/\/([^/?#]+)(?:\/([^?#]+))?(?:\/?\?version=(\d{1,16})(?![^&]))?/;

/**
 * Refuses an `artifact://` URI that was given as `bucket` or as `key`, and says which bucket and key the URI names. No
 * valid bucket or key has this form.
 *
 * @throws ArtifactError `invalid_argument`
 */
export function refuseUris(args: Readonly<Record<string, unknown>>): void {
  for (const argument of ["bucket", "key"] as const) {
    const given = args[argument];
    const parts = typeof given === "string" ? artifactUriPattern.exec(given.trim()) : null;
    if (parts === null) continue;
    const [uri, bucket, key, version] = [parts.input, decoded(parts[1]), decoded(parts[2]), parts[3]];
    const named = [
      bucket === undefined ? "" : `bucket ${quote(bucket)}`,
      key === undefined ? "" : `key ${quote(key)}`,
      version === undefined ? "" : `version ${version}`,
    ].filter((part) => part !== "");
    const suggestion = argument === "bucket" ? bucket : key;
    throw new ArtifactError(
      "invalid_argument",
      `${argument} ${quote(uri)} is not valid, because this is a URI: ${named.join(", ")}. Give the ${argument} alone.`,
      { details: { argument, ...(suggestion === undefined ? {} : { suggestion }) } },
    );
  }
}

/** Text that cannot be decoded stays as it is. */
function decoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : (decodePercent(text) ?? text);
}
