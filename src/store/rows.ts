import { isStoreReplaced } from "./model/errors.js";
import {
  type ArtifactRecord,
  type ArtifactRow,
  artifactKey,
  type FreedRow,
  freedKey,
  type GoneRow,
  goneKey,
  mayBeSessionId,
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
import type { MetadataStore, RowChange, SmallPiece, StoredRow } from "./ports/metadata-store.js";

/** Pieces of one session that lose their row. */
export interface Freed {
  readonly session: string;
  readonly pieces: readonly Piece[];
}

/** What a key's next version number follows from. One of the two rows is there, or none. */
export interface KeyRows {
  readonly artifact: ArtifactRow | undefined;
  readonly gone: GoneRow | undefined;
}

/** The last version number that the key was given; 0 if none. */
export const lastNumber = ({ artifact, gone }: KeyRows): number => artifact?.value.last ?? gone?.value.last ?? 0;

export interface RowsDependencies {
  readonly metadata: MetadataStore;
  /** Never the same twice, in any process. */
  readonly newRevision: () => string;
  readonly newId: () => string;
  readonly nowSeconds: () => number;
}

/** The rows of the store: parsed when read, and changed several at a time. */
export class Rows {
  readonly #dependencies: RowsDependencies;

  constructor(dependencies: RowsDependencies) {
    this.#dependencies = dependencies;
  }

  async artifact(bucket: string, key: string): Promise<ArtifactRow | undefined> {
    return this.#read(artifactKey(bucket, key), parseArtifactRow);
  }

  /** @param id as a caller has given it, which may be anything */
  async session(id: string): Promise<SessionRow | undefined> {
    if (!mayBeSessionId(id)) return undefined;
    return this.#read(sessionKey(id), parseSessionRow);
  }

  /** In the order of `ids`, without those that are gone. */
  async sessions(ids: readonly string[]): Promise<SessionRow[]> {
    const keys = ids.map(sessionKey);
    const texts = await this.#dependencies.metadata.getMany(keys);
    return keys.flatMap((key, index) => {
      const text = texts[index];
      return text === undefined ? [] : [parseSessionRow({ key, text })];
    });
  }

  async ofKey(bucket: string, key: string): Promise<KeyRows> {
    const keys = [artifactKey(bucket, key), goneKey(bucket, key)] as const;
    const [artifact, gone] = await this.#dependencies.metadata.getMany(keys);
    return {
      artifact: artifact === undefined ? undefined : parseArtifactRow({ key: keys[0], text: artifact }),
      gone: gone === undefined ? undefined : parseGoneRow({ key: keys[1], text: gone }),
    };
  }

  /** The last version number that a key was given; 0 if none. */
  async lastNumber(bucket: string, key: string): Promise<number> {
    return lastNumber(await this.ofKey(bucket, key));
  }

  /** Begins a change. Nothing happens before `commit`. */
  begin(): Change {
    return new Change(this.#dependencies);
  }

  async #read<Read>(key: string, parse: (row: StoredRow) => Read): Promise<Read | undefined> {
    const text = await this.#dependencies.metadata.get(key);
    return text === undefined ? undefined : parse({ key, text });
  }
}

/** Several rows and small pieces that change together, or not at all. */
export class Change {
  readonly #dependencies: RowsDependencies;
  readonly #rows: RowChange[] = [];
  readonly #put: SmallPiece[] = [];
  readonly #drop: string[] = [];

  constructor(dependencies: RowsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The row as it will be. */
  session(old: SessionRow | undefined, value: SessionRecord): SessionRow {
    const key = sessionKey(value.id);
    const text = this.#encode(value);
    this.#rows.push({ key, old: old?.text, next: text });
    return { key, text, value };
  }

  dropSession(old: SessionRow): void {
    this.#rows.push({ key: old.key, old: old.text, next: undefined });
  }

  /** The index row of a listed session, which is always there while the session is. */
  listSession({ bucket, key, id }: SessionRecord): void {
    this.#rows.push({ key: uploadKey(bucket, key, id), old: undefined, next: uploadText });
  }

  /** @param text of the index row, as it was read */
  unlistSession({ bucket, key, id }: SessionRecord, text: string | undefined): void {
    this.#rows.push({ key: uploadKey(bucket, key, id), old: text, next: undefined });
  }

  /** All versions of a key, with what tells its next number: no row of a key that is left without versions is lost. */
  versions(bucket: string, key: string, old: KeyRows, value: Omit<ArtifactRecord, "bucket" | "key">): void {
    const { last, versions } = value;
    const isEmpty = versions.length === 0;
    const artifact = isEmpty ? undefined : this.#encode({ bucket, key, last, versions });
    const gone = isEmpty ? this.#encode({ last }) : undefined;
    this.#rows.push({ key: artifactKey(bucket, key), old: old.artifact?.text, next: artifact });
    this.#rows.push({ key: goneKey(bucket, key), old: old.gone?.text, next: gone });
  }

  /** The key's versions must still be as they were read. */
  compareVersions(bucket: string, key: string, { artifact }: KeyRows): void {
    this.#rows.push({ key: artifactKey(bucket, key), old: artifact?.text, next: artifact?.text });
  }

  putPiece(session: string, piece: Piece, bytes: Uint8Array): void {
    this.#put.push({ name: rowPieceName(session, piece), bytes });
  }

  /**
   * Pieces that no row names from then on. Those in rows go with the change; for the others it writes a row, so that
   * whoever comes next removes them.
   *
   * @returns that row, if it is needed
   */
  free(freed: readonly Freed[]): FreedRow | undefined {
    const named: { session: string; name: string }[] = [];
    for (const { session, pieces } of freed) {
      for (const piece of pieces) {
        if (piece.in_row) this.#drop.push(rowPieceName(session, piece));
        else named.push({ session, name: piece.name });
      }
    }
    if (named.length === 0) return undefined;
    const key = freedKey(this.#dependencies.newId());
    const value = { at: this.#dependencies.nowSeconds(), pieces: named };
    const text = JSON.stringify(value);
    this.#rows.push({ key, old: undefined, next: text });
    return { key, text, value };
  }

  /**
   * Makes the change. Answers whether it was made.
   *
   * @param lookAgain asked after an error, which leaves the outcome unknown: whether the rows show that the change was
   * made, or that it never will be; undefined if they show neither. It is not asked in a store that was replaced, whose
   * rows are those of another place.
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
