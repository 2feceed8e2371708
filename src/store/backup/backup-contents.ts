import { ArtifactError } from "../model/errors.js";
import { type Piece, parseArtifactRow, type SessionRecord, type SessionRow, type Version } from "../model/records.js";
import { artifactPrefix } from "../model/row-keys.js";
import { isUnfinished } from "../model/upload-session.js";
import { openPieces } from "../pieces/piece-reader.js";
import type { BackupFiles } from "../ports/backup-files.js";
import type { ByteReader, ContentStore } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { Rows } from "../rows.js";
import { contentName } from "./backup-layout.js";
import { copyContent, UnreadableContent, unreadable, type WantedContent, wholeContent } from "./copy-content.js";
import { DigestSet } from "./digest-set.js";

export interface BackupContentsDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly digests: Digests;
}

export interface BackupContentsOptions {
  /** Reads also the content that a former backup has written. Otherwise only its size is looked at. */
  readonly check?: boolean;
  readonly signal?: AbortSignal;
  /** Called with bytes that are in the backup now. */
  readonly onBytes: (bytes: number) => void;
}

/** Content that was moved while it was copied is looked for again, so often at most. */
const maxSearches = 10;

interface KnownContent extends WantedContent {
  readonly sha256: string;
}

/** An upload whose bytes were lost, but not before it was published. */
interface PublishedUpload {
  readonly id: string;
  readonly wanted: WantedContent;
}

/** The place of a content in the store. */
interface Source {
  readonly session: string;
  readonly pieces: readonly Piece[];
}

/**
 * Copies content from a store to a backup, each digest once. The store goes on changing meanwhile: content that is no
 * longer where a row of the snapshot named it may have been moved, with its digest.
 */
export class BackupContents {
  /** The digests of what the backup has, of all that was asked for. */
  readonly there = new DigestSet();
  /** Digests that the backup has not, and why. */
  readonly lost = new Map<string, UnreadableContent>();
  /** The digest of the bytes of each upload, null if it has none; or why they cannot be had. */
  readonly uploads = new Map<string, string | null | UnreadableContent>();
  readonly totals = { bytes: 0, writtenContents: 0, writtenBytes: 0 };
  readonly #dependencies: BackupContentsDependencies;
  readonly #files: BackupFiles;
  readonly #options: BackupContentsOptions;
  /** The copies that run, by digest. */
  readonly #running = new Map<string, Promise<void>>();
  /** By the digest of the version that an upload became. */
  readonly #published = new Map<string, PublishedUpload[]>();
  /** The places of lost content that were tried, as `<digest> <session>`. */
  readonly #tried = new Set<string>();

  constructor(dependencies: BackupContentsDependencies, files: BackupFiles, options: BackupContentsOptions) {
    this.#dependencies = dependencies;
    this.#files = files;
    this.#options = options;
  }

  /** Makes sure that the backup has the content of a version, or notes it as lost. */
  async version({ sha256, bytes, session, pieces }: Version): Promise<void> {
    for (let running = this.#running.get(sha256); running !== undefined; running = this.#running.get(sha256))
      await running;
    this.#options.signal?.throwIfAborted();
    if (this.there.has(sha256)) return this.#options.onBytes(bytes);
    const copy = this.#keepOrCopy({ sha256, bytes }, { session, pieces });
    this.#running.set(sha256, copy);
    await copy.finally(() => this.#running.delete(sha256));
  }

  /** Whether the backup has the content already, from the backup before. Then it counts as that of this backup. */
  async keep(wanted: KnownContent): Promise<boolean> {
    if (!(await this.#has(wanted))) return false;
    this.#note(wanted.sha256, wanted.bytes);
    return true;
  }

  /** Copies the bytes of an unfinished upload, and notes the outcome in `uploads`. */
  async upload({ value: { id, offset: bytes, digest, pieces } }: SessionRow): Promise<void> {
    if (bytes === 0) return void this.uploads.set(id, null);
    const wanted = { bytes, sha256: digest?.bytes === bytes ? digest.sha256 : undefined };
    try {
      this.uploads.set(id, await this.#copyUpload(id, pieces, wanted));
    } catch (error) {
      if (!(error instanceof UnreadableContent)) throw error;
      this.uploads.set(id, error);
      const version = (await this.#session(id))?.artifact;
      if (!version) return;
      const { sha256 } = version;
      const sure = version.bytes === bytes ? { bytes, sha256 } : wanted;
      this.#published.set(sha256, [...(this.#published.get(sha256) ?? []), { id, wanted: sure }]);
    }
  }

  /** @throws UnreadableContent if the bytes are gone or damaged */
  async #copyUpload(id: string, pieces: readonly Piece[], wanted: WantedContent): Promise<string> {
    let source: Source | undefined = { session: id, pieces };
    for (let problem = new UnreadableContent("is gone"); ; ) {
      const reader = await this.#open(source);
      if (reader !== undefined) {
        try {
          return await this.#copy(reader, wanted);
        } catch (error) {
          if (!(error instanceof UnreadableContent)) throw error;
          problem = error;
        }
      }
      // The pieces change when the upload goes on, when they become one, and when it is published.
      const next = await this.#nextSource(id, wanted.bytes);
      if (next === undefined || samePlace(next, source)) throw problem;
      source = next;
    }
  }

  /** Looks for lost content elsewhere in the store, until there is no place left that was not tried. */
  async searchLost(): Promise<void> {
    for (let search = 0; search < maxSearches && this.lost.size + this.#published.size > 0; search += 1) {
      const found: Version[] = [];
      await this.#dependencies.metadata.snapshot([artifactPrefix], async (rows) => {
        for (const row of rows) found.push(...this.#lostVersionsIn(row.text, row.key));
      });
      if (found.length === 0) return;
      for (const version of found) {
        await this.#uploadsFrom(version);
        if (this.lost.has(version.sha256)) await this.version(version);
      }
    }
  }

  /** Copies the bytes of the uploads that became a version with this content. */
  async #uploadsFrom(version: Version): Promise<void> {
    try {
      for (const { id, wanted } of this.#published.get(version.sha256) ?? []) {
        const reader = await this.#open(version);
        if (reader === undefined) throw new UnreadableContent("is gone");
        this.uploads.set(id, await this.#copy(reader, wanted));
      }
      this.#published.delete(version.sha256);
    } catch (error) {
      if (!(error instanceof UnreadableContent)) throw error;
      this.#tried.add(tryOf(version));
    }
  }

  /** Versions of one row with lost content that were not tried. A row that cannot be read has none. */
  #lostVersionsIn(text: string, key: string): Version[] {
    const isLost = (sha256: string): boolean => this.lost.has(sha256) || this.#published.has(sha256);
    if (![...text.matchAll(/"sha256":"(\w{64})"/g)].some(([, sha256 = ""]) => isLost(sha256))) return [];
    try {
      const { versions } = parseArtifactRow({ key, text }).value;
      return versions.filter((version) => isLost(version.sha256) && !this.#tried.has(tryOf(version)));
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "corrupt") return [];
      throw error;
    }
  }

  async #keepOrCopy(wanted: KnownContent, source: Source): Promise<void> {
    const { sha256, bytes } = wanted;
    if (await this.#has(wanted)) {
      this.#note(sha256, bytes);
      return this.#options.onBytes(bytes);
    }
    try {
      const reader = await this.#open(source);
      if (reader === undefined) throw new UnreadableContent("is gone");
      await this.#copy(reader, wanted);
    } catch (error) {
      if (!(error instanceof UnreadableContent)) throw error;
      this.#tried.add(tryOf({ sha256, ...source }));
      this.lost.set(sha256, error);
    }
  }

  /** Whether the backup has the whole content already. */
  async #has({ sha256, bytes }: KnownContent): Promise<boolean> {
    if ((await this.#files.bytesOf(contentName(sha256))) !== bytes) return false;
    if (this.#options.check !== true) return true;
    const file = await this.#files.open(contentName(sha256));
    if (file === undefined) return false;
    try {
      for await (const _ of wholeContent(this.#dependencies.digests, file, { bytes, sha256 })) {
        this.#options.signal?.throwIfAborted();
      }
      return true;
    } catch (error) {
      if (!(error instanceof UnreadableContent)) throw error;
      return false; // it is written again
    } finally {
      await file.close();
    }
  }

  async #copy(reader: ByteReader, wanted: WantedContent): Promise<string> {
    const { onBytes, signal } = this.#options;
    const onBlock = (bytes: number): void => {
      signal?.throwIfAborted();
      onBytes(bytes);
    };
    try {
      const sha256 = await copyContent(this.#dependencies.digests, reader, wanted, this.#files, onBlock);
      this.totals.writtenContents += 1;
      this.totals.writtenBytes += wanted.bytes;
      this.#note(sha256, wanted.bytes);
      return sha256;
    } finally {
      await reader.close();
    }
  }

  #note(sha256: string, bytes: number): void {
    this.lost.delete(sha256);
    if (this.there.has(sha256)) return;
    this.there.add(sha256);
    this.totals.bytes += bytes;
  }

  /** @throws UnreadableContent if a piece cannot be opened */
  async #open({ session, pieces }: Source): Promise<ByteReader | undefined> {
    try {
      return await openPieces(this.#dependencies, session, pieces);
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  /** Where the first bytes of an upload lie now. Undefined if they are gone. */
  async #nextSource(id: string, bytes: number): Promise<Source | undefined> {
    const found = await this.#session(id);
    if (found === undefined || found.offset < bytes) return undefined;
    if (isUnfinished(found)) return { session: id, pieces: found.pieces };
    return found.artifact ?? undefined; // null if it was given up
  }

  /** An upload as it is now. Undefined also if its row cannot be read. */
  async #session(id: string): Promise<SessionRecord | undefined> {
    try {
      return (await this.#dependencies.rows.session(id))?.value;
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "corrupt") return undefined;
      throw error;
    }
  }
}

const tryOf = ({ sha256, session }: { readonly sha256: string; readonly session: string }): string =>
  `${sha256} ${session}`;

function samePlace(a: Source, b: Source | undefined): boolean {
  return a.session === b?.session && JSON.stringify(a.pieces) === JSON.stringify(b.pieces);
}
