import type { DeleteArtifact } from "../store/artifacts/artifact-deletion.js";
import type { Artifact } from "../store/model/artifact.js";
import type { Store } from "../store/store.js";

/**
 * Deletes an artifact for a caller to whom a deletion of what is gone already is an error.
 *
 * @throws ArtifactError as `ArtifactDeletion.delete` does; `artifact_not_found` also if it was deleted before
 */
export async function deleteOrNotFound(
  { artifacts }: Store,
  bucket: string,
  key: string,
  options: DeleteArtifact,
): Promise<Artifact> {
  for (;;) {
    const answer = await artifacts.delete(bucket, key, options);
    if (!("already_deleted" in answer)) {
      const { deleted_versions: _, last_version: __, ...artifact } = answer;
      return artifact;
    }
    await artifacts.get(bucket, key, options.version); // throws, unless the key was saved again meanwhile
  }
}
