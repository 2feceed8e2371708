import { encodeKey, encodeSegment } from "../store/model/names/artifact-uri.js";

/** A message repeats names of a URL up to this length in characters. */
const maxRepeatedChars = 500;

/** Returns the message for a URL under `/v1/content` that has no key. */
export function keyMissingMessage(bucket = ""): string {
  if (bucket === "") {
    return "This URL has no bucket and no key. GET /v1/artifacts lists the buckets, and PUT /v1/content/{bucket}/{key} saves an artifact.";
  }
  const name = namesForUrl([bucket]);
  return `This URL has a bucket, but no key. GET /v1/artifacts/${name} lists the artifacts of the bucket, and PUT /v1/content/${name}/{key} saves one.`;
}

/**
 * Returns a sentence that names the request which does what a client wants with a method that its URL does not take;
 * undefined if there is none.
 */
export function otherUrl(method: string, [version, place, ...names]: readonly string[]): string | undefined {
  if (version !== "v1" || names[0]?.startsWith("session:")) return undefined;
  const isSave = ["PUT", "POST", "PATCH"].includes(method);
  if (!isSave && method !== "DELETE") return undefined;
  const given = names.length < 3 && names.at(-1) === "" ? names.slice(0, -1) : names;
  if (place !== "content" && place !== "artifacts") return undefined;
  const request = isSave ? "PUT /v1/content" : "DELETE /v1/artifacts";
  const does = isSave ? "saves" : "deletes";
  if (given.length > 1) return `${request}/${namesForUrl(given)} ${does} it.`;
  const target = given.length === 0 ? "{bucket}/{key}" : `${namesForUrl(given)}/{key}`;
  return `${request}/${target} ${does} an artifact.`;
}

/**
 * Returns a bucket, and a key if there is one, percent-encoded for a URL. Names that are too long become
 * `{bucket}/{key}`.
 */
function namesForUrl([bucket = "", ...key]: readonly string[]): string {
  const names = [encodeSegment(bucket), ...(key.length === 0 ? [] : [encodeKey(key.join("/"))])].join("/");
  if (names.length <= maxRepeatedChars) return names;
  return key.length === 0 ? "{bucket}" : "{bucket}/{key}";
}
