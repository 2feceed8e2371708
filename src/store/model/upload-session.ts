import type { TransferUrls } from "../ports/transfer-urls.js";
import { type Artifact, type DescribedContent, toArtifact } from "./artifact.js";
import type { Piece, SessionRecord, Version } from "./records.js";

export type UploadStatus = SessionRecord["status"];

/** An upload as every face shows it. `offset`, `size` in bytes; times in unix seconds. */
export interface UploadSession {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly mime_type: string;
  /** Where bytes can be sent over HTTP; the session as an MCP resource where nothing listens. */
  readonly url: string;
  /** Bytes stored for good: where the next chunk goes on. */
  readonly offset: number;
  /** Null where the upload ends by completing it. */
  readonly size: number | null;
  /** `open` with `offset` = `size` means that it is being published: ask again. */
  readonly status: UploadStatus;
  /** The guard that its completion has to meet, if any. */
  readonly if_version?: number;
  readonly created_at: number;
  readonly expires_at: number;
  readonly artifact?: Artifact;
}

export function uploadUri(id: string): string {
  return `artifact-upload://${id}`;
}

export function toUploadSession(
  record: SessionRecord,
  urls: TransferUrls,
  status: UploadStatus = record.status,
): UploadSession {
  const { id, bucket, key, mime_type, offset, size, if_version, created_at, expires_at, artifact } = record;
  const url = urls.upload(id) ?? uploadUri(id);
  const guard = if_version === null ? {} : { if_version };
  const session = { id, bucket, key, mime_type, url, offset, size, status, ...guard, created_at, expires_at };
  if (artifact === null) return session;
  // Who may upload may read what came of it for a while, and not for as long as the session is known.
  const shown = toArtifact(bucket, key, artifact, urls, record.updated_at);
  return { ...session, artifact: artifact.session === id ? shown : { ...shown, already_saved: true } };
}

/** The status at this moment: an upload that nobody ended expires by the clock, but not one that has all its bytes. */
export function statusAt(record: SessionRecord, nowSeconds: number): UploadStatus {
  const mayExpire = isUnfinished(record) && !isReady(record);
  return mayExpire && nowSeconds >= record.expires_at ? "expired" : record.status;
}

/** Whether a session still has bytes: what it names is its own. */
export function isUnfinished({ status }: SessionRecord): boolean {
  return status === "open" || status === "conflict";
}

/** Every declared byte is there. */
export function isFull(record: SessionRecord): boolean {
  return record.offset === record.size;
}

/** All that is left to do is to publish it. */
export function isReady(record: SessionRecord): boolean {
  return record.status === "open" && isFull(record);
}

/** Bytes can still come, and nothing is to be published before they have. */
export function takesMore(record: SessionRecord): boolean {
  return record.status === "open" && !isFull(record);
}

/** The session once its content is published as `version`. */
export function completed(record: SessionRecord, version: Version, nowSeconds: number): SessionRecord {
  return { ...ended(record, "complete", nowSeconds), artifact: version };
}

/** The session without its bytes. */
export function ended(
  record: SessionRecord,
  status: "complete" | "aborted" | "expired",
  nowSeconds: number,
): SessionRecord {
  return { ...record, status, pieces: [], digest: null, updated_at: nowSeconds };
}

/** What a session publishes once it has all its bytes. */
export function describeContent({ offset, mime_type, metadata }: SessionRecord, sha256: string): DescribedContent {
  return { sha256, bytes: offset, mime_type, metadata };
}

/** Whether `if_version` allows a new version on top of the newest; undefined means that the key does not exist. */
export function isGuardMet(if_version: number | null, newest: Version | undefined): boolean {
  return if_version === null || if_version === (newest?.version ?? 0);
}

export function bytesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((bytes, piece) => bytes + piece.bytes, 0);
}

/** The pieces at the end that lie in rows, and those before them. */
export function splitPieces(pieces: readonly Piece[]): { readonly stored: Piece[]; readonly inRows: Piece[] } {
  return { stored: pieces.filter((piece) => !piece.in_row), inRows: pieces.filter((piece) => piece.in_row) };
}
