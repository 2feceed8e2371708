import { type Artifact, toArtifact } from "../model/artifact.js";
import type { Page, PageOptions } from "../model/cursor.js";
import { openPieces } from "../pieces/piece-reader.js";
import type { BucketSummary } from "../ports/artifact-index.js";
import type { Digests } from "../ports/digests.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import { noTransferUrls } from "../ports/transfer-urls.js";
import {
  type AlreadyDeleted,
  ArtifactDeletion,
  type DeleteArtifact,
  type DeletedArtifact,
} from "./artifact-deletion.js";
import {
  ArtifactListings,
  type ArtifactListingsDependencies,
  type ArtifactPage,
  type ListArtifacts,
  type ListBuckets,
} from "./artifact-listings.js";
import { ArtifactSaves, type ArtifactSavesDependencies, type SaveArtifact } from "./artifact-saves.js";
import { type ArtifactSearchDependencies, type SearchArtifacts, searchArtifacts } from "./artifact-search.js";
import { ArtifactUpdate, type UpdateArtifact } from "./artifact-update.js";
import { ArtifactCopy, type ArtifactCopyDependencies, type CopyOptions } from "./copy/artifact-copy.js";
import type { CopiedArtifact, CopyArtifact } from "./copy/copy-request.js";
import { type CopyResult, type CopyUnder, copyUnder } from "./copy/copy-under.js";
import { findVersion } from "./find-version.js";
import { bucketSizes, type FolderSizes, folderSizes } from "./folder-sizes.js";
import { ManySaves } from "./many-saves.js";
import { damaged, type OpenArtifact, openArtifact } from "./open-artifact.js";
import {
  type DeletedUnder,
  type DeleteUnder,
  type DeleteUnderOptions,
  type MatchedUnder,
  PrefixDeletion,
  type PrefixDeletionDependencies,
} from "./prefix-deletion.js";
import { smallContents } from "./small-contents.js";

export interface ArtifactStoreDependencies
  extends ArtifactSavesDependencies,
    ArtifactListingsDependencies,
    ArtifactSearchDependencies,
    ArtifactCopyDependencies,
    PrefixDeletionDependencies {
  readonly metadata: MetadataStore;
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
  readonly #manySaves: ManySaves;
  readonly #updates: ArtifactUpdate;
  readonly #listings: ArtifactListings;
  readonly #copies: ArtifactCopy;
  readonly #deletion: ArtifactDeletion;
  readonly #prefixDeletion: PrefixDeletion;

  constructor(dependencies: ArtifactStoreDependencies) {
    this.#dependencies = dependencies;
    this.#saves = new ArtifactSaves(dependencies);
    this.#manySaves = new ManySaves(dependencies, this.#saves);
    this.#updates = new ArtifactUpdate(dependencies);
    this.#listings = new ArtifactListings(dependencies);
    this.#copies = new ArtifactCopy(dependencies);
    this.#deletion = new ArtifactDeletion(dependencies);
    this.#prefixDeletion = new PrefixDeletion(dependencies);
  }

  /** @throws as `ArtifactSaves.save` does */
  async save(wanted: SaveArtifact): Promise<Artifact> {
    return this.#saves.save(wanted);
  }

  /** Saves several contents of one bucket. @throws as `ManySaves.saveAll` does */
  async saveMany(bucket: string, wanted: readonly SaveArtifact[]): Promise<PromiseSettledResult<Artifact>[]> {
    return this.#manySaves.saveAll(bucket, wanted);
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

  /** The contents of several small versions, as `smallContents` reads them. */
  async readSmall(
    wanted: readonly Pick<Artifact, "bucket" | "key" | "version">[],
  ): Promise<(Uint8Array | undefined)[]> {
    return smallContents(this.#dependencies, wanted);
  }

  /** Copies or moves an artifact to another key. @throws as `ArtifactCopy.run` does */
  async copy(wanted: CopyArtifact, options?: CopyOptions): Promise<CopiedArtifact> {
    return this.#copies.run(wanted, options);
  }

  /** Copies or moves all that is under a folder. @throws as `copyUnder` does */
  copyUnder(wanted: CopyUnder, options?: CopyOptions): AsyncGenerator<CopyResult, void, undefined> {
    return copyUnder(this, wanted, options);
  }

  /** Deletes one version, or all. @throws as `ArtifactDeletion.delete` does */
  async delete(bucket: string, key: string, options?: DeleteArtifact): Promise<DeletedArtifact | AlreadyDeleted> {
    return this.#deletion.delete(bucket, key, options);
  }

  /** Counts, and then deletes, the artifacts under a prefix. @throws as `PrefixDeletion.run` does */
  async deleteUnder(wanted: DeleteUnder, options?: DeleteUnderOptions): Promise<MatchedUnder | DeletedUnder> {
    return this.#prefixDeletion.run(wanted, options);
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

  /** @throws as `searchArtifacts` does */
  async search(wanted: SearchArtifacts): Promise<Page<Artifact>> {
    return searchArtifacts(this.#dependencies, wanted);
  }

  /** The buckets, in order. */
  async listBuckets(options: ListBuckets): Promise<Page<BucketSummary>> {
    return this.#listings.listBuckets(options);
  }

  /** Adds up each bucket. @throws as `bucketSizes` does */
  bucketSizes(signal?: AbortSignal): AsyncGenerator<FolderSizes, void, undefined> {
    return bucketSizes(this.#dependencies, signal);
  }

  /** Adds up each folder one level below a prefix. @throws as `folderSizes` does */
  folderSizes(bucket: string, prefix: string, signal?: AbortSignal): AsyncGenerator<FolderSizes, void, undefined> {
    return folderSizes(this.#dependencies, bucket, prefix, signal);
  }
}
