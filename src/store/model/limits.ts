const KiB = 1024;
const MiB = 1024 * KiB;

/** A bucket name's longest form, in characters (all ASCII). */
export const maxBucketChars = 63;
/** A key's longest form, in bytes of UTF-8 after NFC. */
export const maxKeyBytes = KiB;
/** The JSON of an artifact's metadata, in bytes of UTF-8. */
export const maxMetadataBytes = 2 * KiB;
export const maxMimeTypeChars = 255;

/** Largest content of one call, decoded; an option changes it. */
export const defaultMaxChunkBytes = 8 * MiB;
/** The most that option may be: with base64 and JSON around it, a message stays below what the reader takes. */
export const largestMaxChunkBytes = 32 * MiB;

export const defaultKeepVersions = 100;
/** All versions of a key share one row, which is read whole: the most that may be kept. */
export const largestKeepVersions = 1_000;
/** An upload session lives this long after its last accepted byte; an option changes it. */
export const defaultSessionTtlMs = 7 * 24 * 60 * 60 * 1000;
export const smallestSessionTtlMs = 1_000;
export const largestSessionTtlMs = 365 * 24 * 60 * 60 * 1000;

/** Unfinished uploads at a time; an option changes it. */
export const defaultMaxOpenSessions = 1_000;

/** Where the bytes of sessions and versions go. */
export interface PieceLimits {
  /** Content up to this size lies in a row; in bytes. */
  readonly maxRowPieceBytes: number;
  /** The same of what one call adds to an upload: one sync makes it durable and counts it, in a file it takes two. */
  readonly maxRowChunkBytes: number;
  /** Bytes of one upload that lie in rows at most, until they are moved into the content store. */
  readonly maxRowBytes: number;
  /** More pieces than this of one upload are made one before the next. */
  readonly maxPieces: number;
  /** A version has at most as many in the content store: who reads it has all of them open. */
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
 * Pieces that a process keeps open for its next append; the least recently used is closed past it. Together with what
 * the process has open anyway they leave room to read and to save where only 64 files may be open.
 */
export const maxOpenPieces = 24;
/** Sessions whose digest a process keeps, to go on with it. */
export const maxKeptDigests = 1_000;
/** One read or write of a copy. */
export const copyBlockBytes = MiB;
/** What an import or a stream makes durable at a time. */
export const checkpointBytes = 8 * MiB;
/** How long a caller waits for a publication before it is told to ask again. */
export const publicationWaitMs = 20_000;

/** The row of a session stays at least this long after its end: what comes late is still told apart from the rest. */
export const endedSessionMs = 24 * 60 * 60 * 1000;
/** A file that no row names is called an orphan once it is this old: somebody may be about to name it. */
export const orphanGraceMs = 24 * 60 * 60 * 1000;
/** An upload with all its bytes is left to its own process this long before a sweep publishes it. */
export const publicationGraceMs = 15 * 60 * 1000;
/** A save in one call is given up by a sweep after this long. */
export const saveGraceMs = 60 * 60 * 1000;
export const defaultFreedGatherMs = 500;
/** Between sweeps, about; the first comes in a small part of it. */
export const sweepEveryMs = 60 * 60 * 1000;

export const defaultPageLimit = 100;
export const largestPageLimit = 1_000;

/** The space that is given up on a full disk, so that deleting still works. */
export const reserveBytes = MiB;

/** A clock that was seen to be right this recently may end sessions at once. */
export const clockTrustMs = 24 * 60 * 60 * 1000;
/** Otherwise a clock is trusted once it has run this long without a jump. */
export const clockProbationMs = 60 * 60 * 1000;
/** The least difference between the wall clock and the monotonic clock that is a jump. */
export const clockJumpMs = 60 * 1000;
