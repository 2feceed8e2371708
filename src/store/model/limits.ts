const KiB = 1024;
const MiB = 1024 * KiB;

/** A bucket name's longest form, in characters (all ASCII). */
export const maxBucketChars = 63;
/** A key's longest form, in bytes of UTF-8 after NFC. */
export const maxKeyBytes = KiB;
/** The JSON of an artifact's metadata, in bytes of UTF-8. */
export const maxMetadataBytes = 2 * KiB;
export const maxMimeTypeChars = 255;

/** Largest content of one call, decoded; `--max-chunk-bytes` changes it. */
export const defaultMaxChunkBytes = 8 * MiB;
/** The most `--max-chunk-bytes` may be: with base64 and JSON around it, a message stays below what the reader takes. */
export const largestMaxChunkBytes = 32 * MiB;
/** Largest message on stdin, in bytes. */
export const maxMessageBytes = 64 * MiB;
/** Requests of one client that are worked on at once; further ones wait. */
export const maxConcurrentCalls = 16;
/** Requests that wait; a further one is refused. */
export const maxWaitingCalls = 1_000;
/** While the client has left more than this unread, in bytes, no request is started. */
export const maxUnreadBytes = 8 * MiB;
/** While waiting requests and unread answers hold more than this together, in bytes, stdin is not read. */
export const maxHeldBytes = 32 * MiB;

export const defaultKeepVersions = 100;
/** All versions of a key share one row, which is read whole: the most `--keep-versions` may be. */
export const largestKeepVersions = 1_000;
/** An upload session lives this long after its last accepted byte; `--session-ttl` changes it. */
export const defaultSessionTtlMs = 7 * 24 * 60 * 60 * 1000;
export const smallestSessionTtlMs = 1_000;
export const largestSessionTtlMs = 365 * 24 * 60 * 60 * 1000;

/** Unfinished uploads at a time; `--max-open-sessions` changes it. */
export const defaultMaxOpenSessions = 1_000;

/** Past this many segments the next append copies them into one. */
export const maxSegments = 64;
/**
 * Segments that a process keeps open for its next append; the least recently used is closed past it. Together with what
 * the process has open anyway they leave room to read and to save where only 64 files may be open.
 */
export const maxOpenSegments = 24;
/** One read or write of a copy. */
export const copyBlockBytes = MiB;
/** What an import, or an upload over HTTP, makes durable at a time. */
export const checkpointBytes = 8 * MiB;
/** How long a caller waits for a publication before it hears `completing`. */
export const publicationWaitMs = 20_000;

/** What nobody owns is left alone this long, as somebody may be about to name it. */
export const sweepGraceMs = 24 * 60 * 60 * 1000;
/** An upload that is being put together is left to its own process this long. */
export const completingGraceMs = 15 * 60 * 1000;
/** Between sweeps, about; the first comes in a small part of it. */
export const sweepEveryMs = 60 * 60 * 1000;

export const defaultPageLimit = 100;
export const largestPageLimit = 1_000;

/** The space that is given up on a full disk, so that deleting still works. */
export const reserveBytes = MiB;
