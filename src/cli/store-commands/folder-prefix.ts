import type { ArtifactStore } from "../../store/artifacts/artifact-store.js";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import type { Address } from "./address.js";

/**
 * The prefix that an address means: `march` is the folder `march/` if there is one, else all keys that begin with
 * `march`. Empty for the whole bucket.
 *
 * @throws ArtifactError `artifact_not_found` if no key begins so; `bucket_not_found`, `invalid_argument`
 */
export async function folderPrefix(artifacts: Pick<ArtifactStore, "list">, address: Address): Promise<string> {
  const { bucket, key } = address;
  const isPresent = async (prefix: string): Promise<boolean> => {
    const { data } = await artifacts.list({ bucket, prefix, limit: 1 });
    return data.length > 0;
  };
  if (key !== "" && !key.endsWith("/") && (await isPresent(`${key}/`))) return `${key}/`;
  if (await isPresent(key)) return key;
  const wildcards = /[*?]/.test(key) ? " An address has no wildcards: it is a folder, or the beginning of keys." : "";
  const message = `There is nothing under ${quote(key)} in bucket ${quote(bucket)}.${wildcards}`;
  throw new ArtifactError("artifact_not_found", message, { next: "see_artifacts", details: { bucket, key } });
}
