import { BoundedMap } from "../model/bounded-map.js";
import type { PieceLimits } from "../model/limits.js";
import type { Piece } from "../model/records.js";
import type { BackupFile, BackupFiles } from "../ports/backup-files.js";
import type { ContentStore, PieceName } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import type { Change } from "../rows.js";
import { contentName } from "./backup-layout.js";
import { UnreadableContent, wholeContent } from "./copy-content.js";

export interface RestoredContentsDependencies {
  readonly content: ContentStore;
  readonly digests: Digests;
  readonly newId: () => string;
  readonly pieceLimits: PieceLimits;
}

interface KnownContent {
  readonly sha256: string;
  readonly bytes: number;
}

/** Restored contents of which a later equal one can become a copy, without its own space where the disk can link. */
const maxKnown = 10_000;

/** Writes content from a backup into a store, as one piece each. */
export class RestoredContents {
  readonly #dependencies: RestoredContentsDependencies;
  readonly #files: BackupFiles;
  readonly #onBytes: (bytes: number) => void;
  /** Pieces in the content store that this process has restored, by digest. */
  readonly #known = new BoundedMap<PieceName>(maxKnown);

  /** @param onBytes called with bytes that were read; may throw to end the restore */
  constructor(dependencies: RestoredContentsDependencies, files: BackupFiles, onBytes: (bytes: number) => void) {
    this.#dependencies = dependencies;
    this.#files = files;
    this.#onBytes = onBytes;
  }

  /**
   * Writes the content of a session, durably or, if it is small, with `change`.
   *
   * @throws UnreadableContent if the backup has not got it; nothing is left
   */
  async place(session: string, wanted: KnownContent, change: Change): Promise<Piece[]> {
    const { newId, pieceLimits } = this.#dependencies;
    const { bytes } = wanted;
    if (bytes > pieceLimits.maxRowPieceBytes) return [{ name: await this.#stored(session, wanted), bytes }];
    const parts: Uint8Array[] = [];
    await this.#read(wanted, async (block) => void parts.push(block));
    if (bytes === 0) return [];
    const piece: Piece = { name: `0-${newId().slice(0, 16)}`, bytes, in_row: true };
    change.putPiece(session, piece, Buffer.concat(parts));
    return [piece];
  }

  /** Returns the name of a piece in the content store. */
  async #stored(session: string, wanted: KnownContent): Promise<string> {
    const { content } = this.#dependencies;
    const { sha256, bytes } = wanted;
    const known = this.#known.get(sha256);
    const copied = known && (await content.copy(known.session, { name: known.name, bytes }, session, 0));
    const name = copied ?? (await this.#written(session, wanted));
    this.#known.set(sha256, { session, name });
    return name;
  }

  async #written(session: string, wanted: KnownContent): Promise<string> {
    const { content } = this.#dependencies;
    const writer = await content.createPiece(session, 0);
    try {
      await this.#read(wanted, (block) => writer.write(block));
      await writer.sync();
    } catch (error) {
      await writer.close().catch(() => undefined); // the first error says more
      // If this fails too, the restore that is run again removes the piece.
      await content.remove([{ session, name: writer.name }]).catch(() => undefined);
      throw error;
    }
    await writer.close();
    return writer.name;
  }

  /** Passes a content of the backup to `use`, in blocks that may be kept. @throws UnreadableContent */
  async #read({ sha256, bytes }: KnownContent, use: (block: Uint8Array) => Promise<void>): Promise<void> {
    const file = await this.#open(sha256);
    try {
      for await (const block of wholeContent(this.#dependencies.digests, file, { sha256, bytes })) {
        await use(Buffer.from(block));
        this.#onBytes(block.length);
      }
    } finally {
      await file.close();
    }
  }

  async #open(sha256: string): Promise<BackupFile> {
    const file = await this.#files.open(contentName(sha256));
    if (file === undefined) throw new UnreadableContent(`is not in the backup: ${contentName(sha256)} is missing`);
    return file;
  }
}
