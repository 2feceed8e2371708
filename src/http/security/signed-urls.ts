import { createHmac, timingSafeEqual } from "node:crypto";
import { encodeKey, encodeSegment } from "../../store/model/names/artifact-uri.js";
import type { TransferUrls, VersionName } from "../../store/ports/transfer-urls.js";

/** How long a download URL is valid. */
const downloadTtlSeconds = 60 * 60;

/** Path of upload URLs, up to the session's id. */
export const uploadBase = "/v1/artifacts/session:";
/** Path of the upload URLs that tus clients use for the same sessions, up to the session's id. */
export const tusBase = "/v1/tus/";
export const contentBase = "/v1/content/";

/**
 * URLs that authorize whoever has them, by a signature (HMAC-SHA-256). An upload URL is valid for one session. A
 * download URL is valid for one version, until it expires. A version number is never given twice, so the URL of a
 * deleted version never opens a later one.
 */
export class SignedUrls implements TransferUrls {
  readonly #key: Uint8Array;
  readonly #nowSeconds: () => number;
  readonly #bucketPrefix: string;
  /** What URLs begin with, like `http://host:port`. Undefined until the server listens. */
  origin: string | undefined;

  /**
   * @param nowSeconds the clock, in Unix seconds
   * @param bucketPrefix what buckets begin with in the store, and not in URLs. A download URL is signed with the full
   * name, so that no server with another prefix takes it for a bucket of its own.
   */
  constructor(key: Uint8Array, nowSeconds: () => number = () => Math.floor(Date.now() / 1000), bucketPrefix = "") {
    this.#key = key;
    this.#nowSeconds = nowSeconds;
    this.#bucketPrefix = bucketPrefix;
  }

  upload(id: string, base = uploadBase): string | undefined {
    return this.origin && `${this.origin}${this.uploadPath(id, base)}`;
  }

  /** Returns the path of an upload URL, for a client that knows the origin better than the server does. */
  uploadPath(id: string, base = uploadBase): string {
    return `${base}${id}.${this.#uploadSignature(id)}`;
  }

  /** Returns whether the signature is the one in the upload URL of this session. */
  isUpload(id: string, signature: string): boolean {
    return isEqual(signature, this.#uploadSignature(id));
  }

  download(version: VersionName, since = Number.MAX_SAFE_INTEGER): string | undefined {
    const now = this.#nowSeconds();
    const expires = Math.min(since, now) + downloadTtlSeconds; // `since` may lie in the future, from a clock that was ahead
    if (this.origin === undefined || expires <= now) return undefined;
    const path = `${contentBase}${encodeSegment(version.bucket)}/${encodeKey(version.key)}`;
    const signature = this.#downloadSignature(version, expires);
    return `${this.origin}${path}?version=${version.version}&expires=${expires}&signature=${signature}`;
  }

  /**
   * Returns whether the signature is the one in the download URL of this version, and the URL has not expired.
   *
   * @param version with the key in NFC, as the store keeps it
   */
  isDownload(version: VersionName, expires: number, signature: string): boolean {
    return isEqual(signature, this.#downloadSignature(version, expires)) && this.#nowSeconds() < expires;
  }

  /** Returns 132 bits in base64url. A model has to copy them, so they are no more than needed. */
  #uploadSignature(id: string): string {
    return this.#sign("upload", id).slice(0, 22);
  }

  #downloadSignature({ bucket, key, version }: VersionName, expires: number): string {
    return this.#sign("download", this.#bucketPrefix + bucket, key, String(version), String(expires));
  }

  #sign(...parts: readonly string[]): string {
    return createHmac("sha256", this.#key).update(JSON.stringify(parts)).digest("base64url");
  }
}

/** Compares in a time that does not depend on how many characters are right. */
function isEqual(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
