import { createHmac, timingSafeEqual } from "node:crypto";
import { encodeKey, encodeSegment } from "../store/model/names/artifact-uri.js";
import type { TransferUrls, VersionName } from "../store/ports/transfer-urls.js";

/** How long a download URL works. */
const downloadTtlSeconds = 60 * 60;

export const uploadBase = "/v1/artifacts/session:";
/** The same sessions as tus clients know them. */
export const tusBase = "/v1/tus/";
export const contentBase = "/v1/content/";

/**
 * URLs that let in whoever has them: each carries a code that only the key makes. An upload's is for one session, a
 * download's for one version until it expires. No version number is given twice, so it opens nothing else later.
 */
export class HttpLinks implements TransferUrls {
  readonly #key: Uint8Array;
  readonly #nowSeconds: () => number;
  /** `http://host:port`, once something listens there. */
  origin: string | undefined;

  constructor(key: Uint8Array, nowSeconds: () => number = () => Math.floor(Date.now() / 1000)) {
    this.#key = key;
    this.#nowSeconds = nowSeconds;
  }

  upload(id: string, base = uploadBase): string | undefined {
    return this.origin && `${this.origin}${this.uploadPath(id, base)}`;
  }

  /** The path of an upload URL, for where the client knows the origin better. */
  uploadPath(id: string, base = uploadBase): string {
    return `${base}${id}.${this.#uploadCode(id)}`;
  }

  isUpload(id: string, code: string): boolean {
    return isEqual(code, this.#uploadCode(id));
  }

  download(version: VersionName, since = Number.MAX_SAFE_INTEGER): string | undefined {
    const now = this.#nowSeconds();
    const expires = Math.min(since, now) + downloadTtlSeconds; // also of a time from a clock that was ahead
    if (this.origin === undefined || expires <= now) return undefined;
    const path = `${contentBase}${encodeSegment(version.bucket)}/${encodeKey(version.key)}`;
    const signature = this.#downloadCode(version, expires);
    return `${this.origin}${path}?version=${version.version}&expires=${expires}&signature=${signature}`;
  }

  /** @param version with the key as the store keeps it, in NFC */
  isDownload(version: VersionName, expires: number, code: string): boolean {
    return isEqual(code, this.#downloadCode(version, expires)) && this.#nowSeconds() < expires;
  }

  /** 132 bits, as short as a model can copy. */
  #uploadCode(id: string): string {
    return this.#code("upload", id).slice(0, 22);
  }

  #downloadCode({ bucket, key, version }: VersionName, expires: number): string {
    return this.#code("download", bucket, key, String(version), String(expires));
  }

  #code(...parts: readonly string[]): string {
    return createHmac("sha256", this.#key).update(JSON.stringify(parts)).digest("base64url");
  }
}

/** In a time that says nothing of how much of it is right. */
function isEqual(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
