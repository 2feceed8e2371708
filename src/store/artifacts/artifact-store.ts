import { artifactTooLarge } from "./appending.js";
import {
  type Artifact,
  checkBucket,
  checkKey,
  checkMetadata,
  checkMimeType,
  mimeTypeOf,
  quote,
  sha256Of,
  toArtifact,
} from "./artifact.js";
import type { BlobStore } from "./blob-store.js";
import type { ChangeSignal } from "./changes.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "./cursor.js";
import type { Digests } from "./digests.js";
import { ArtifactError } from "./errors.js";
import { maxKeyChars } from "./limits.js";
import { type Links, noLinks } from "./links.js";
import type { Log } from "./log.js";
import type { Entry, MetadataStore, StoredRow } from "./metadata-store.js";
import { damaged, type OpenArtifact, openArtifact } from "./open-artifact.js";
import type { Publisher } from "./publish.js";
import { withReserve } from "./reserve.js";
import {
  type ArtifactRow,
  artifactKey,
  artifactPrefix,
  parseArtifactRow,
  type Rows,
  type SessionRecord,
  type SessionRow,
  type Version,
  versionOf,
} from "./rows.js";
import { isGuardMet, isIdentical, versionConflict } from "./upload-session.js";
import { chunkTooLarge } from "./uploads.js";
import type { Usage } from "./usage.js";

export interface SaveArtifact {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Left out, it is told from the key, else `otherwise`. */
  readonly mime_type?: string | undefined;
  readonly otherwise: string;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
}

export interface ListArtifacts extends PageOptions {
  readonly bucket: string;
  readonly prefix?: string | undefined;
  /** One character of a key, usually `/`. */
  readonly delimiter?: string | undefined;
}

export interface ArtifactPage extends Page<Artifact> {
  /** With a delimiter: what deeper keys begin with. */
  readonly prefixes: string[];
}

export interface ListBuckets extends PageOptions {
  readonly prefix?: string;
}

export interface ArtifactStoreDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly digests: Digests;
  readonly publisher: Publisher;
  readonly usage: Usage;
  readonly changes: ChangeSignal;
  readonly links: Links;
  readonly log: Log;
  readonly nowSeconds: () => number;
  readonly newId: () => string;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
}

/**
 * The use cases on published artifacts.
 *
 * @throws ArtifactError `invalid_argument` from every method for a bucket or key that breaks the rules, and
 * `corrupt` where a row cannot be read
 */
export class ArtifactStore {
  readonly #dependencies: ArtifactStoreDependencies;

  constructor(dependencies: ArtifactStoreDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Saves a new version; content, type and metadata that the newest version has already make none and return it.
   * The answer means that it survives power loss.
   *
   * @throws ArtifactError `version_conflict`, `too_large`, `storage_full`
   */
  async save(artifact: SaveArtifact): Promise<Artifact> {
    const { bucket, key, bytes } = artifact;
    const record = this.#newSave(artifact);
    const row = await this.#dependencies.rows.artifact(bucket, key);
    const newest = row?.value.versions[0];
    if (newest !== undefined && isIdentical(newest, record)) return this.#show(bucket, key, newest);
    if (!isGuardMet(record, newest)) throw versionConflict(record, newest?.version ?? 0);
    const version = await this.#dependencies.usage.during({ storedBytes: bytes.length }, () =>
      this.#publish(record, bytes, row),
    );
    return this.#show(bucket, key, version);
  }

  /** For who has yet to fetch the bytes of a save. @throws ArtifactError `invalid_argument`, `too_large` */
  checkSave({ bucket, key, mime_type, metadata = {} }: Omit<SaveArtifact, "bytes">, bytes: number): void {
    const { maxChunkBytes, maxArtifactBytes } = this.#dependencies;
    checkBucket(bucket);
    checkKey(key);
    if (mime_type !== undefined) checkMimeType(mime_type);
    checkMetadata(metadata);
    if (bytes > maxArtifactBytes) throw artifactTooLarge(bytes, maxArtifactBytes);
    if (bytes > maxChunkBytes) throw chunkTooLarge(bytes, maxChunkBytes, useSession);
  }

  /** The newest version unless told otherwise. @throws ArtifactError `artifact_not_found` */
  async get(bucket: string, key: string, version?: number): Promise<Artifact> {
    return this.#show(bucket, key, (await this.#find(bucket, key, version)).found);
  }

  /** The caller closes it. @throws ArtifactError `artifact_not_found`, `corrupt` */
  async open(bucket: string, key: string, version?: number): Promise<OpenArtifact> {
    const { rows, blobs, digests } = this.#dependencies;
    for (;;) {
      const { row, found } = await this.#find(bucket, key, version);
      const artifact = this.#show(bucket, key, found);
      const reader = await blobs.openBlob(found.session);
      if (reader !== undefined) return openArtifact(artifact, reader, digests);
      // Deleted meanwhile, or lost: only a row that still names it says which.
      if ((await rows.artifact(bucket, key))?.text === row.text) throw damaged(artifact);
    }
  }

  /**
   * Deletes one version, or all, and answers what it was (of all, the newest). The space is free and the deletion
   * survives power loss once this resolves.
   *
   * @throws ArtifactError `artifact_not_found`
   */
  async delete(bucket: string, key: string, version?: number): Promise<Artifact> {
    const { blobs, publisher, changes, usage, log } = this.#dependencies;
    const { found, going } = await withReserve(blobs, () => this.#deleteRow(bucket, key, version));
    changes.announce();
    usage.freed({ storedBytes: going.reduce((bytes, version) => bytes + version.bytes, 0) });
    // It is deleted. What cannot be freed now keeps its `freed` row, for the sweep.
    await withReserve(blobs, () => publisher.release(going)).catch((error) =>
      log("warn", "blobs_left_behind", { bucket, key, error: String(error) }),
    );
    return toArtifact(bucket, key, found, noLinks);
  }

  /** The newest version of each key, in order. @throws ArtifactError `bucket_not_found` */
  async list({ bucket, prefix = "", delimiter, ...options }: ListArtifacts): Promise<ArtifactPage> {
    const { metadata } = this.#dependencies;
    checkBucket(bucket);
    checkListing(prefix, delimiter);
    const scope = ["artifacts", bucket, prefix, delimiter ?? ""];
    const begins = artifactKey(bucket, "");
    const result =
      delimiter === undefined
        ? { ...(await this.#pageOfRows(begins + prefix, scope, options)), prefixes: [] }
        : await this.#groupedPage(begins, prefix, delimiter, scope, options);
    const isEmpty = result.data.length === 0 && result.prefixes.length === 0;
    if (isEmpty && (await metadata.range(begins, { limit: 1 })).length === 0) throw unknownBucket(bucket);
    return result;
  }

  /** Every artifact of every bucket, in order. */
  async listAll(options: PageOptions): Promise<Page<Artifact>> {
    return this.#pageOfRows(artifactPrefix, ["all"], options);
  }

  /** Newest first. @throws ArtifactError `artifact_not_found` */
  async listVersions(bucket: string, key: string, { cursor, limit }: PageOptions): Promise<Page<Artifact>> {
    const { row } = await this.#find(bucket, key);
    const scope = ["versions", bucket, key];
    const after = decodeCursor(scope, cursor);
    const rest = row.value.versions.filter(({ version }) => after === undefined || version < Number(after));
    const data = rest.slice(0, limit).map((version) => this.#show(bucket, key, version));
    return page(data, rest.length > limit, scope, String(data.at(-1)?.version));
  }

  /** In order; only those whose name begins with `prefix`. */
  async listBuckets({ cursor, limit, prefix = "" }: ListBuckets): Promise<Page<{ readonly name: string }>> {
    const scope = ["buckets", prefix];
    const after = decodeCursor(scope, cursor);
    // The delimiter is looked for behind the prefix: a bucket's group is `artifact:<bucket>:`.
    const found = await this.#dependencies.metadata.grouped(artifactPrefix + prefix, ":", { after, limit: limit + 1 });
    const data = found.slice(0, limit).map((entry) => ({ name: positionOf(entry).split(":")[1] ?? "" }));
    const last = found[limit - 1];
    return page(data, found.length > limit, scope, last && positionOf(last));
  }

  #show(bucket: string, key: string, version: Version): Artifact {
    return toArtifact(bucket, key, version, this.#dependencies.links);
  }

  #newestOf(stored: StoredRow): Artifact {
    const row = parseArtifactRow(stored);
    const { bucket, key, versions } = row.value;
    const [newest] = versions;
    if (newest === undefined) throw new Error(`${row.key} has no version`);
    return this.#show(bucket, key, newest);
  }

  async #find(bucket: string, key: string, version?: number): Promise<{ row: ArtifactRow; found: Version }> {
    checkBucket(bucket);
    checkKey(key);
    const row = await this.#dependencies.rows.artifact(bucket, key);
    if (row === undefined) throw unknownArtifact(bucket, key);
    const { versions } = row.value;
    const found = version === undefined ? versions[0] : versions.find((known) => known.version === version);
    if (found === undefined) throw unknownVersion(row, version);
    return { row, found };
  }

  /** @throws ArtifactError `invalid_argument`, `too_large` */
  #newSave(artifact: SaveArtifact): SessionRecord {
    const { newId, nowSeconds } = this.#dependencies;
    const { bucket, key, bytes, metadata = {}, if_version } = artifact;
    this.checkSave(artifact, bytes.length);
    const mime_type = artifact.mime_type ?? mimeTypeOf(key, artifact.otherwise);
    const sha256 = sha256Of(bytes);
    const created_at = nowSeconds();
    return {
      ...{ id: newId(), origin: "save", bucket, key, mime_type, metadata },
      ...{ size: bytes.length, sha256: null, if_version: if_version ?? null },
      ...{
        status: "completing",
        offset: bytes.length,
        segments: [],
        sealed: { sha256, over: null, at: created_at },
        artifact: null,
      },
      ...{ created_at, expires_at: created_at },
    };
  }

  async #publish(record: SessionRecord, bytes: Uint8Array, row: ArtifactRow | undefined): Promise<Version> {
    const { publisher } = this.#dependencies;
    try {
      const ending = await publisher.commit(await this.#stage(record, bytes), { read: { row } });
      if (ending.kind === "published") return ending.version;
      if (ending.kind === "held") throw versionConflict(record, ending.newest);
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "version_conflict") throw error;
      const version = await this.#giveUp(record);
      if (version !== undefined) return version; // it failed behind the commit point
      if (!isOfBytes(error, record)) throw error;
    }
    // A sweep took it for a dead process's, from its row or before it had one.
    throw new ArtifactError("internal", "Saving took too long and was given up. Nothing was saved: save it again.");
  }

  /** The staged bytes and their session, `completing` from its first moment. */
  async #stage(record: SessionRecord, bytes: Uint8Array): Promise<SessionRow> {
    const { rows, blobs } = this.#dependencies;
    const writer = await blobs.createSegment(record.id, 0);
    try {
      await writer.write(bytes);
      await writer.sync();
    } finally {
      await writer.close();
    }
    const segments = [{ name: writer.name, bytes: bytes.length }];
    const row = await rows.insertSession({ ...record, segments });
    if (row === undefined) throw new Error(`session id ${record.id} was given twice`);
    return row;
  }

  /** Leaves nothing of a save that failed; answers the version where it had been published all the same. */
  async #giveUp(record: SessionRecord): Promise<Version | undefined> {
    const { blobs, log } = this.#dependencies;
    try {
      return await withReserve(blobs, () => this.#takeBack(record));
    } catch (error) {
      log("warn", "save_left_behind", { session: record.id, error: String(error) }); // the sweep's
      return undefined;
    }
  }

  async #takeBack({ id, bucket, key }: SessionRecord): Promise<Version | undefined> {
    const { rows, publisher } = this.#dependencies;
    const session = await rows.session(id);
    if (session !== undefined) await publisher.end(session, "aborted");
    const version = versionOf(await rows.artifact(bucket, key), id);
    if (version === undefined && session === undefined) await publisher.free(id);
    return version;
  }

  /** Takes the versions out of the artifact row: the commit point of a deletion. */
  async #deleteRow(bucket: string, key: string, version?: number): Promise<{ found: Version; going: Version[] }> {
    const { rows, publisher } = this.#dependencies;
    for (;;) {
      const { row, found } = await this.#find(bucket, key, version);
      const { last, versions } = row.value;
      const going = version === undefined ? versions : [found];
      const staying = versions.filter((known) => !going.includes(known));
      await publisher.announce(bucket, key, going);
      const next = staying.length === 0 ? undefined : { bucket, key, last, versions: staying };
      try {
        if (await rows.replaceArtifact(row.key, row, next)) return { found, going };
      } catch (error) {
        // It may have happened all the same; the row says so.
        const now = await rows.artifact(bucket, key);
        if (going.some(({ session }) => versionOf(now, session) !== undefined)) throw error;
        return { found, going };
      }
    }
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
    begins: string,
    prefix: string,
    delimiter: string,
    scope: readonly string[],
    { cursor, limit }: PageOptions,
  ): Promise<ArtifactPage> {
    const after = decodeCursor(scope, cursor);
    const options = { after, limit: limit + 1 };
    const found = await this.#dependencies.metadata.grouped(begins + prefix, delimiter, options);
    const entries = found.slice(0, limit);
    const data = entries.flatMap((entry) => ("row" in entry ? [this.#newestOf(entry.row)] : []));
    const prefixes = entries.flatMap((entry) => ("group" in entry ? [entry.group.slice(begins.length)] : []));
    const last = entries.at(-1);
    return { ...page(data, found.length > limit, scope, last && positionOf(last)), prefixes };
  }
}

/** The staged bytes of a save are gone, which nobody but its caller has to hear of. */
function isOfBytes(error: unknown, { id }: SessionRecord): boolean {
  return error instanceof ArtifactError && error.code === "corrupt" && error.details["session_id"] === id;
}

const useSession = "Create a session with create_upload_session and send the content in chunks.";

function page<Item>(data: Item[], hasMore: boolean, scope: readonly string[], last: string | undefined): Page<Item> {
  return hasMore && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
}

function positionOf(entry: Entry): string {
  return "row" in entry ? entry.row.key : entry.group;
}

/** @throws ArtifactError `invalid_argument` */
function checkListing(prefix: string, delimiter: string | undefined): void {
  if (!/^[A-Za-z0-9_./-]*$/.test(prefix) || prefix.length > maxKeyChars) {
    throw new ArtifactError(
      "invalid_argument",
      `prefix ${quote(prefix)} is not valid: it is the beginning of a key, at most ${maxKeyChars} of A-Z a-z 0-9 _ - . /`,
      { argument: "prefix" },
    );
  }
  if (delimiter !== undefined && !/^[A-Za-z0-9_./-]$/.test(delimiter)) {
    throw new ArtifactError(
      "invalid_argument",
      `delimiter ${quote(delimiter)} is not valid: it is one character of a key, usually "/".`,
      { argument: "delimiter" },
    );
  }
}

function unknownBucket(bucket: string): ArtifactError {
  return new ArtifactError(
    "bucket_not_found",
    `There is no bucket ${quote(bucket)}: a bucket exists while it holds an artifact. See list_buckets; to make it, save into it.`,
    { bucket },
  );
}

function unknownArtifact(bucket: string, key: string): ArtifactError {
  return new ArtifactError(
    "artifact_not_found",
    `There is no artifact ${quote(key)} in bucket ${quote(bucket)}. See list_artifacts; case counts. If it was still being uploaded, list_upload_sessions shows it.`,
    { bucket, key },
  );
}

function unknownVersion({ value: { bucket, key, versions } }: ArtifactRow, version = 0): ArtifactError {
  const newest = versions[0]?.version ?? 0;
  return new ArtifactError(
    "artifact_not_found",
    `There is no version ${version} of ${quote(key)} in bucket ${quote(bucket)}; the newest is ${newest}. See list_artifact_versions.`,
    { bucket, key, version, newest_version: newest },
  );
}
