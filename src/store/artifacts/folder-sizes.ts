import { setImmediate } from "node:timers/promises";
import { hasExpired } from "../model/expiry.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKeyPrefix } from "../model/names/key-name.js";
import { parseArtifactRow, type Version } from "../model/records.js";
import { artifactKey, artifactPrefix } from "../model/row-keys.js";
import { type MetadataStore, rowsUnder } from "../ports/metadata-store.js";
import { unknownBucket } from "./artifact-listings.js";

/** What lies in one place of the store. Content that several versions share on the disk counts for each. */
export interface Sizes {
  /** Number of keys. */
  readonly artifacts: number;
  /** Bytes of their newest versions. */
  readonly bytes: number;
  readonly versions: number;
  /** Bytes of all versions that are kept. */
  readonly all_bytes: number;
}

/** The sizes of a bucket; with `prefix` of the keys in it that begin so. */
export interface FolderSizes extends Sizes {
  readonly bucket: string;
  /** It ends with a slash. Of the keys that lie in no deeper folder it is the prefix that was asked for. */
  readonly prefix?: string;
}

export interface FolderSizesDependencies {
  readonly metadata: Pick<MetadataStore, "range">;
  readonly nowSeconds: () => number;
}

/** Rows of one read. A row has all versions of a key. */
const pageRows = 500;

/**
 * Adds up each bucket, in order, without keys that have expired. It reads every row.
 *
 * @throws the reason of `signal` when it aborts
 */
export async function* bucketSizes(
  dependencies: FolderSizesDependencies,
  signal?: AbortSignal,
): AsyncGenerator<FolderSizes, void, undefined> {
  let current: FolderSizes | undefined;
  for await (const { bucket, sizes } of liveKeys(dependencies, artifactPrefix, signal)) {
    if (current !== undefined && current.bucket !== bucket) yield current;
    current = current?.bucket === bucket ? { bucket, ...addSizes(current, sizes) } : { bucket, ...sizes };
  }
  if (current !== undefined) yield current;
}

/**
 * Adds up each folder one level below a prefix, in order, and at last the keys that lie in none of them. Keys that have
 * expired do not count. It reads every row under the prefix.
 *
 * @throws ArtifactError `bucket_not_found` if the bucket has no artifact; the reason of `signal` when it aborts
 */
export async function* folderSizes(
  dependencies: FolderSizesDependencies,
  bucket: string,
  wantedPrefix: string,
  signal?: AbortSignal,
): AsyncGenerator<FolderSizes, void, undefined> {
  checkBucket(bucket);
  const prefix = toKeyPrefix(wantedPrefix);
  let folder: FolderSizes | undefined;
  let others: FolderSizes | undefined;
  for await (const { key, sizes } of liveKeys(dependencies, artifactKey(bucket, prefix), signal)) {
    const end = key.indexOf("/", prefix.length);
    if (end < 0) {
      others = { bucket, prefix, ...addSizes(others, sizes) };
      continue;
    }
    const name = key.slice(0, end + 1);
    if (folder !== undefined && folder.prefix !== name) yield folder;
    folder = { bucket, prefix: name, ...addSizes(folder?.prefix === name ? folder : undefined, sizes) };
  }
  if (folder !== undefined) yield folder;
  if (others !== undefined) yield others;
  if (folder === undefined && others === undefined && prefix === "") throw unknownBucket(bucket);
}

async function* liveKeys(
  { metadata, nowSeconds }: FolderSizesDependencies,
  prefix: string,
  signal: AbortSignal | undefined,
) {
  let rows = 0;
  for await (const stored of rowsUnder(metadata, prefix, pageRows)) {
    rows += 1;
    if (rows % pageRows === 0) await setImmediate(); // an engine may answer at once, so other work would have no turn
    signal?.throwIfAborted();
    const { bucket, key, versions } = parseArtifactRow(stored).value;
    const [newest] = versions;
    if (newest === undefined || hasExpired(newest, nowSeconds())) continue;
    yield { bucket, key, sizes: sizesOf(newest.bytes, versions) };
  }
}

function sizesOf(bytes: number, versions: readonly Version[]): Sizes {
  const all_bytes = versions.reduce((sum, version) => sum + version.bytes, 0);
  return { artifacts: 1, bytes, versions: versions.length, all_bytes };
}

/** Both together. */
export function addSizes(sizes: Sizes | undefined, more: Sizes): Sizes {
  if (sizes === undefined) return more;
  return {
    artifacts: sizes.artifacts + more.artifacts,
    bytes: sizes.bytes + more.bytes,
    versions: sizes.versions + more.versions,
    all_bytes: sizes.all_bytes + more.all_bytes,
  };
}
