/** URLs for clients that send and fetch bytes over HTTP. A method returns undefined while no server listens. */
export interface TransferUrls {
  /** The URL that takes the bytes of an upload session. Anyone who has the URL may send bytes. */
  upload(id: string): string | undefined;
  /**
   * The URL that serves the content of this one version for a limited time. The time begins now, or at `since` in unix
   * seconds. Returns undefined after the time has ended.
   */
  download(version: VersionName, since?: number): string | undefined;
}

export interface VersionName {
  readonly bucket: string;
  readonly key: string;
  readonly version: number;
}

export const noTransferUrls: TransferUrls = { upload: () => undefined, download: () => undefined };

/**
 * The same download URLs, and no upload URLs. For a server that only reads: whoever has an upload URL may write at another
 * server on the same store.
 */
export function downloadsOnly(urls: TransferUrls): TransferUrls {
  return { upload: () => undefined, download: (version, since) => urls.download(version, since) };
}
