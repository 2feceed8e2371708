/** Where clients without tools can send and fetch bytes: what a face that listens offers, and nothing while none does. */
export interface TransferUrls {
  /** Where the bytes of an upload session can be sent; who has it may do so. */
  upload(id: string): string | undefined;
  /**
   * Where the content of this one version can be fetched for a while. The while begins now, or at `since` in unix
   * seconds: undefined once it is over.
   */
  download(version: VersionName, since?: number): string | undefined;
}

export interface VersionName {
  readonly bucket: string;
  readonly key: string;
  readonly version: number;
}

export const noTransferUrls: TransferUrls = { upload: () => undefined, download: () => undefined };
