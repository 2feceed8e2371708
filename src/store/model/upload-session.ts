import type { TransferUrls } from "../ports/transfer-urls.js";
import { type Artifact, type DescribedContent, toArtifact } from "./artifact.js";
import { guardText } from "./guard.js";
import { type PreviousFacts, previousFactsIn } from "./previous-facts.js";
import type { Piece, SessionRecord, Version } from "./records.js";
import type { Tail } from "./tail.js";

export type UploadStatus = SessionRecord["status"];

/** Another unfinished session of the same key, as the answer of a creation names it. */
export interface OpenSession
  extends Partial<Tail>,
    Pick<UploadSession, "id" | "offset" | "size" | "status" | "created_at"> {}

/**
 * An upload session, as MCP and HTTP show it. `offset` and `size` are in bytes, times in unix seconds. It has a tail if
 * it is unfinished and has bytes, except in the answer of an append: the caller has just sent these bytes.
 */
export interface UploadSession extends Partial<Tail> {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly mime_type: string;
  /** URL that takes bytes over HTTP. The URI of the session as an MCP resource if no HTTP server listens. */
  readonly url: string;
  /** Bytes that are stored durably. The next chunk begins here. 0 after an abort or expiry: the bytes are gone. */
  readonly offset: number;
  /** Null if the upload ends when it is completed. */
  readonly size: number | null;
  /** `open` with `offset` = `size` means that the upload is being published: ask again. */
  readonly status: UploadStatus;
  /** The guard that its completion must meet, if there is one: see `guardText`. */
  readonly if_version?: string;
  /** Seconds from its publication to the expiry of the artifact; absent if it does not expire. */
  readonly expires_in?: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: number;
  readonly expires_at: number;
  readonly artifact?: Artifact;
  /** In the answer of a creation: other unfinished sessions of the same key, newest first, 10 at most. */
  readonly open_sessions?: readonly OpenSession[];
}

export function uploadUri(id: string): string {
  return `artifact-upload://${id}`;
}

export function toUploadSession(
  record: SessionRecord,
  urls: TransferUrls,
  status: UploadStatus = record.status,
): UploadSession {
  const { id, bucket, key, mime_type, size, metadata, created_at, expires_at, artifact } = record;
  const { if_version, if_edit, expires_in } = record;
  const url = urls.upload(id) ?? uploadUri(id);
  const offset = status === "aborted" || status === "expired" ? 0 : record.offset;
  const optional = {
    ...(if_version === null ? {} : { if_version: guardText({ version: if_version, edit: if_edit }) }),
    ...(expires_in === undefined ? {} : { expires_in }),
  };
  const place = { id, bucket, key, mime_type, url };
  const session = { ...place, offset, size, status, ...optional, metadata, created_at, expires_at };
  if (artifact === null) return session;
  // A client with the upload URL may read the artifact for a limited time only, not as long as the session is known.
  const shown = toArtifact(bucket, key, artifact, urls, record.updated_at);
  if (artifact.session !== id) return { ...session, artifact: { ...shown, already_saved: true } };
  return { ...session, artifact: { ...shown, ...previousFactsIn(record) } };
}

/**
 * The status at this time. An unfinished upload expires by the clock, unless it is open and has all its declared bytes.
 */
export function statusAt(record: SessionRecord, nowSeconds: number): UploadStatus {
  const mayExpire = isUnfinished(record) && !isReady(record);
  return mayExpire && nowSeconds >= record.expires_at ? "expired" : record.status;
}

/** Whether a session still owns the pieces that it names: it is not published and not ended. */
export function isUnfinished({ status }: SessionRecord): boolean {
  return status === "open" || status === "conflict";
}

/** Whether all declared bytes are stored. */
export function isFull(record: SessionRecord): boolean {
  return record.offset === record.size;
}

/** Whether the session only has to be published. */
export function isReady(record: SessionRecord): boolean {
  return record.status === "open" && isFull(record);
}

/** Whether the session still takes bytes, and must not be published without them. */
export function takesMore(record: SessionRecord): boolean {
  return record.status === "open" && !isFull(record);
}

/** The record of the session after its content is published as `version`. */
export function completed(
  record: SessionRecord,
  version: Version,
  nowSeconds: number,
  previous: PreviousFacts = {},
): SessionRecord {
  return { ...ended(record, "complete", nowSeconds), artifact: version, ...previous };
}

/** The record of the session after its end, without its bytes. */
export function ended(
  record: SessionRecord,
  status: "complete" | "aborted" | "expired",
  nowSeconds: number,
): SessionRecord {
  return { ...record, status, pieces: [], digest: null, updated_at: nowSeconds };
}

/** The content that a session publishes when it has all its bytes. */
export function describeContent({ offset, mime_type, metadata }: SessionRecord, sha256: string): DescribedContent {
  return { sha256, bytes: offset, mime_type, metadata };
}

export function bytesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((bytes, piece) => bytes + piece.bytes, 0);
}

/** Splits pieces into those in the content store and those in rows. The latter always come after the former. */
export function splitPieces(pieces: readonly Piece[]): { readonly stored: Piece[]; readonly inRows: Piece[] } {
  return { stored: pieces.filter((piece) => !piece.in_row), inRows: pieces.filter((piece) => piece.in_row) };
}
