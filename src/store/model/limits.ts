const KiB = 1024;
const MiB = 1024 * KiB;

/** Maximum length of a bucket name, in characters. All of them are ASCII. */
export const maxBucketChars = 63;
/** Maximum length of a key, in bytes of UTF-8 after NFC. */
export const maxKeyBytes = KiB;
/** Maximum length of an artifact's metadata as JSON, in bytes of UTF-8. */
export const maxMetadataBytes = 2 * KiB;
export const maxMimeTypeChars = 255;

/** Largest content of one call, in bytes after decoding. An option changes it. */
export const defaultMaxChunkBytes = 8 * MiB;
/** Largest value of that option. With base64 and JSON around it, a message stays below the limit of the reader. */
export const largestMaxChunkBytes = 32 * MiB;

/** Largest number that an import may give to a version. It leaves room for all that are saved after it. */
export const largestLeastVersion = 1_000_000_000_000;
export const defaultKeepVersions = 100;
/** Largest value of the option. All versions of a key are in one row, which is always read as a whole. */
export const largestKeepVersions = 1_000;
/** An upload session expires this long after its last accepted byte. An option changes it. */
export const defaultSessionTtlMs = 7 * 24 * 60 * 60 * 1000;
export const smallestSessionTtlMs = 1_000;
export const largestSessionTtlMs = 365 * 24 * 60 * 60 * 1000;

/** Maximum number of unfinished uploads at a time. An option changes it. */
export const defaultMaxOpenSessions = 1_000;

/** Decides where the bytes of sessions and versions are stored. */
export interface PieceLimits {
  /** Content up to this size, in bytes, is stored in a row. */
  readonly maxRowPieceBytes: number;
  /**
   * Bytes up to this number that one call adds to an upload are stored in a row. One sync makes them durable and counts
   * them; in a file this takes two.
   */
  readonly maxRowChunkBytes: number;
  /** An upload has at most this many bytes in rows. Before it has more, they are moved into the content store. */
  readonly maxRowBytes: number;
  /** When an upload has this many pieces, they become one before the next is added. */
  readonly maxPieces: number;
  /** A version has at most this many pieces in the content store, because a reader has all of them open. */
  readonly maxPublishedPieces: number;
}

export const defaultPieceLimits: PieceLimits = {
  maxRowPieceBytes: 32 * KiB,
  maxRowChunkBytes: 64 * KiB,
  maxRowBytes: MiB,
  maxPieces: 64,
  maxPublishedPieces: 8,
};
/**
 * Pieces that a process keeps open for its next append. When there are more, the least recently used one is closed. The
 * number leaves room for reads and saves, and for the other open files, in a process that may have only 64 files open.
 */
export const maxOpenPieces = 24;
/** Sessions for which a process keeps a running digest. */
export const maxKeptDigests = 1_000;
/** Bytes of one read or write when content is copied. */
export const copyBlockBytes = MiB;
/** An import or a stream makes its bytes durable each time this many have arrived. */
export const checkpointBytes = 8 * MiB;
/** How long a call waits for a publication before its answer asks the caller to look again. */
export const publicationWaitMs = 20_000;

/**
 * The row of an ended session stays this long after its end and after its expiry time, so that a late call still gets
 * the right error.
 */
export const endedSessionMs = 24 * 60 * 60 * 1000;
/** A file that no row names counts as an orphan only when it is this old. A younger file may still get a row. */
export const orphanGraceMs = 24 * 60 * 60 * 1000;
/** A sweep publishes an upload that has all its bytes only after this time, to leave it to its own process first. */
export const publicationGraceMs = 15 * 60 * 1000;
/** A sweep gives up an unfinished save in one call after this time. */
export const saveGraceMs = 60 * 60 * 1000;
/** A sweep frees an expired key only if a sweep this long before saw it as expired too. */
export const dueGraceMs = 60 * 60 * 1000;
/** What was derived from content is removed when nobody has used it for this long. It is made again when needed. */
export const derivedUnusedMs = 30 * 24 * 60 * 60 * 1000;
export const defaultFreedGatherMs = 500;
/**
 * How long a process uses the limits of buckets as it has read them, and the approximate time between two looks for
 * artifacts that are too old. So every process obeys a change within a minute.
 */
export const bucketLimitsMs = 30 * 1000;
/** Largest age that a bucket can be limited to, in seconds. */
export const largestMaxAgeSeconds = 3_650 * 24 * 60 * 60;
/** Approximate time between sweeps. The first sweep comes after a small part of it. */
export const sweepEveryMs = 60 * 60 * 1000;

/** Files, directories and skipped entries of a folder that is imported; files of one that is exported, and directories. */
export const maxFolderEntries = 10_000;
/** A file of a folder up to this size, in bytes, is imported in one call. A larger one becomes an upload. */
export const wholeImportBytes = MiB;

export const defaultPageLimit = 100;
export const largestPageLimit = 1_000;

/** Space that is reserved, and freed on a full disk, so that deleting still works. */
export const reserveBytes = MiB;

/** A process may end sessions by its clock at once if a trusted clock was seen at most this long before its start. */
export const clockTrustMs = 24 * 60 * 60 * 1000;
/** Otherwise a clock is trusted after it has run this long without a jump, in one process or in several that agree. */
export const clockProbationMs = 60 * 60 * 1000;
/** A process that deletes by age stores its trusted time at most this often. */
export const clockKeepMs = 10 * 60 * 1000;
/** The wall clock has jumped if it differs from the monotonic clock by more than this. */
export const clockJumpMs = 60 * 1000;

/** An analysis of content ends itself before this time is over, and answers what it knows. */
export const analysisTimeMs = 10_000;
/** An analysis may have this much memory in use, its program and its buffers included. */
export const analysisMemoryBytes = 64 * MiB;
/** The largest description of a content, as JSON in UTF-8. */
export const maxDescriptionBytes = 256 * KiB;
