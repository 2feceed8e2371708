const KiB = 1024;
const MiB = 1024 * KiB;

/** The most memory that all downloads of this process together may use for large blocks. */
const largeTotalBytes = 16 * MiB;
/** One block is read while the other is sent. */
const blocksPerDownload = 2;
const largeBlockBytes = MiB;
/** Size of the blocks of a download that begins when all memory for large blocks is in use. */
const smallBlockBytes = 64 * KiB;

let takenBytes = 0;

/** How much memory one download may use. */
export interface DownloadBlocks {
  /** Size of a block. */
  readonly blockBytes: number;
  /** Content up to this size may be read in one go. */
  readonly wholeBytes: number;
  /** Must be called once, at the end of the download. */
  release(): void;
}

/**
 * Returns how much memory a download of `bytes` may use. A client that reads slowly, or not at all, keeps its memory
 * for as long as it likes, so with many downloads each gets little.
 */
export function takeBlocks(bytes: number): DownloadBlocks {
  const wanted = Math.min(bytes, blocksPerDownload * largeBlockBytes);
  if (bytes <= smallBlockBytes || takenBytes + wanted > largeTotalBytes) {
    return { blockBytes: smallBlockBytes, wholeBytes: smallBlockBytes, release: () => undefined };
  }
  takenBytes += wanted;
  return {
    blockBytes: largeBlockBytes,
    wholeBytes: 256 * KiB,
    release: () => {
      takenBytes -= wanted;
    },
  };
}
