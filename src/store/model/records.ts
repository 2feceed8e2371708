import { z } from "zod";
import type { StoredRow } from "../ports/metadata-store.js";
import { ArtifactError } from "./errors.js";
import { joined, partsOf } from "./row-keys.js";

/*
 * The rows. A tab separates the parts of a row's key. No name contains a tab, and it sorts below every character that a
 * name can contain.
 *
 *   artifact <bucket> <key>     all versions of one key, and its last version number
 *   gone <bucket> <key>         the last version number of a key that has no version now
 *   session <id>                one upload
 *   upload <bucket> <key> <id>  index of sessions by key
 *   open <bucket> <key> <time> <id>
 *                               index of unfinished sessions by key, newest first
 *   freed <id>                  pieces that no other row names any more, to be removed
 *   due <bucket> <key>          an expired key that a sweep has seen
 *   bucket <name>               the limits of a bucket that has some; the bucket need not hold anything
 *   changed                     rewritten after a publication or a deletion, so that watchers look again
 *   clock                       the latest time that a process with a trusted clock has seen, and what others have tried
 *   store                       the id and the generation of the store
 *   restore                     a restore from a backup that has not ended
 */

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().min(1);
const metadata = z.record(z.string(), z.string());

const pieceSchema = z.strictObject({
  /** `<start>-<random>`, unique under its session. */
  name,
  /** Bytes of the piece that count. A piece in the content store may have more. */
  bytes: z.int().positive(),
  /** The piece lies in a row of its own, not in the content store. */
  in_row: z.literal(true).optional(),
});
export type Piece = z.infer<typeof pieceSchema>;

export const versionSchema = z.strictObject({
  version: z.int().positive(),
  /** The session that brought the content. Its pieces lie under this id. Versions that were moved together share it. */
  session: name,
  /** In order. */
  pieces: z.array(pieceSchema),
  mime_type: z.string(),
  bytes: count,
  sha256: digest,
  created_at: count,
  metadata,
  /** How many times metadata or expiry were changed after the version was made; absent for 0. */
  edit: z.int().positive().optional(),
  /** Unix seconds; absent if it does not expire. */
  expires_at: count.optional(),
  /** Who made the version, as the caller said. */
  saved_by: z.string().optional(),
  /** Idempotency keys of the requests that this version answered. */
  idempotency_keys: z.array(name).optional(),
});
export type Version = z.infer<typeof versionSchema>;

const artifactSchema = z.strictObject({
  revision: name,
  bucket: name,
  key: name,
  /** The last version number that was given to the key. No number is given twice. */
  last: z.int().positive(),
  /** Newest first, never empty. */
  versions: z.array(versionSchema).min(1),
});
export type ArtifactRecord = Omit<z.infer<typeof artifactSchema>, "revision">;

export const goneSchema = z.strictObject({ revision: name, last: z.int().positive() });
export type GoneRecord = Omit<z.infer<typeof goneSchema>, "revision">;

export const sessionSchema = z.strictObject({
  revision: name,
  id: name,
  /** False for a session that is not shown: that of a save in one call, or one that its client has dismissed. */
  is_listed: z.boolean(),
  bucket: name,
  key: name,
  mime_type: z.string(),
  metadata,
  /** Declared size in bytes. Null if the upload ends when it is completed. */
  size: count.nullable(),
  /** SHA-256 of the whole content, as announced by the caller. */
  sha256: digest.nullable(),
  if_version: count.nullable(),
  /** The `edit` that the newest version must have under the guard `if_version`; absent for 0. */
  if_edit: z.int().positive().optional(),
  /** The guard `if_version` must be met even if the newest version has the same content. */
  is_strict: z.literal(true).optional(),
  idempotency_key: name.optional(),
  /** Present with `idempotency_key`: a digest of the request. Later calls may change the session itself. */
  request: digest.optional(),
  saved_by: z.string().optional(),
  /** The number of its version, if the key has not given out as high a number by then. */
  least_version: z.int().positive().optional(),
  /** Seconds from the publication to the expiry of the version; absent if it does not expire. */
  expires_in: z.int().positive().optional(),
  status: z.enum(["open", "conflict", "complete", "aborted", "expired"]),
  /** Bytes of the upload that are stored and counted. */
  offset: count,
  /**
   * The pieces that hold those bytes, in order: first those in the content store, then those in rows. Empty after the
   * session has ended.
   */
  pieces: z.array(pieceSchema),
  /** The digest of the first `bytes` bytes, if it is known. */
  digest: z.strictObject({ bytes: count, sha256: digest }).nullable(),
  /** The last version number of the key when the upload got all its declared bytes; null before. */
  over: count.nullable(),
  /** The version that has the content, after the session is complete. */
  artifact: versionSchema.nullable(),
  /** What the version before had, and the upload's version lacks. */
  previous_metadata: metadata.optional(),
  previous_expires_at: count.optional(),
  created_at: count,
  /** The time when the last byte was accepted. After the end, the time of the end. */
  updated_at: count,
  expires_at: count,
});
export type SessionRecord = Omit<z.infer<typeof sessionSchema>, "revision">;

/** `at`: the time when the row was written. */
const freedSchema = z.strictObject({
  at: count,
  pieces: z.array(z.strictObject({ session: name, name })).min(1),
  /** Digests of the removed versions whose pieces these are. What was derived from their content is removed too. */
  sha256: z.array(digest).min(1).optional(),
});
export type FreedRecord = z.infer<typeof freedSchema>;

/** A key that a sweep has seen as expired. A later sweep frees it if it has not changed since. */
const dueSchema = z.strictObject({
  revision: name,
  /** Number and `edit` of the newest version that was seen. */
  version: z.int().positive(),
  edit: count,
  /** When it was seen, in unix seconds. */
  at: count,
});
export type DueRecord = Omit<z.infer<typeof dueSchema>, "revision">;

/** The limits of a bucket. At least one is there. */
export const bucketSchema = z
  .strictObject({
    revision: name,
    /** Seconds. An artifact whose newest version is this old is deleted. */
    max_age: z.int().positive().optional(),
    /** Bytes of all versions and of unfinished uploads. New content that would go past it is refused. */
    max_bytes: z.int().positive().optional(),
  })
  .refine(({ max_age, max_bytes }) => max_age !== undefined || max_bytes !== undefined);
export type BucketRecord = Omit<z.infer<typeof bucketSchema>, "revision">;

/** How long clocks have run well that agree with each other and that none is trusted yet; `at` is when one said so last. */
const clockTrialSchema = z.strictObject({ at: count, ms: count });
const clockSchema = z.strictObject({
  revision: name,
  seen_at: count.optional(),
  trial: clockTrialSchema.optional(),
});
export type ClockRecord = Omit<z.infer<typeof clockSchema>, "revision">;

/** A restore that has not ended: the digest of the backup's records. Each process that goes on with it writes a new revision. */
const restoreSchema = z.strictObject({
  revision: name,
  records: digest,
  /** All records are in the store. What remains is to compare and verify, and what changes from now on stays changed. */
  is_written: z.literal(true).optional(),
});
export type RestoreRecord = Omit<z.infer<typeof restoreSchema>, "revision">;

const storeSchema = z.strictObject({ revision: name, id: name, generation: count });
export type StoreRecord = Omit<z.infer<typeof storeSchema>, "revision">;

/** A row as it was read: its parsed value, and the text that a change compares. */
export interface Row<Value> extends StoredRow {
  readonly value: Value;
}
export type ArtifactRow = Row<ArtifactRecord>;
export type GoneRow = Row<GoneRecord>;
export type SessionRow = Row<SessionRecord>;
export type FreedRow = Row<FreedRecord>;
export type DueRow = Row<DueRecord>;
export type BucketRow = Row<BucketRecord>;

/** Those of sessions have 32. */
const maxIdChars = 128;

export const goneKey = (bucket: string, key: string): string => joined("gone", bucket, key);
export const gonePrefix = "gone\t";
export const sessionPrefix = "session\t";
export const sessionKey = (id: string): string => joined("session", id);
export const uploadKey = (bucket: string, key: string, id: string): string => joined("upload", bucket, key, id);
/** Whether a session may have this id. No row has a longer key, or NUL in its key. */
export const mayBeSessionId = (id: string): boolean => id.length <= maxIdChars && !id.includes("\0");
/** The text of every index row: all its facts are in its key. */
export const uploadText = "{}";
/** The beginning of the keys of index rows: of all, of one bucket, or of one key in a bucket. */
export const uploadPrefix = (bucket?: string, key?: string): string =>
  joined("upload", ...(bucket === undefined ? [] : [bucket, ...(key === undefined ? [] : [key])]), "");

/** More than any time in seconds. It has as many digits as every time that is subtracted from it. */
const latestSeconds = 9_999_999_999_999;
/** Sorts like the time in unix seconds, but the latest first. */
const descending = (seconds: number): string => String(latestSeconds - seconds).padStart(13, "0");

/** The key of the index row of an unfinished session. */
export const openKey = ({ bucket, key, id, created_at }: OpenedSession): string =>
  joined("open", bucket, key, descending(created_at), id);
/** The beginning of the keys of such rows: of all, of one bucket, or of one key in a bucket. */
export const openPrefix = (bucket?: string, key?: string): string =>
  joined("open", ...(bucket === undefined ? [] : [bucket, ...(key === undefined ? [] : [key])]), "");
/** The end of such a key, `<time>\t<id>`: sorts the sessions of any keys, newest first. */
export const openOrder = (key: string): string => partsOf(key).slice(-2).join("\t");
/** The same for a session. */
export const orderOf = (session: OpenedSession): string => openOrder(openKey(session));
type OpenedSession = Pick<SessionRecord, "bucket" | "key" | "id" | "created_at">;

/** The session id at the end of the key of a session row or an index row. */
export const sessionIdIn = (key: string): string => key.slice(key.lastIndexOf("\t") + 1);
export const freedPrefix = "freed\t";
export const freedKey = (id: string): string => joined("freed", id);
export const duePrefix = "due\t";
export const dueKey = (bucket: string, key: string): string => joined("due", bucket, key);
export const bucketPrefix = "bucket\t";
export const bucketKey = (bucket: string): string => joined("bucket", bucket);
/** The name of the bucket in the key of its row. */
export const bucketIn = (key: string): string => key.slice(bucketPrefix.length);
export const changedKey = "changed";
export const clockKey = "clock";
export const storeKey = "store";
export const restoreKey = "restore";

/** The name of a piece in a row. */
export const rowPieceName = (session: string, { name }: Pick<Piece, "name">): string => `${session}/${name}`;

/** @throws ArtifactError `corrupt`, with the row's name */
function parseRow<Value>(schema: z.ZodType<Value>, { key, text }: StoredRow): Row<Value> {
  try {
    return { key, text, value: schema.parse(JSON.parse(text)) };
  } catch (cause) {
    const message = `The metadata row ${key.replaceAll("\t", " ")} cannot be read. Nothing was changed.`;
    throw new ArtifactError("corrupt", message, { next: "restore_backup", details: { row: key }, cause });
  }
}

/** Parses one version in the row of an artifact. @param row `text` is the version alone */
export const parseVersion = (row: StoredRow): Version => parseRow(versionSchema, row).value;
export const parseArtifactRow = (row: StoredRow): ArtifactRow => parseRow(artifactSchema, row);
export const parseGoneRow = (row: StoredRow): GoneRow => parseRow(goneSchema, row);
export const parseSessionRow = (row: StoredRow): SessionRow => parseRow(sessionSchema, row);
export const parseFreedRow = (row: StoredRow): FreedRow => parseRow(freedSchema, row);
export const parseDueRow = (row: StoredRow): DueRow => parseRow(dueSchema, row);
export const parseBucketRow = (row: StoredRow): BucketRow => parseRow(bucketSchema, row);
export const parseClockRow = (row: StoredRow): Row<ClockRecord> => parseRow(clockSchema, row);
export const parseRestoreRow = (row: StoredRow): Row<RestoreRecord> => parseRow(restoreSchema, row);
export const parseStoreRow = (row: StoredRow): Row<StoreRecord> => parseRow(storeSchema, row);

/** The version with this number; the newest version if no number is given. */
export function versionNumbered(versions: readonly Version[], number: number | undefined): Version | undefined {
  return number === undefined ? versions[0] : versions.find(({ version }) => version === number);
}

/** Whether the row still has a version, whatever has changed about it. No number of a key is given twice. */
export function hasVersion(row: ArtifactRow | undefined, { version }: Pick<Version, "version">): boolean {
  return row?.value.versions.some((known) => known.version === version) === true;
}

/** A version that this session brought, if the artifact row has one. A session that was made by a move may bring several. */
export function versionOf(row: ArtifactRow | undefined, session: string): Version | undefined {
  return row?.value.versions.find((version) => version.session === session);
}
