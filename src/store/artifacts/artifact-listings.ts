import { type Artifact, toArtifact } from "../model/artifact.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "../model/cursor.js";
import { ArtifactError } from "../model/errors.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { checkDelimiter, toKeyPrefix } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import { artifactKey, artifactPrefix, parseArtifactRow } from "../model/records.js";
import type { BucketSummary } from "../ports/artifact-index.js";
import type { Entry, MetadataStore, StoredRow } from "../ports/metadata-store.js";
import type { TransferUrls } from "../ports/transfer-urls.js";
import type { Rows } from "../rows.js";
import { findVersion } from "./find-version.js";

export interface ListArtifacts extends PageOptions {
  readonly bucket: string;
  readonly prefix?: string | undefined;
  /** One character of a key, usually `/`. */
  readonly delimiter?: string | undefined;
}

export interface ArtifactPage extends Page<Artifact> {
  /** With a delimiter: the beginnings of deeper keys, each up to its next delimiter. */
  readonly prefixes: string[];
}

export interface ListBuckets extends PageOptions {
  readonly prefix?: string;
}

export interface ArtifactListingsDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly urls: TransferUrls;
  readonly nowSeconds: () => number;
}

/** Pages of artifacts, versions and buckets. A page costs the same in a store of any size. */
export class ArtifactListings {
  readonly #dependencies: ArtifactListingsDependencies;

  constructor(dependencies: ArtifactListingsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The newest version of each key in a bucket, in order. @throws ArtifactError `bucket_not_found` */
  async list({ bucket, delimiter, ...options }: ListArtifacts): Promise<ArtifactPage> {
    const { metadata } = this.#dependencies;
    checkBucket(bucket);
    const prefix = toKeyPrefix(options.prefix ?? "");
    if (delimiter !== undefined) checkDelimiter(delimiter);
    const scope = ["artifacts", bucket, prefix, delimiter ?? ""];
    const bucketPrefix = artifactKey(bucket, "");
    const result =
      delimiter === undefined
        ? { ...(await this.#pageOfRows(bucketPrefix + prefix, scope, options)), prefixes: [] }
        : await this.#groupedPage(bucketPrefix, prefix, delimiter, scope, options);
    const isEmpty = result.data.length === 0 && result.prefixes.length === 0;
    if (isEmpty && (await metadata.range(bucketPrefix, { limit: 1 })).length === 0) throw unknownBucket(bucket);
    return result;
  }

  /** The newest version of each key in all buckets, in order. */
  async listAll(options: PageOptions): Promise<Page<Artifact>> {
    return this.#pageOfRows(artifactPrefix, ["all"], options);
  }

  /** The versions of a key, newest first. @throws ArtifactError `artifact_not_found` */
  async listVersions(bucket: string, name: string, { cursor, limit }: PageOptions): Promise<Page<Artifact>> {
    const { rows, urls } = this.#dependencies;
    const { row } = await findVersion(rows, bucket, name);
    const { key, versions } = row.value;
    const scope = ["versions", bucket, key];
    const after = decodeCursor(scope, cursor);
    const rest = versions.filter(({ version }) => after === undefined || version < Number(after));
    const data = rest.slice(0, limit).map((version) => toArtifact(bucket, key, version, urls));
    return page(data, rest.length > limit, scope, String(data.at(-1)?.version));
  }

  /** The buckets whose name begins with `prefix`, in order. A bucket exists while it holds an artifact. */
  async listBuckets({ cursor, limit, prefix = "" }: ListBuckets): Promise<Page<BucketSummary>> {
    const { metadata, nowSeconds } = this.#dependencies;
    const scope = ["buckets", prefix];
    const after = decodeCursor(scope, cursor);
    const found = await metadata.buckets({ prefix, now: nowSeconds(), limit: limit + 1, after });
    return page(found.slice(0, limit), found.length > limit, scope, found[limit - 1]?.name);
  }

  async #pageOfRows(prefix: string, scope: readonly string[], { cursor, limit }: PageOptions): Promise<Page<Artifact>> {
    const after = decodeCursor(scope, cursor);
    const found = await this.#dependencies.metadata.range(prefix, { after, limit: limit + 1 });
    return page(
      found.slice(0, limit).map((row) => this.#newestOf(row)),
      found.length > limit,
      scope,
      found[limit - 1]?.key,
    );
  }

  async #groupedPage(
    bucketPrefix: string,
    prefix: string,
    delimiter: string,
    scope: readonly string[],
    { cursor, limit }: PageOptions,
  ): Promise<ArtifactPage> {
    const after = decodeCursor(scope, cursor);
    const options = { after, limit: limit + 1 };
    const found = await this.#dependencies.metadata.grouped(bucketPrefix + prefix, delimiter, options);
    const entries = found.slice(0, limit);
    const data = entries.flatMap((entry) => ("row" in entry ? [this.#newestOf(entry.row)] : []));
    const prefixes = entries.flatMap((entry) => ("group" in entry ? [entry.group.slice(bucketPrefix.length)] : []));
    const last = entries.at(-1);
    return { ...page(data, found.length > limit, scope, last && positionOf(last)), prefixes };
  }

  #newestOf(stored: StoredRow): Artifact {
    const row = parseArtifactRow(stored);
    const { bucket, key, versions } = row.value;
    const [newest] = versions;
    if (newest === undefined) throw new Error(`${row.key} has no version`);
    return toArtifact(bucket, key, newest, this.#dependencies.urls);
  }
}

function page<Item>(data: Item[], hasMore: boolean, scope: readonly string[], last: string | undefined): Page<Item> {
  return hasMore && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
}

function positionOf(entry: Entry): string {
  return "row" in entry ? entry.row.key : entry.group;
}

function unknownBucket(bucket: string): ArtifactError {
  const message = `There is no bucket ${quote(bucket)}: a bucket exists while it holds an artifact.`;
  return new ArtifactError("bucket_not_found", message, { next: "see_buckets", details: { bucket } });
}
