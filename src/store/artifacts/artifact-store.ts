import { type Artifact, toArtifact } from "../model/artifact.js";
import type { Page, PageOptions } from "../model/cursor.js";
import { isGuardMet } from "../model/guard.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import type { Version } from "../model/records.js";
import { openPieces } from "../pieces/piece-reader.js";
import type { ContentStore } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import { noTransferUrls } from "../ports/transfer-urls.js";
import type { Ender } from "../publication/ender.js";
import {
  ArtifactListings,
  type ArtifactListingsDependencies,
  type ArtifactPage,
  type ListArtifacts,
  type ListBuckets,
} from "./artifact-listings.js";
import { ArtifactSaves, type ArtifactSavesDependencies, type SaveArtifact } from "./artifact-saves.js";
import { ArtifactUpdate, type UpdateArtifact } from "./artifact-update.js";
import { findVersion, guardNotMet, unknownVersion } from "./find-version.js";
import { damaged, type OpenArtifact, openArtifact } from "./open-artifact.js";

export interface DeleteArtifact {
  /** All versions by default. */
  readonly version?: number | undefined;
  /** The newest version must have this number. */
  readonly if_version?: number | undefined;
  /** The `edit` that the version `if_version` must have; 0 if absent. */
  readonly if_edit?: number | undefined;
}

export interface ArtifactStoreDependencies extends ArtifactSavesDependencies, ArtifactListingsDependencies {
  readonly content: ContentStore;
  readonly ender: Ender;
  readonly digests: Digests;
}

/**
 * The use cases on published artifacts.
 *
 * @throws ArtifactError `invalid_argument` from every method for a bucket or key that breaks the rules, and
 * `corrupt` if a row cannot be read
 */
export class ArtifactStore {
  readonly #dependencies: ArtifactStoreDependencies;
  readonly #saves: ArtifactSaves;
  readonly #updates: ArtifactUpdate;
  readonly #listings: ArtifactListings;

  constructor(dependencies: ArtifactStoreDependencies) {
    this.#dependencies = dependencies;
    this.#saves = new ArtifactSaves(dependencies);
    this.#updates = new ArtifactUpdate(dependencies);
    this.#listings = new ArtifactListings(dependencies);
  }

  /** @throws as `ArtifactSaves.save` does */
  async save(wanted: SaveArtifact): Promise<Artifact> {
    return this.#saves.save(wanted);
  }

  /** Checks a save before its bytes are fetched. Returns the key as it will be stored. @throws as `ArtifactSaves.check` */
  checkSave(wanted: Omit<SaveArtifact, "bytes">, bytes: number): string {
    return this.#saves.check(wanted, bytes);
  }

  /** A version, the newest by default. @throws ArtifactError `artifact_not_found` */
  async get(bucket: string, key: string, version?: number): Promise<Artifact> {
    const { rows, urls } = this.#dependencies;
    const { row, found } = await findVersion(rows, bucket, key, version);
    return toArtifact(row.value.bucket, row.value.key, found, urls);
  }

  /** Opens the content of a version, which the caller closes. @throws ArtifactError `artifact_not_found`, `corrupt` */
  async open(bucket: string, key: string, version?: number): Promise<OpenArtifact> {
    const { rows, digests } = this.#dependencies;
    for (;;) {
      const { row, found } = await findVersion(rows, bucket, key, version);
      const artifact = toArtifact(bucket, row.value.key, found, noTransferUrls); // a caller that reads here needs no link
      const reader = await openPieces(this.#dependencies, found.session, found.pieces);
      if (reader !== undefined) return openArtifact(artifact, reader, digests);
      // A piece is gone. If the row is unchanged, the piece was lost; else the version was deleted.
      const again = await rows.artifact(bucket, row.value.key);
      if (again?.text === row.text) throw damaged(artifact);
    }
  }

  /**
   * Deletes one version, or all. Returns the deleted version, or the newest of all. When it resolves, the space is free
   * and the deletion survives power loss.
   *
   * @throws ArtifactError `artifact_not_found`, `version_conflict`
   */
  async delete(bucket: string, name: string, options: DeleteArtifact = {}): Promise<Artifact> {
    const { ender, quota } = this.#dependencies;
    const { version } = options;
    checkBucket(bucket);
    const key = toKey(name);
    const deleted = await ender.deleteVersions(bucket, key, (versions) => {
      const chosen = version === undefined ? versions : versions.filter((known) => known.version === version);
      if (chosen.length === 0) throw unknownVersion(bucket, key, versions, version);
      if (!isGuardMet(options, versions[0])) throw guardNotMet(options, versions[0]);
      return chosen;
    });
    quota.freed({ storedBytes: deleted.reduce((sum, { bytes }) => sum + bytes, 0) });
    return toArtifact(bucket, key, deleted[0] as Version, noTransferUrls);
  }

  /** @throws as `ArtifactUpdate.update` does */
  async update(wanted: UpdateArtifact): Promise<Artifact> {
    return this.#updates.update(wanted);
  }

  /** @throws as `ArtifactListings.list` does */
  async list(options: ListArtifacts): Promise<ArtifactPage> {
    return this.#listings.list(options);
  }

  /** The newest version of each key in all buckets, in order. */
  async listAll(options: PageOptions): Promise<Page<Artifact>> {
    return this.#listings.listAll(options);
  }

  /** The versions of a key, newest first. @throws ArtifactError `artifact_not_found` */
  async listVersions(bucket: string, key: string, options: PageOptions): Promise<Page<Artifact>> {
    return this.#listings.listVersions(bucket, key, options);
  }

  /** The buckets, in order. */
  async listBuckets(options: ListBuckets): Promise<Page<{ readonly name: string }>> {
    return this.#listings.listBuckets(options);
  }
}
