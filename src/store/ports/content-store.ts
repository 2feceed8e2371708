/**
 * Stores content that is too large for a row, in pieces. A piece is written once, by one process, under the session
 * that brought it. It is never renamed: only rows say whether it is staged, published or to be removed.
 *
 * @throws ArtifactError `storage_full`, `read_only` or `internal` from every method, with the engine's error as `cause`
 */
export interface ContentStore extends ContentListing {
  /** Begins a new piece, with one writer. Its name is `<start>-<random>`; `start` is its offset in the content. */
  createPiece(session: string, start: number): Promise<PieceWriter>;
  /**
   * Opens a reader over the first `bytes` of one piece. Returns undefined if the piece is gone. An open reader still
   * works after the piece was removed.
   */
  openPiece(session: string, piece: NamedPiece): Promise<ByteReader | undefined>;
  /**
   * Durably makes one new piece from the first `bytes` of each of `pieces`, in order, and returns its name. Returns
   * undefined if one of them is gone, and then leaves no new piece behind.
   */
  fold(session: string, pieces: readonly NamedPiece[], start: number): Promise<string | undefined>;
  /**
   * Durably copies the first `bytes` of a piece of session `from` to a new piece of session `to`, and returns its name.
   * Returns undefined if the piece is gone. The two pieces may share their bytes on the disk, so neither of them is
   * written again.
   *
   * @param signal ends a copy that takes long. It then returns undefined and leaves no new piece behind
   */
  copy(from: string, piece: NamedPiece, to: string, start: number, signal?: AbortSignal): Promise<string | undefined>;
  /** Durably removes pieces. A piece that is gone already is no error. */
  remove(pieces: readonly PieceName[]): Promise<void>;
  /** The text that `writeMark` wrote last; undefined if there is none. */
  readMark(): Promise<string | undefined>;
  /** Durably replaces the mark: a short text that says which store this content belongs to. */
  writeMark(text: string): Promise<void>;
  /** Resolves if content can be read and, with `isWriting`, written, as far as this can be known without writing. */
  check(isWriting: boolean): Promise<void>;
  /** Frees the reserved space, so that rows can still be written on a full disk. False if it was freed before. */
  releaseReserve(): Promise<boolean>;
  /** Reserves the space again if the store holds as much content and the disk has room. Otherwise does nothing. */
  restoreReserve(): Promise<void>;
}

/** A piece as a row names it. The first `bytes` bytes count; the piece may have more. */
export interface NamedPiece {
  readonly name: string;
  readonly bytes: number;
}

export interface PieceName {
  readonly session: string;
  readonly name: string;
}

/** Lists what is stored, whether or not a row names it. The sweep and `verify` use it. */
export interface ContentListing {
  /** All shards, in order. All pieces of one session are in one shard. */
  shards(): Promise<string[]>;
  /** The shard of a session. */
  shardOf(session: string): string;
  /** All files in a shard, pieces or not. Returns an empty list for a shard that does not exist. */
  listShard(shard: string): Promise<StoredPiece[]>;
  /** The path of a piece from the store's root, with slashes. */
  pathOf(piece: PieceName): string;
  /** Files beside the shards. The store never writes such files. */
  strayFiles(): Promise<StoredFile[]>;
  /** Whether a file exists at this path from the store's root. */
  has(path: string): Promise<boolean>;
  /** Durably moves a file out of the store, into a folder for orphans. False if the file is gone. */
  setAside(path: string): Promise<boolean>;
  /** Durably writes a file into the folder for orphans. */
  keepAside(name: string, content: string | Uint8Array): Promise<void>;
}

/** A file in the store. */
export interface StoredFile {
  /** The path from the store's root, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Time of the last write, in unix seconds. */
  readonly written_at: number;
}

/** A file in a shard. `piece` is undefined if the name is not the name of a piece. */
export interface StoredPiece extends StoredFile {
  readonly piece: PieceName | undefined;
}

/** The only writer of one piece. After a method has thrown, only `truncate` and `close` may be called. */
export interface PieceWriter {
  readonly name: string;
  /**
   * Appends all of `bytes`. The caller must not change them until the next `sync` has resolved, because they may wait
   * in memory until then.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** When this has resolved, all bytes written so far and the piece's name survive power loss. */
  sync(): Promise<void>;
  /** Cuts the piece back to its first `length` bytes. */
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface ByteReader {
  /**
   * Bytes `[start, start + length)`, or fewer if the content ends before.
   *
   * @param into a buffer of at least `length` bytes that the reader may use for the result
   */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
