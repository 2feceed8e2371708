import { z } from "zod";
import { ArtifactError } from "./errors.js";
import type { Guard, MetadataStore, StoredRow } from "./metadata-store.js";

/*
 * The four kinds of rows, and the one hint. `:` is in no bucket, key or id.
 *
 *   artifact:<bucket>:<key>     all versions of one key
 *   session:<id>                one upload
 *   upload:<bucket>:<key>:<id>  index of sessions by key
 *   freed:<session id>          a blob that is about to lose its version, or its session without one
 *   changed                     rewritten after a publication or a deletion, so that watchers look again
 */

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const metadata = z.record(z.string(), z.string());

const versionSchema = z.strictObject({
  version: z.int().positive(),
  /** The session whose blob holds the bytes. */
  session: z.string().min(1),
  mime_type: z.string(),
  bytes: count,
  sha256: digest,
  created_at: count,
  metadata,
});
export type Version = z.infer<typeof versionSchema>;

const artifactSchema = z.strictObject({
  revision: z.string().min(1),
  bucket: z.string().min(1),
  key: z.string().min(1),
  /** The last version number given; numbers are not used again while the row lives. */
  last: z.int().positive(),
  /** Newest first, never empty. */
  versions: z.array(versionSchema).min(1),
});
export type ArtifactRecord = Omit<z.infer<typeof artifactSchema>, "revision">;

const sessionSchema = z.strictObject({
  revision: z.string().min(1),
  id: z.string().min(1),
  /** `save` is a session that `save_artifact` made for itself. */
  origin: z.enum(["upload", "save"]),
  bucket: z.string().min(1),
  key: z.string().min(1),
  mime_type: z.string(),
  metadata,
  /** Declared bytes, null where the upload is ended by completing it. */
  size: count.nullable(),
  /** The digest asked for at creation. */
  sha256: digest.nullable(),
  if_version: count.nullable(),
  status: z.enum(["open", "completing", "held", "complete", "aborted", "expired"]),
  /** Bytes that count. */
  offset: count,
  /** Where those bytes lie, in order; one file once sealed. */
  segments: z.array(z.strictObject({ name: z.string().min(1), bytes: count })),
  /** What was sealed; and of when it became `completing`, the last time, the newest version's session and the time. */
  sealed: z.strictObject({ sha256: digest, over: z.string().nullable(), at: count }).nullable(),
  /** Once complete, the version that holds the content. */
  artifact: versionSchema.nullable(),
  created_at: count,
  expires_at: count,
});
export type SessionRecord = Omit<z.infer<typeof sessionSchema>, "revision">;

/** `at`: when it was announced. */
const freedSchema = z.strictObject({ bucket: z.string().min(1), key: z.string().min(1), at: count });
export type FreedRecord = z.infer<typeof freedSchema>;

/** A row as it was read: its value, and the text that a compare-and-set compares. */
export interface Row<Value> extends StoredRow {
  readonly value: Value;
}
export type ArtifactRow = Row<ArtifactRecord>;
export type SessionRow = Row<SessionRecord>;
export type FreedRow = Row<FreedRecord>;

export const artifactPrefix = "artifact:";
export const artifactKey = (bucket: string, key: string): string => `artifact:${bucket}:${key}`;
export const sessionPrefix = "session:";
export const sessionKey = (id: string): string => `session:${id}`;
export const uploadKey = (bucket: string, key: string, id: string): string => `upload:${bucket}:${key}:${id}`;
/** An index row says all in its key. */
export const uploadText = "{}";
/** What the index rows of a bucket begin with, or of one key of it, or of all. */
export const uploadPrefix = (bucket?: string, key?: string): string =>
  ["upload", ...(bucket === undefined ? [] : [bucket, ...(key === undefined ? [] : [key])]), ""].join(":");
/** The id at the end of a row's key: of a session, an index row, or a `freed` row. */
export const idOf = (key: string): string => key.slice(key.lastIndexOf(":") + 1);
export const freedPrefix = "freed:";
export const freedKey = (id: string): string => `freed:${id}`;
export const changedKey = "changed";

/** @throws ArtifactError `corrupt`, with the row's name */
function parseRow<Value>(schema: z.ZodType<Value>, { key, text }: StoredRow): Row<Value> {
  try {
    return { key, text, value: schema.parse(JSON.parse(text)) };
  } catch (cause) {
    throw new ArtifactError(
      "corrupt",
      `The metadata row ${key} cannot be read. Nothing was changed; the person who runs this server has to restore it from a backup or remove it.`,
      { row: key },
      { cause },
    );
  }
}

export const parseArtifactRow = (row: StoredRow): ArtifactRow => parseRow(artifactSchema, row);
export const parseSessionRow = (row: StoredRow): SessionRow => parseRow(sessionSchema, row);
export const parseFreedRow = (row: StoredRow): FreedRow => parseRow(freedSchema, row);

/** The version that a session's blob belongs to, if the artifact row names it. */
export function versionOf(row: ArtifactRow | undefined, session: string): Version | undefined {
  return row?.value.versions.find((version) => version.session === session);
}

/** The rows of the store, parsed when read and given a revision that never repeats when written. */
export interface Rows {
  artifact(bucket: string, key: string): Promise<ArtifactRow | undefined>;
  session(id: string): Promise<SessionRow | undefined>;
  sessions(ids: readonly string[]): Promise<SessionRow[]>;
  /** Undefined where a session of that id is there already, or the guard does not hold. */
  insertSession(value: SessionRecord, guard?: Guard): Promise<SessionRow | undefined>;
  /** Compare-and-set from a row as it was read; the new row where it won, undefined where it lost. */
  replaceSession(old: SessionRow, value: SessionRecord, guard?: Guard): Promise<SessionRow | undefined>;
  dropSession(old: SessionRow, guard?: Guard): Promise<boolean>;
  /** `value` undefined deletes the row; `old` undefined inserts it. */
  replaceArtifact(
    key: string,
    old: ArtifactRow | undefined,
    value: ArtifactRecord | undefined,
    guard?: Guard,
  ): Promise<boolean>;
}

export function createRows(metadataStore: MetadataStore, newRevision: () => string): Rows {
  const encode = (value: object): string => JSON.stringify({ ...value, revision: newRevision() });

  async function read<Value>(schema: z.ZodType<Value>, key: string): Promise<Row<Value> | undefined> {
    const text = await metadataStore.get(key);
    return text === undefined ? undefined : parseRow(schema, { key, text });
  }

  async function writeSession(old: SessionRow | undefined, value: SessionRecord, guard?: Guard) {
    const key = sessionKey(value.id);
    const text = encode(value);
    const won = await metadataStore.replace(key, old?.text, text, guard);
    return won ? { key, text, value } : undefined;
  }

  return {
    artifact: (bucket, key) => read(artifactSchema, artifactKey(bucket, key)),
    session: (id) => read(sessionSchema, sessionKey(id)),
    async sessions(ids) {
      const keys = ids.map(sessionKey);
      const texts = await metadataStore.getMany(keys);
      return keys.flatMap((key, index) => {
        const text = texts[index];
        return text === undefined ? [] : [parseRow(sessionSchema, { key, text })];
      });
    },
    insertSession: (value, guard) => writeSession(undefined, value, guard),
    replaceSession: writeSession,
    dropSession: (old, guard) => metadataStore.replace(old.key, old.text, undefined, guard),
    replaceArtifact: (key, old, value, guard) =>
      metadataStore.replace(key, old?.text, value === undefined ? undefined : encode(value), guard),
  };
}

export const encodeFreed = (value: FreedRecord): string => JSON.stringify(value);
