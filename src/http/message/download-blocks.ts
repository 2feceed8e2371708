const KiB = 1024;
const MiB = 1024 * KiB;

/** What all downloads of this process together may hold in large blocks, in bytes. */
const largeTotalBytes = 16 * MiB;
/** One is read while the other goes out. */
const blocksOfDownload = 2;
const largeBlockBytes = MiB;
/** Blocks of a download that comes when all of that is taken. */
const smallBlockBytes = 64 * KiB;

let takenBytes = 0;

/** Memory for one download. */
export interface DownloadBlocks {
  /** Bytes of a block. */
  readonly blockBytes: number;
  /** Content up to this many bytes may be read at once. */
  readonly wholeBytes: number;
  /** To be called once, at its end. */
  release(): void;
}

/** Memory for a download of `bytes`. Clients that read slowly, or not at all, keep theirs: it is little if there are many. */
export function takeBlocks(bytes: number): DownloadBlocks {
  const wanted = Math.min(bytes, blocksOfDownload * largeBlockBytes);
  if (bytes <= smallBlockBytes || takenBytes + wanted > largeTotalBytes) {
    return { blockBytes: smallBlockBytes, wholeBytes: smallBlockBytes, release: () => undefined };
  }
  takenBytes += wanted;
  return {
    ...{ blockBytes: largeBlockBytes, wholeBytes: 256 * KiB },
    release: () => {
      takenBytes -= wanted;
    },
  };
}
