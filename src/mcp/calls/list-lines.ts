import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { mimeTypeOf } from "../../store/model/formats/media-type.js";
import type { Tail } from "../../store/model/tail.js";
import type { OpenSession, UploadSession } from "../../store/model/upload-session.js";
import type { BucketSummary } from "../../store/ports/artifact-index.js";
import { isoTime } from "./model-time.js";

/*
 * Entries of a listing as text, one line each. Tabs separate the parts, because names have none. A line has no digest
 * and no URI, and nothing that is usual: the first version, the type that the key's extension tells, no metadata.
 */

/** Longer metadata is cut. In characters. */
const maxMetadataChars = 120;
/** Lists of several keys have only the last characters of a tail. */
const maxTailChars = 60;

/** @param bucket the bucket of all entries, which the lines then do not name */
export function artifactLine(artifact: Artifact, bucket?: string): string {
  return line([artifact.bucket === bucket ? "" : artifact.bucket, artifact.key, ...factsOf(artifact)]);
}

export function versionLine({ saved_by, ...artifact }: Artifact): string {
  const [size = "", version, ...facts] = factsOf(artifact);
  return line([version || "v1", size, ...facts, saved_by === undefined ? "" : `by ${saved_by}`]);
}

function factsOf({ key, bytes, version, edit, mime_type, created_at, expires_at, metadata }: Artifact): string[] {
  return [
    `${bytes} B`,
    version > 1 || edit !== undefined ? `v${version}${edit === undefined ? "" : `.${edit}`}` : "",
    mime_type === mimeTypeOf(key, "text/plain") ? "" : mime_type,
    isoTime(created_at),
    expires_at === undefined ? "" : `expires ${isoTime(expires_at)}`,
    Object.keys(metadata).length === 0 ? "" : cut(JSON.stringify(metadata)),
  ];
}

export function bucketLine({ name, artifacts, bytes, newest_at }: BucketSummary): string {
  return line([name, count(artifacts, "artifact"), `${bytes} B`, `newest ${isoTime(newest_at)}`]);
}

export function prefixLine(prefix: string): string {
  return line([prefix, "(prefix)"]);
}

/** @param isOfOneKey the list is of one key: its lines do not name it, and have the whole tail */
export function sessionLine(session: UploadSession, isOfOneKey: boolean): string {
  const { id, bucket, key } = session;
  const place = isOfOneKey ? [] : [bucket, key];
  return line([id, ...place, ...progressOf(session, isOfOneKey ? Number.POSITIVE_INFINITY : maxTailChars)]);
}

export function openSessionLine(session: OpenSession): string {
  const [at = "", begun, ...tail] = progressOf(session, Number.POSITIVE_INFINITY);
  return line([session.id, at, `begun ${begun}`, ...tail]);
}

function progressOf(session: OpenSession, tailChars: number): string[] {
  const { status, offset, size, created_at } = session;
  const at = `${status} at offset ${offset}${size === null ? "" : ` of ${size}`}`;
  return [at, isoTime(created_at), ...tailParts(session, tailChars)];
}

/** The end of what is stored as a JSON string, so that its line ends and spaces can be seen. */
function tailParts({ tail, tail_encoding, tail_ends_at }: Partial<Tail>, chars: number): string[] {
  if (tail === undefined) return [];
  if (tail_encoding !== undefined) return [`tail as ${tail_encoding} ${tail}`];
  const all = [...tail];
  const shown = all.length <= chars ? tail : all.slice(-chars).join("");
  const half = tail_ends_at === undefined ? [] : [`the tail ends inside a character: send text from ${tail_ends_at}`];
  return [...half, `tail ${JSON.stringify(shown)}`];
}

function cut(text: string): string {
  return text.length <= maxMetadataChars ? text : `${text.slice(0, maxMetadataChars).toWellFormed()}...`;
}

function line(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\t");
}
