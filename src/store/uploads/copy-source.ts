import { count } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import { type SessionRecord, type Version, versionNumbered } from "../model/records.js";
import { absence } from "../model/session-errors.js";
import type { Rows } from "../rows.js";
import type { CreateUpload } from "./new-session.js";

/** The version that a session begins with: the newest by default. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly version?: number | undefined;
}

/** Numbers of existing versions that an error names. */
const maxNamedVersions = 20;

/** @throws ArtifactError `artifact_not_found`, which names the versions there are; `invalid_argument` */
export async function findSource(rows: Rows, { bucket, key: name, version }: CopySource): Promise<Version> {
  checkBucket(bucket);
  const key = toKey(name);
  const row = await rows.liveArtifact(bucket, key);
  const versions = row?.value.versions ?? [];
  const found = versionNumbered(versions, version);
  if (found !== undefined) return found;
  const where = `${quote(key)} in bucket ${quote(bucket)}`;
  if (version === undefined || versions.length === 0) {
    const message = `${absence(bucket, key, await rows.lastNumber(bucket, key))}. Nothing was copied.`;
    throw new ArtifactError("artifact_not_found", message, { next: "see_artifacts", details: { bucket, key } });
  }
  const numbers = versions.slice(0, maxNamedVersions).map((known) => known.version);
  const more = versions.length > maxNamedVersions ? ", and older ones" : "";
  const message = `There is no version ${version} of ${where}. The versions are ${numbers.join(", ")}${more}. Nothing was copied.`;
  throw new ArtifactError("artifact_not_found", message, {
    next: "correct_argument",
    details: { bucket, key, version, versions: numbers },
  });
}

/**
 * The record of a new session with what the request has left to the version that the session begins with: type,
 * metadata, and for a version of the same key the guard.
 */
export function describedBy(version: Version, record: SessionRecord, upload: CreateUpload): SessionRecord {
  const { from, mime_type, metadata, if_version } = upload;
  const isOwn = from?.bucket === record.bucket && toKey(from.key) === record.key;
  return {
    ...record,
    mime_type: mime_type ?? version.mime_type,
    metadata: { ...(metadata ?? version.metadata) },
    ...(isOwn && if_version === undefined ? guardOf(version) : {}),
  };
}

function guardOf({ version, edit }: Version): Pick<SessionRecord, "if_version" | "if_edit"> {
  return { if_version: version, ...(edit === undefined ? {} : { if_edit: edit }) };
}

/** @throws ArtifactError `size_exceeded` if the version is longer than the declared size of the session */
export function checkFits({ bytes }: Version, { size }: SessionRecord): void {
  if (size === null || bytes <= size) return;
  const message = `That version has ${count(bytes, "byte")}, and size is ${size}. size counts the whole content, including the bytes of that version. No session was created.`;
  throw new ArtifactError("size_exceeded", message, { next: "create_without_size", details: { bytes, size } });
}
