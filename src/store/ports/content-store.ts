/**
 * Content that is too large for a row, in pieces. A piece is written once, by one process, under the session that
 * brought it, and is never renamed: only rows say whether it is staged, published or to be removed.
 *
 * @throws ArtifactError `storage_full`, `read_only` or `internal` from every method, with the engine's error as `cause`
 */
export interface ContentStore extends ContentListing {
  /** Begins a piece that nobody else has. Its name is `<start>-<random>`; `start` is its offset in the content. */
  createPiece(session: string, start: number): Promise<PieceWriter>;
  /**
   * A reader over the first `bytes` of one piece; undefined if it is gone. A reader that is open survives the removal
   * of the piece.
   */
  openPiece(session: string, piece: NamedPiece): Promise<ByteReader | undefined>;
  /**
   * Durably makes one new piece of the first `bytes` of each of `pieces`, in order. Undefined if one of them is gone;
   * nothing is left then.
   */
  fold(session: string, pieces: readonly NamedPiece[], start: number): Promise<string | undefined>;
  /**
   * Durably copies the first `bytes` of a piece of `from` to a new piece of `to`, which may share them on the disk:
   * neither of the two is written to again. Its name; undefined if the piece is gone.
   */
  copy(from: string, piece: NamedPiece, to: string, start: number): Promise<string | undefined>;
  /** Durably removes pieces; one that is gone already is no error. */
  remove(pieces: readonly PieceName[]): Promise<void>;
  /** What `writeMark` wrote last; undefined if there is none. */
  readMark(): Promise<string | undefined>;
  /** Durably replaces the store's mark, a short text that says which store this content belongs to. */
  writeMark(text: string): Promise<void>;
  /** Resolves if content can be read, and with `isWriting` written too, as far as that is known without writing. */
  check(isWriting: boolean): Promise<void>;
  /** Gives up the reserved space, so that rows can still be written on a full disk. False if it was given up before. */
  releaseReserve(): Promise<boolean>;
  /** Takes the reserved space again if the store holds as much, and there is room; goes without it otherwise. */
  restoreReserve(): Promise<void>;
}

/** A piece as a row names it: `bytes` of it count, and it may have more. */
export interface NamedPiece {
  readonly name: string;
  readonly bytes: number;
}

export interface PieceName {
  readonly session: string;
  readonly name: string;
}

/** What lies there, whoever owns it: for the sweep, and for the check of the whole store. */
export interface ContentListing {
  /** All shards, in order. Any session's pieces are in one of them. */
  shards(): Promise<string[]>;
  /** The shard of a session. */
  shardOf(session: string): string;
  /** The pieces in a shard, and files there that are none; nothing there is no error. */
  listShard(shard: string): Promise<StoredPiece[]>;
  /** Where a piece lies, from the store's root, with slashes. */
  pathOf(piece: PieceName): string;
  /** Files beside the shards, which this store has never put there. */
  strayFiles(): Promise<StoredFile[]>;
  /** Whether a file is there, by its path. */
  has(path: string): Promise<boolean>;
  /** Moves a file out of the store, durably, into a folder for orphans. False if it is gone. */
  setAside(path: string): Promise<boolean>;
  /** Keeps something beside what was set aside, durably. */
  keepAside(name: string, content: string | Uint8Array): Promise<void>;
}

/** A file as it lies in the store. */
export interface StoredFile {
  /** From the store's root, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** When it was last written, in unix seconds. */
  readonly written_at: number;
}

/** `piece` is undefined for a file in a shard whose name is no piece's. */
export interface StoredPiece extends StoredFile {
  readonly piece: PieceName | undefined;
}

/** The one writer of one piece. After a method has thrown, only `truncate` and `close` may be called. */
export interface PieceWriter {
  readonly name: string;
  /** Appends all of `bytes`, which must stay as they are until the next `sync` has resolved: not before are they there. */
  write(bytes: Uint8Array): Promise<void>;
  /** Everything written so far, and the piece's name, survives power loss once this resolves. */
  sync(): Promise<void>;
  /** Cuts the piece back to its first `length` bytes. */
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface ByteReader {
  /**
   * Bytes `[start, start + length)`, fewer where the content ends before.
   *
   * @param into a buffer of `length` or more, that they may be put into
   */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
