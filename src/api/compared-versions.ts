import type { ArtifactStore } from "../store/artifacts/artifact-store.js";
import type { VersionAt } from "../store/insight/insight.js";
import { ArtifactError } from "../store/model/errors.js";
import { toKey } from "../store/model/names/key-name.js";
import { quote } from "../store/model/quote.js";

/** What a caller asks to compare. Without `to_bucket` and `to_key`, two versions of one key. */
export interface AskedComparison {
  readonly bucket: string;
  readonly key: string;
  readonly version?: number | undefined;
  readonly to_bucket?: string | undefined;
  readonly to_key?: string | undefined;
  readonly to_version?: number | undefined;
}

/**
 * Returns which two versions a caller means. `after` is the newest version of its key unless `to_version` names
 * another. `before` is `version`; without it, the version before `after` if both have one key, and else the newest.
 *
 * @throws ArtifactError `invalid_argument` if there is no version before `after`, `artifact_not_found`
 */
export async function comparedVersions(
  artifacts: Pick<ArtifactStore, "listVersions">,
  asked: AskedComparison,
): Promise<{ readonly before: VersionAt; readonly after: VersionAt }> {
  const { bucket, key, version, to_bucket = bucket, to_key = key, to_version } = asked;
  const after = { bucket: to_bucket, key: to_key, version: to_version };
  const isSameKey = bucket === to_bucket && toKey(key) === toKey(to_key);
  if (version !== undefined || !isSameKey) return { before: { bucket, key, version }, after };
  const { data } = await artifacts.listVersions(bucket, key, { limit: Number.MAX_SAFE_INTEGER });
  const [last, previous] = data.filter((one) => to_version === undefined || one.version <= to_version);
  if (last === undefined || (to_version !== undefined && last.version !== to_version)) {
    return { before: after, after }; // the version does not exist: to open it says which there are
  }
  if (previous === undefined) throw noneBefore(bucket, last.key, last.version, data.length);
  return {
    before: { bucket, key, version: previous.version },
    after: { bucket, key, version: last.version },
  };
}

function noneBefore(bucket: string, key: string, version: number, versions: number): ArtifactError {
  const name = `${quote(key)} in bucket ${quote(bucket)}`;
  const what =
    versions === 1 ? `${name} has only one version` : `version ${version} is the oldest that is kept of ${name}`;
  const message = `There is nothing to compare with: ${what}.`;
  return new ArtifactError("invalid_argument", message, {
    next: "compare_with_other",
    details: { argument: "to_key", bucket, key, version },
  });
}
