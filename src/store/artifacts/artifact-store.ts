import {
  type Artifact,
  checkIdempotencyKey,
  checkMetadata,
  type DescribedContent,
  sha256Of,
  toArtifact,
} from "../model/artifact.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "../model/cursor.js";
import { ArtifactError } from "../model/errors.js";
import type { PieceLimits } from "../model/limits.js";
import { checkMimeType, mimeTypeOf } from "../model/media-type.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { checkDelimiter, toKey, toKeyPrefix } from "../model/names/key-name.js";
import { planPublication, withIdempotencyKey } from "../model/publication-plan.js";
import { quote } from "../model/quote.js";
import {
  type ArtifactRow,
  artifactKey,
  artifactPrefix,
  type Piece,
  parseArtifactRow,
  partsOf,
  type Version,
  versionNumbered,
  versionOf,
} from "../model/records.js";
import { artifactTooLarge, chunkTooLarge, idempotencyConflict, versionConflict } from "../model/session-errors.js";
import { isGuardMet } from "../model/upload-session.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import { openPieces, type PieceStores } from "../pieces/piece-reader.js";
import type { Digests } from "../ports/digests.js";
import type { Entry, MetadataStore, StoredRow } from "../ports/metadata-store.js";
import { noTransferUrls, type TransferUrls } from "../ports/transfer-urls.js";
import type { ChangeSignal } from "../publication/change-signal.js";
import type { Ender } from "../publication/ender.js";
import { addVersion, replaceVersion, versionsOf } from "../publication/key-versions.js";
import type { Quota } from "../publication/quota.js";
import type { KeyRows, Rows } from "../rows.js";
import type { Uploads } from "../uploads/uploads.js";
import { damaged, type OpenArtifact, openArtifact } from "./open-artifact.js";

export interface SaveArtifact {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Left out, it is told from the key, else `otherwise`. */
  readonly mime_type?: string | undefined;
  readonly otherwise: string;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
  /** The guard holds also where the newest version has the same content. */
  readonly isStrict?: boolean | undefined;
  /** A request with a key that a version of this artifact remembers answers with that version. */
  readonly idempotency_key?: string | undefined;
  /** Who saves it, as they told it. */
  readonly saved_by?: string | undefined;
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

export interface DeleteArtifact {
  /** Left out, all versions go. */
  readonly version?: number | undefined;
  /** The newest version has to be this one. */
  readonly if_version?: number | undefined;
}

export interface ListBuckets extends PageOptions {
  readonly prefix?: string;
}

export interface ArtifactStoreDependencies extends PieceStores {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly uploads: Uploads;
  readonly ender: Ender;
  readonly freed: FreedPieces;
  readonly quota: Quota;
  readonly digests: Digests;
  readonly signal: ChangeSignal;
  readonly urls: TransferUrls;
  readonly nowSeconds: () => number;
  readonly newId: () => string;
  readonly keepVersions: number;
  readonly pieceLimits: PieceLimits;
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
   * Saves a new version; content, type and metadata that the newest version has already make none and return it,
   * marked `already_saved`. The answer means that it survives power loss.
   *
   * @throws ArtifactError `version_conflict`, `idempotency_conflict`, `too_large`, `storage_full`
   */
  async save(wanted: SaveArtifact): Promise<Artifact> {
    const { quota, uploads, pieceLimits } = this.#dependencies;
    const { bytes } = wanted;
    const key = this.checkSave(wanted, bytes.length);
    const content: DescribedContent = {
      ...{ sha256: sha256Of(bytes), bytes: bytes.length, metadata: wanted.metadata ?? {} },
      mime_type: wanted.mime_type ?? mimeTypeOf(key, wanted.otherwise),
    };
    const save = { ...wanted, key };
    const found = await this.#existing(save, content);
    if ("artifact" in found) return found.artifact;
    if (bytes.length <= pieceLimits.maxRowPieceBytes) {
      return quota.during({ storedBytes: bytes.length }, () => this.#saveInRow(save, content, found.keyRows));
    }
    const { id, artifact } = await uploads.saveWhole({ ...save, mime_type: content.mime_type }, bytes);
    if (artifact === null) throw new Error(`save ${id} is not complete`);
    return this.#answer({ bucket: wanted.bucket, key }, artifact, artifact.session !== id);
  }

  /**
   * For who has yet to fetch the bytes of a save. Answers the key as it is stored.
   *
   * @throws ArtifactError `invalid_argument`, `too_large`
   */
  checkSave(wanted: Omit<SaveArtifact, "bytes">, bytes: number): string {
    const { maxChunkBytes, maxArtifactBytes } = this.#dependencies;
    const { bucket, mime_type, metadata = {}, idempotency_key } = wanted;
    checkBucket(bucket);
    const key = toKey(wanted.key);
    if (mime_type !== undefined) checkMimeType(mime_type);
    checkMetadata(metadata);
    checkIdempotencyKey(idempotency_key);
    if (bytes > maxArtifactBytes) throw artifactTooLarge(bytes, maxArtifactBytes);
    if (bytes > maxChunkBytes) throw chunkTooLarge(bytes, maxChunkBytes, "upload_in_chunks");
    return key;
  }

  /** The newest version unless told otherwise. @throws ArtifactError `artifact_not_found` */
  async get(bucket: string, key: string, version?: number): Promise<Artifact> {
    const { row, found } = await this.#find(bucket, key, version);
    return this.#show(row.value, found);
  }

  /** The caller closes it. @throws ArtifactError `artifact_not_found`, `corrupt` */
  async open(bucket: string, key: string, version?: number): Promise<OpenArtifact> {
    const { digests } = this.#dependencies;
    for (;;) {
      const { row, found } = await this.#find(bucket, key, version);
      const artifact = toArtifact(bucket, row.value.key, found, noTransferUrls); // who reads it here needs no link to it
      const reader = await openPieces(this.#dependencies, found.session, found.pieces);
      if (reader !== undefined) return openArtifact(artifact, reader, digests);
      // Deleted meanwhile, or lost: only a row that still names it says which.
      const again = await this.#dependencies.rows.artifact(bucket, row.value.key);
      if (again?.text === row.text) throw damaged(artifact);
    }
  }

  /**
   * Deletes one version, or all, and answers what it was (of all, the newest). The space is free and the deletion
   * survives power loss once this resolves.
   *
   * @throws ArtifactError `artifact_not_found`, `version_conflict`
   */
  async delete(bucket: string, name: string, { version, if_version }: DeleteArtifact = {}): Promise<Artifact> {
    const { ender, quota } = this.#dependencies;
    checkBucket(bucket);
    const key = toKey(name);
    const going = await ender.deleteVersions(bucket, key, (versions) => {
      const chosen = version === undefined ? versions : versions.filter((known) => known.version === version);
      if (chosen.length === 0) throw unknown(bucket, key, versions, version);
      if (!isGuardMet(if_version ?? null, versions[0])) throw conflict({ if_version }, versions[0]);
      return chosen;
    });
    quota.freed({ storedBytes: going.reduce((bytes, gone) => bytes + gone.bytes, 0) });
    return toArtifact(bucket, key, going[0] as Version, noTransferUrls);
  }

  /** The newest version of each key, in order. @throws ArtifactError `bucket_not_found` */
  async list({ bucket, delimiter, ...options }: ListArtifacts): Promise<ArtifactPage> {
    const { metadata } = this.#dependencies;
    checkBucket(bucket);
    const prefix = toKeyPrefix(options.prefix ?? "");
    if (delimiter !== undefined) checkDelimiter(delimiter);
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
    const scope = ["versions", bucket, row.value.key];
    const after = decodeCursor(scope, cursor);
    const rest = row.value.versions.filter(({ version }) => after === undefined || version < Number(after));
    const data = rest.slice(0, limit).map((version) => this.#show(row.value, version));
    return page(data, rest.length > limit, scope, String(data.at(-1)?.version));
  }

  /** In order; only those whose name begins with `prefix`. */
  async listBuckets({ cursor, limit, prefix = "" }: ListBuckets): Promise<Page<{ readonly name: string }>> {
    const scope = ["buckets", prefix];
    const after = decodeCursor(scope, cursor);
    // The delimiter is looked for behind the prefix: a bucket's group ends with the tab behind its name.
    const found = await this.#dependencies.metadata.grouped(artifactPrefix + prefix, "\t", { after, limit: limit + 1 });
    const data = found.slice(0, limit).map((entry) => ({ name: partsOf(positionOf(entry))[1] ?? "" }));
    const last = found[limit - 1];
    return page(data, found.length > limit, scope, last && positionOf(last));
  }

  #show({ bucket, key }: Name, version: Version): Artifact {
    return toArtifact(bucket, key, version, this.#dependencies.urls);
  }

  #answer(name: Name, version: Version, isAlreadySaved: boolean): Artifact {
    const artifact = this.#show(name, version);
    return isAlreadySaved ? { ...artifact, already_saved: true } : artifact;
  }

  #newestOf(stored: StoredRow): Artifact {
    const row = parseArtifactRow(stored);
    const [newest] = row.value.versions;
    if (newest === undefined) throw new Error(`${row.key} has no version`);
    return this.#show(row.value, newest);
  }

  async #find(bucket: string, name: string, version?: number): Promise<{ row: ArtifactRow; found: Version }> {
    checkBucket(bucket);
    const key = toKey(name);
    const row = await this.#dependencies.rows.artifact(bucket, key);
    const versions = row?.value.versions ?? [];
    const found = versionNumbered(versions, version);
    if (row === undefined || found === undefined) throw unknown(bucket, key, versions, version);
    return { row, found };
  }

  /** What a save answers without making a version, or the rows by which it has to make one. @throws as `save` does */
  async #existing(save: SaveArtifact, content: DescribedContent): Promise<Existing> {
    const { rows } = this.#dependencies;
    const { bucket, key, idempotency_key } = save;
    for (;;) {
      const keyRows = await rows.ofKey(bucket, key);
      const plan = planPublication(versionsOf(keyRows), publicationOf(save, content));
      if (plan.kind === "new") return { keyRows };
      if (plan.kind === "key used") throw idempotencyConflict(bucket, key, plan.version);
      if (plan.kind === "conflict") throw conflict(save, versionsOf(keyRows)[0]);
      const answered = withIdempotencyKey(plan.version, idempotency_key);
      if (answered === plan.version) return { artifact: this.#answer(save, plan.version, true) };
      const change = rows.begin();
      replaceVersion(change, bucket, key, keyRows, answered);
      if (await change.commit()) return { artifact: this.#answer(save, answered, true) };
    }
  }

  /**
   * Piece and version in one change.
   *
   * @param read the key's rows, which ask for a new version. If they are out of date, the change is not made
   */
  async #saveInRow(save: SaveArtifact, content: DescribedContent, read: KeyRows): Promise<Artifact> {
    const { rows, newId, signal, freed } = this.#dependencies;
    const { bucket, key, bytes, saved_by, idempotency_key } = save;
    const session = newId();
    for (let keyRows = read; ; ) {
      const change = rows.begin();
      const piece: Piece = { name: `0-${newId().slice(0, 16)}`, bytes: bytes.length, in_row: true };
      const pieces = bytes.length === 0 ? [] : [piece];
      if (bytes.length > 0) change.putPiece(session, piece, bytes);
      const made = { session, pieces, content, saved_by, idempotency_key };
      const { version, dropped } = addVersion(change, { bucket, key, rows: keyRows }, made, this.#dependencies);
      const freedRow = change.free(dropped);
      const isDone = await change.commit(
        async () => versionOf(await rows.artifact(bucket, key), session) !== undefined || undefined,
      );
      if (isDone) {
        signal.announce();
        await freed.remove(freedRow);
        return this.#answer(save, version, false);
      }
      const now = await this.#existing(save, content);
      if ("artifact" in now) return now.artifact;
      keyRows = now.keyRows;
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

/** What a save finds under its key. */
type Existing = { readonly artifact: Artifact } | { readonly keyRows: KeyRows };

interface Name {
  readonly bucket: string;
  readonly key: string;
}

function publicationOf({ if_version, isStrict, idempotency_key }: SaveArtifact, content: DescribedContent) {
  const is_strict = isStrict ? (true as const) : undefined;
  return { content, if_version: if_version ?? null, is_strict, idempotency_key };
}

function conflict({ if_version }: Pick<SaveArtifact, "if_version">, newest: Version | undefined): ArtifactError {
  return versionConflict({ id: "", if_version: if_version ?? null, is_listed: false }, newest?.version ?? 0);
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

/** @param versions of the key, newest first; none if it does not exist */
function unknown(bucket: string, key: string, versions: readonly Version[], version?: number): ArtifactError {
  const [newest] = versions;
  if (newest === undefined) {
    const message = `There is no artifact ${quote(key)} in bucket ${quote(bucket)}.`;
    return new ArtifactError("artifact_not_found", message, { next: "see_artifacts", details: { bucket, key } });
  }
  const message = `There is no version ${version} of ${quote(key)} in bucket ${quote(bucket)}; the newest is ${newest.version}.`;
  const details = { bucket, key, version: version ?? null, newest_version: newest.version };
  return new ArtifactError("artifact_not_found", message, { next: "see_versions", details });
}
