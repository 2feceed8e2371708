/**
 * Where content lies. Two kinds of files: segments (staged bytes of one upload, each written by exactly one
 * process) and blobs (published bytes, never changed, one for each version, named after the session it came from).
 *
 * @throws ArtifactError `storage_full` or `internal` from every method, with the engine's error as `cause`
 */
export interface BlobStore extends BlobListing {
  /** Begins a segment that nobody has: its name is `<start>-<random>`. */
  createSegment(session: string, start: number): Promise<SegmentWriter>;
  /** Undefined where there is no such segment. */
  openSegment(session: string, name: string): Promise<ByteReader | undefined>;
  /** Removes these segments; those that are gone already are no error. */
  removeSegments(session: string, names: readonly string[]): Promise<void>;
  /** Durably removes all that is staged for a session; nothing there is no error. */
  removeUpload(session: string): Promise<void>;
  /**
   * Makes a sealed segment the session's blob, durably: once true is answered, the blob survives power loss.
   * Installing twice is the same as once. False where the segment is gone.
   */
  install(session: string, segment: string): Promise<boolean>;
  /** Undefined where there is no such blob. A reader that is open survives the removal of its blob. */
  openBlob(session: string): Promise<ByteReader | undefined>;
  /** Durably removes a blob; one that is gone already is no error. */
  removeBlob(session: string): Promise<void>;
  /** Gives up the reserved space, so that rows can still be written on a full disk. False where it was given up before. */
  releaseReserve(): Promise<boolean>;
  /** Takes the reserved space again where there is room; quietly goes without where there is none. */
  restoreReserve(): Promise<void>;
}

/** What lies there, whoever owns it: for the sweep, and for the check of the whole store. */
export interface BlobListing {
  /** The sessions that have a folder for staged bytes. */
  stagedSessions(): Promise<string[]>;
  /** What is staged for a session; nothing there is no error. */
  stagedFiles(session: string): Promise<StoredFile[]>;
  /** The shelves on which blobs lie: a blob's is the first two characters of its name. */
  shelves(): Promise<string[]>;
  /** The files on a shelf, each blob under its session as name; nothing there is no error. */
  shelvedBlobs(shelf: string): Promise<StoredFile[]>;
  /** Files beside the folders and shelves, which this store has never put there. */
  strayFiles(): Promise<StoredFile[]>;
  /** Moves a file out of the store, durably, into a folder for orphans. False where it is gone. */
  setAside(path: string): Promise<boolean>;
  /** Keeps a text beside what was set aside, durably. */
  keepAside(name: string, text: string): Promise<void>;
}

/** A file as it lies in the store. */
export interface StoredFile {
  readonly name: string;
  /** From the store's root, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** When it was last written, in unix seconds. */
  readonly written_at: number;
}

/** The one writer of one segment. After a method has thrown, only `close` may be called. */
export interface SegmentWriter {
  readonly name: string;
  /** Appends all of `bytes`, which must stay as they are until the next `sync` has resolved: not before are they there. */
  write(bytes: Uint8Array): Promise<void>;
  /** Everything written so far, and the segment's name, survives power loss once this resolves. */
  sync(): Promise<void>;
  /** Cuts the segment to its first `length` bytes. */
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface ByteReader {
  /**
   * Bytes `[start, start + length)`, fewer where the file ends before.
   *
   * @param into a buffer of `length` or more, that they may be put into
   */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
