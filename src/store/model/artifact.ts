import { createHash } from "node:crypto";
import type { TransferUrls } from "../ports/transfer-urls.js";
import { ArtifactError } from "./errors.js";
import { maxMetadataBytes } from "./limits.js";
import { artifactUri } from "./names/artifact-uri.js";
import { quote } from "./quote.js";
import type { Version } from "./records.js";

/** A published version of a key, as MCP and HTTP show it. */
export interface Artifact {
  readonly bucket: string;
  readonly key: string;
  readonly version: number;
  readonly mime_type: string;
  /** Size of the content in bytes. */
  readonly bytes: number;
  /** SHA-256 of the content: 64 lower-case hex. */
  readonly sha256: string;
  /** Unix seconds. */
  readonly created_at: number;
  /** Unix seconds; absent if it does not expire. */
  readonly expires_at?: number;
  /** Who made this version, as the caller said. */
  readonly saved_by?: string;
  readonly uri: string;
  /** URL that serves the content over HTTP for a limited time; absent if no HTTP server listens. */
  readonly url?: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** How many times metadata or expiry were changed since; absent for 0. */
  readonly edit?: number;
  /** The call made no new version, because this one already has the same content, type, metadata and expiry. */
  readonly already_saved?: true;
  /**
   * The metadata before: in the answer of a new version that lacks some of their names, and of a change of metadata.
   */
  readonly previous_metadata?: Readonly<Record<string, string>>;
  /**
   * The expiry before, in unix seconds: in the answer of a new version that does not expire, where the one before did,
   * and of a change of the expiry.
   */
  readonly previous_expires_at?: number;
}

/** SHA-256 of a whole content: 64 lower-case hex. */
export function sha256Of(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

export const sha256Pattern = /^[0-9a-f]{64}$/;

/** @throws ArtifactError `invalid_argument` */
export function checkDigest(argument: string, sha256: string | undefined): void {
  if (sha256 !== undefined && !sha256Pattern.test(sha256)) {
    const message = `${argument} must be 64 hex digits: leave it out if no program has computed it.`;
    throw new ArtifactError("invalid_argument", message, { details: { argument } });
  }
}

/** @throws ArtifactError `invalid_argument` */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const details = { argument: "metadata" };
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  if (bytes > maxMetadataBytes) {
    const message = `metadata is ${bytes} bytes of JSON, and the limit is ${maxMetadataBytes}: shorten it, or save it as an artifact of its own.`;
    throw new ArtifactError("invalid_argument", message, { details });
  }
  for (const text of Object.entries(metadata).flat()) {
    if (!text.isWellFormed()) {
      const message = "metadata has a lone surrogate, which is not valid Unicode text: remove it.";
      throw new ArtifactError("invalid_argument", message, { details });
    }
    if (text.includes("\0")) {
      const message = `metadata has a NUL character in ${quote(text)}: remove it.`;
      throw new ArtifactError("invalid_argument", message, { details });
    }
  }
}

/** Maximum length of an idempotency key, in characters. */
export const maxIdempotencyKeyChars = 255;

/** @throws ArtifactError `invalid_argument` */
export function checkIdempotencyKey(key: string | undefined): void {
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return;
  const message = `The idempotency key must be 1 to ${maxIdempotencyKeyChars} printable ASCII characters.`;
  throw new ArtifactError("invalid_argument", message, { details: { argument: "idempotency_key" } });
}

/** @param since when the time begins for which `url` works, in unix seconds; now if absent */
export function toArtifact(bucket: string, key: string, record: Version, urls: TransferUrls, since?: number): Artifact {
  const { version, mime_type, bytes, sha256, created_at, expires_at, saved_by, metadata, edit } = record;
  const uri = artifactUri(bucket, key);
  const url = urls.download({ bucket, key, version }, since);
  // A page has hundreds of artifacts. Setting fields one by one is several times as fast as object spreads.
  const artifact: Filled<Artifact> = { bucket, key, version, mime_type, bytes, sha256, created_at, uri, metadata };
  if (expires_at !== undefined) artifact.expires_at = expires_at;
  if (saved_by !== undefined) artifact.saved_by = saved_by;
  if (url !== undefined) artifact.url = url;
  if (edit !== undefined) artifact.edit = edit;
  return artifact;
}

type Filled<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/** The facts of a content. If they and the expiry are equal for two contents of one key, both are the same version. */
export interface DescribedContent {
  readonly sha256: string;
  readonly bytes: number;
  readonly mime_type: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export function isSameContent(a: DescribedContent, b: DescribedContent): boolean {
  return (
    a.sha256 === b.sha256 && a.bytes === b.bytes && a.mime_type === b.mime_type && sameStrings(a.metadata, b.metadata)
  );
}

/** Whether two objects have the same names with the same texts, in any order. */
export function sameStrings(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}
