import { type Artifact, toArtifact } from "../model/artifact.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "../model/cursor.js";
import { ArtifactError } from "../model/errors.js";
import { hasExpired } from "../model/expiry.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { checkDelimiter, toKeyPrefix } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import { parseArtifactRow } from "../model/records.js";
import { artifactKey, artifactPrefix } from "../model/row-keys.js";
import type { BucketSummary } from "../ports/artifact-index.js";
import { type Entry, type MetadataStore, rowsUnder, type StoredRow } from "../ports/metadata-store.js";
import type { TransferUrls } from "../ports/transfer-urls.js";
import type { Rows } from "../rows.js";
import { filledPage, type Reading } from "./filled-page.js";
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

/** Rows read at a time to find one that has not expired. Usually the first one has not. */
const hasLiveRows = 10;

/**
 * Pages of artifacts, versions and buckets, without keys that have expired. A page costs the same in a store of any size,
 * apart from the expired keys in it that no sweep has freed yet.
 */
export class ArtifactListings {
  readonly #dependencies: ArtifactListingsDependencies;

  constructor(dependencies: ArtifactListingsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The newest version of each key in a bucket, in order. @throws ArtifactError `bucket_not_found` */
  async list({ bucket, delimiter, ...options }: ListArtifacts): Promise<ArtifactPage> {
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
    if (isEmpty && !(await this.#hasLive(bucketPrefix))) throw unknownBucket(bucket);
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
    const reading: Reading<StoredRow, Artifact> = {
      read: (options) => this.#dependencies.metadata.range(prefix, options),
      position: ({ key }) => key,
      show: (row) => this.#newestOf(row),
    };
    const found = await filledPage(reading, { after, limit: limit + 1 });
    const shown = found.slice(0, limit);
    const data = shown.map(({ item }) => item);
    return page(data, found.length > limit, scope, shown.at(-1)?.position);
  }

  async #groupedPage(
    bucketPrefix: string,
    prefix: string,
    delimiter: string,
    scope: readonly string[],
    { cursor, limit }: PageOptions,
  ): Promise<ArtifactPage> {
    const { metadata, nowSeconds } = this.#dependencies;
    const after = decodeCursor(scope, cursor);
    const [anyExpired] = await metadata.expired(nowSeconds(), { skip: 0, limit: 1 });
    const reading: Reading<Entry, Artifact | string> = {
      read: (options) => metadata.grouped(bucketPrefix + prefix, delimiter, options),
      position: positionOf,
      show: async (entry) => {
        if ("row" in entry) return this.#newestOf(entry.row);
        const isShown = anyExpired === undefined || (await this.#hasLive(entry.group));
        return isShown ? entry.group.slice(bucketPrefix.length) : undefined;
      },
    };
    const found = await filledPage(reading, { after, limit: limit + 1 });
    const shown = found.slice(0, limit);
    const data = shown.flatMap(({ item }) => (typeof item === "string" ? [] : [item]));
    const prefixes = shown.flatMap(({ item }) => (typeof item === "string" ? [item] : []));
    return { ...page(data, found.length > limit, scope, shown.at(-1)?.position), prefixes };
  }

  /** Whether an artifact under a prefix has not expired. */
  async #hasLive(prefix: string): Promise<boolean> {
    for await (const row of rowsUnder(this.#dependencies.metadata, prefix, hasLiveRows)) {
      if (this.#newestOf(row) !== undefined) return true;
    }
    return false;
  }

  /** Undefined if the key has expired. */
  #newestOf(stored: StoredRow): Artifact | undefined {
    const { urls, nowSeconds } = this.#dependencies;
    const row = parseArtifactRow(stored);
    const { bucket, key, versions } = row.value;
    const [newest] = versions;
    if (newest === undefined) throw new Error(`${row.key} has no version`);
    return hasExpired(newest, nowSeconds()) ? undefined : toArtifact(bucket, key, newest, urls);
  }
}

function page<Item>(data: Item[], hasMore: boolean, scope: readonly string[], last: string | undefined): Page<Item> {
  return hasMore && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
}

function positionOf(entry: Entry): string {
  return "row" in entry ? entry.row.key : entry.group;
}

export function unknownBucket(bucket: string): ArtifactError {
  const message = `There is no bucket ${quote(bucket)}: a bucket exists while it holds an artifact.`;
  return new ArtifactError("bucket_not_found", message, { next: "see_buckets", details: { bucket } });
}
