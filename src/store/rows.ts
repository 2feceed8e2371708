import { isStoreReplaced } from "./model/errors.js";
import { hasExpired } from "./model/expiry.js";
import {
  type ArtifactRecord,
  type ArtifactRow,
  type DueRecord,
  type DueRow,
  dueKey,
  type FreedRow,
  freedKey,
  type GoneRow,
  goneKey,
  mayBeSessionId,
  openKey,
  type Piece,
  parseArtifactRow,
  parseGoneRow,
  parseSessionRow,
  rowPieceName,
  type SessionRecord,
  type SessionRow,
  sessionKey,
  uploadKey,
  uploadText,
} from "./model/records.js";
import { artifactKey } from "./model/row-keys.js";
import type { MetadataStore, RowChange, SmallPiece, StoredRow } from "./ports/metadata-store.js";

/** Pieces of one session that no row names after a change. */
export interface Freed {
  readonly session: string;
  readonly pieces: readonly Piece[];
  /** The digest of the version that had them; absent if they belonged to none. */
  readonly sha256?: string;
}

/** The rows that give a key's last version number. At most one of the two exists. */
export interface KeyRows {
  readonly artifact: ArtifactRow | undefined;
  readonly gone: GoneRow | undefined;
}

/** The last version number that was given to the key; 0 if none was. */
export const lastNumber = ({ artifact, gone }: KeyRows): number => artifact?.value.last ?? gone?.value.last ?? 0;

export interface RowsDependencies {
  readonly metadata: MetadataStore;
  /** Returns a value that no process has returned before. */
  readonly newRevision: () => string;
  readonly newId: () => string;
  readonly nowSeconds: () => number;
}

/** Reads and parses the rows of the store, and begins changes of several rows. */
export class Rows {
  readonly #dependencies: RowsDependencies;

  constructor(dependencies: RowsDependencies) {
    this.#dependencies = dependencies;
  }

  async artifact(bucket: string, key: string): Promise<ArtifactRow | undefined> {
    return this.#read(artifactKey(bucket, key), parseArtifactRow);
  }

  /** The row of a key, for a reader: undefined also if the key has expired. */
  async liveArtifact(bucket: string, key: string): Promise<ArtifactRow | undefined> {
    const row = await this.artifact(bucket, key);
    return hasExpired(row?.value.versions[0], this.#dependencies.nowSeconds()) ? undefined : row;
  }

  /** @param id as a caller has given it, which may be anything */
  async session(id: string): Promise<SessionRow | undefined> {
    if (!mayBeSessionId(id)) return undefined;
    return this.#read(sessionKey(id), parseSessionRow);
  }

  /** The sessions in the order of `ids`, without those that are gone. */
  async sessions(ids: readonly string[]): Promise<SessionRow[]> {
    const keys = ids.map(sessionKey);
    const texts = await this.#dependencies.metadata.getMany(keys);
    return keys.flatMap((key, index) => {
      const text = texts[index];
      return text === undefined ? [] : [parseSessionRow({ key, text })];
    });
  }

  /** The text of the index row of an unfinished session. Undefined if there is none. */
  async openRow(record: SessionRecord): Promise<string | undefined> {
    return record.is_listed ? this.#dependencies.metadata.get(openKey(record)) : undefined;
  }

  /** Both rows of a key. */
  async ofKey(bucket: string, key: string): Promise<KeyRows> {
    const keys = [artifactKey(bucket, key), goneKey(bucket, key)] as const;
    const [artifact, gone] = await this.#dependencies.metadata.getMany(keys);
    return {
      artifact: artifact === undefined ? undefined : parseArtifactRow({ key: keys[0], text: artifact }),
      gone: gone === undefined ? undefined : parseGoneRow({ key: keys[1], text: gone }),
    };
  }

  /** Both rows of several keys of a bucket, in the order of the keys. */
  async ofKeys(bucket: string, keys: readonly string[]): Promise<KeyRows[]> {
    const names = keys.flatMap((key) => [artifactKey(bucket, key), goneKey(bucket, key)]);
    const texts = names.length === 0 ? [] : await this.#dependencies.metadata.getMany(names);
    const at = <Row>(index: number, parse: (row: StoredRow) => Row): Row | undefined => {
      const [key = "", text] = [names[index], texts[index]];
      return text === undefined ? undefined : parse({ key, text });
    };
    return keys.map((_, index) => ({
      artifact: at(2 * index, parseArtifactRow),
      gone: at(2 * index + 1, parseGoneRow),
    }));
  }

  /** The rows of several artifacts, in their order. */
  async artifacts(
    places: readonly { readonly bucket: string; readonly key: string }[],
  ): Promise<(ArtifactRow | undefined)[]> {
    const keys = places.map(({ bucket, key }) => artifactKey(bucket, key));
    const texts = keys.length === 0 ? [] : await this.#dependencies.metadata.getMany(keys);
    return keys.map((key, index) => {
      const text = texts[index];
      return text === undefined ? undefined : parseArtifactRow({ key, text });
    });
  }

  /** The last version number that was given to a key; 0 if none was. */
  async lastNumber(bucket: string, key: string): Promise<number> {
    return lastNumber(await this.ofKey(bucket, key));
  }

  /** A row of any kind, as it is stored. */
  async stored(key: string): Promise<StoredRow | undefined> {
    const text = await this.#dependencies.metadata.get(key);
    return text === undefined ? undefined : { key, text };
  }

  /** Begins a change. Nothing is written before `commit`. */
  begin(): Change {
    return new Change(this.#dependencies);
  }

  async #read<Read>(key: string, parse: (row: StoredRow) => Read): Promise<Read | undefined> {
    const row = await this.stored(key);
    return row && parse(row);
  }
}

/** Several rows and small pieces that change together in one atomic step, or not at all. */
export class Change {
  readonly #dependencies: RowsDependencies;
  readonly #rows: RowChange[] = [];
  readonly #put: SmallPiece[] = [];
  readonly #drop: string[] = [];

  constructor(dependencies: RowsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Writes a session. Undefined as `old` means that its row must be absent. Returns the row as it will be. */
  session(old: SessionRow | undefined, value: SessionRecord): SessionRow {
    const key = sessionKey(value.id);
    const { bucket, ...rest } = value;
    const text = this.#encode({ bucket, ...rest }); // the bucket comes first, for `PrefixedRows`
    this.#rows.push({ key, old: old?.text, next: text });
    return { key, text, value };
  }

  /** Deletes a session's row. */
  dropSession(old: SessionRow): void {
    this.#rows.push({ key: old.key, old: old.text, next: undefined });
  }

  /**
   * Adds the index rows of an unfinished session that is listed. One exists as long as the session is listed, the other
   * until it has ended.
   */
  listSession(record: SessionRecord): void {
    const { bucket, key, id } = record;
    this.#rows.push({ key: uploadKey(bucket, key, id), old: undefined, next: uploadText });
    this.#rows.push({ key: openKey(record), old: undefined, next: uploadText });
  }

  /** Deletes the index row that a session has while it is listed. @param text as it was read; undefined: there is none */
  unlistSession({ bucket, key, id }: SessionRecord, text: string | undefined): void {
    if (text !== undefined) this.#rows.push({ key: uploadKey(bucket, key, id), old: text, next: undefined });
  }

  /** Deletes the index row that a session has until its end. @param text as it was read; undefined: there is none */
  closeSession(record: SessionRecord, text: string | undefined): void {
    if (text !== undefined) this.#rows.push({ key: openKey(record), old: text, next: undefined });
  }

  /**
   * Writes all versions of a key and its last version number. For a key without versions this deletes the artifact row
   * and keeps the number in the `gone` row. Returns the text of the artifact row as it will be.
   */
  versions(
    bucket: string,
    key: string,
    old: KeyRows,
    value: Omit<ArtifactRecord, "bucket" | "key">,
  ): string | undefined {
    const { last, versions } = value;
    const isEmpty = versions.length === 0;
    // The bucket comes first, for `PrefixedRows`.
    const artifact = isEmpty ? undefined : this.#encode({ bucket, key, last, versions });
    const gone = isEmpty ? this.#encode({ last }) : undefined;
    this.#rows.push({ key: artifactKey(bucket, key), old: old.artifact?.text, next: artifact });
    this.#rows.push({ key: goneKey(bucket, key), old: old.gone?.text, next: gone });
    return artifact;
  }

  /** Writes a row that must be absent. */
  add(key: string, value: object): void {
    this.#rows.push({ key, old: undefined, next: this.#encode(value) });
  }

  /** Writes a row that must be as it was read. Returns it as it will be. */
  replace({ key, text }: StoredRow, value: object): StoredRow {
    const next = this.#encode(value);
    this.#rows.push({ key, old: text, next });
    return { key, text: next };
  }

  /** Makes the change fail if a row is not the same as when it was read. */
  compare({ key, text }: StoredRow): void {
    this.#rows.push({ key, old: text, next: text });
  }

  /** Makes the change fail if the key's versions are not the same as when they were read. */
  compareVersions(bucket: string, key: string, { artifact }: KeyRows): void {
    this.#rows.push({ key: artifactKey(bucket, key), old: artifact?.text, next: artifact?.text });
  }

  /** Writes that a sweep has seen a key as expired. */
  markDue(bucket: string, key: string, value: DueRecord): void {
    this.#rows.push({ key: dueKey(bucket, key), old: undefined, next: this.#encode(value) });
  }

  dropDue(old: DueRow): void {
    this.#rows.push({ key: old.key, old: old.text, next: undefined });
  }

  putPiece(session: string, piece: Piece, bytes: Uint8Array): void {
    this.#put.push({ name: rowPieceName(session, piece), bytes });
  }

  /**
   * Frees pieces that no row names after this change. Pieces in rows are deleted with the change. For pieces in the
   * content store the change writes a `freed` row, so that the caller or a sweep removes them later.
   *
   * @returns the `freed` row; undefined if no piece lies in the content store
   */
  free(freed: readonly Freed[]): FreedRow | undefined {
    const named: { session: string; name: string }[] = [];
    const digests = new Set<string>();
    for (const { session, pieces, sha256 } of freed) {
      for (const piece of pieces) {
        if (piece.in_row) this.#drop.push(rowPieceName(session, piece));
        else named.push({ session, name: piece.name });
        if (!piece.in_row && sha256 !== undefined) digests.add(sha256);
      }
    }
    if (named.length === 0) return undefined;
    const key = freedKey(this.#dependencies.newId());
    const of = digests.size === 0 ? {} : { sha256: [...digests] };
    const value = { at: this.#dependencies.nowSeconds(), pieces: named, ...of };
    const text = JSON.stringify(value);
    this.#rows.push({ key, old: undefined, next: text });
    return { key, text, value };
  }

  /**
   * Makes the change. Returns whether it was made.
   *
   * @param lookAgain called after an error, which leaves the outcome unknown. It reads the rows and returns true if
   * they show that the change was made, false if they show that it never will be made, and undefined if they show
   * neither. It is not called if the store was replaced, because the rows then belong to another store.
   * @throws ArtifactError if it is not known whether the change was made
   */
  async commit(lookAgain?: () => Promise<boolean | undefined>): Promise<boolean> {
    try {
      return await this.#dependencies.metadata.change(this.#rows, { put: this.#put, drop: this.#drop });
    } catch (error) {
      const wasMade = isStoreReplaced(error) ? undefined : await lookAgain?.();
      if (wasMade === undefined) throw error;
      return wasMade;
    }
  }

  #encode(value: object): string {
    return JSON.stringify({ ...value, revision: this.#dependencies.newRevision() });
  }
}
