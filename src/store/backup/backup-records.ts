import { z } from "zod";
import { ArtifactError } from "../model/errors.js";
import { isBucket } from "../model/names/bucket-name.js";
import { isKey } from "../model/names/key-name.js";
import {
  type ArtifactRow,
  bucketSchema,
  goneSchema,
  parseArtifactRow,
  parseSessionRow,
  type SessionRow,
  sessionKey,
  sessionSchema,
  type Version,
  versionSchema,
} from "../model/records.js";
import { artifactKey, joined, partsOf } from "../model/row-keys.js";
import { isUnfinished } from "../model/upload-session.js";
import type { StoredRow } from "../ports/metadata-store.js";

/*
 * The records of a backup: one JSON object a line. They have the facts of the rows, without what belongs to one store:
 * revisions, and where the pieces lie. docs/backup-format.md describes them.
 */

const bucket = z.string().refine(isBucket);
const key = z.string().refine(isKey);

const backedUpVersionSchema = versionSchema.omit({ session: true, pieces: true });
export type BackedUpVersion = z.infer<typeof backedUpVersionSchema>;

const artifactRecordSchema = z.strictObject({
  kind: z.literal("artifact"),
  bucket,
  key,
  last: z.int().positive(),
  /** Newest first. */
  versions: z.array(backedUpVersionSchema).min(1),
});
export type ArtifactBackup = z.infer<typeof artifactRecordSchema>;

const uploadRecordSchema = sessionSchema
  .omit({ revision: true, pieces: true, digest: true, artifact: true, is_listed: true })
  .extend({
    kind: z.literal("upload"),
    /** It becomes a part of the names of files. */
    id: z.string().regex(/^[\w-]{1,128}$/),
    bucket,
    key,
    status: z.enum(["open", "conflict"]),
    /** SHA-256 of the first `offset` bytes, which are in the backup. Null for none. */
    stored_sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
  });
export type UploadBackup = z.infer<typeof uploadRecordSchema>;

/** The rows that name no content: for each kind the names of the parts of its key, and what the row must be. */
const plainKinds = {
  gone: { parts: ["bucket", "key"], schema: goneSchema },
  bucket: { parts: ["bucket"], schema: bucketSchema },
} as const satisfies Record<
  string,
  { readonly parts: readonly ("bucket" | "key")[]; readonly schema: z.ZodType<object> }
>;
export type PlainKind = keyof typeof plainKinds;

const plainRecordSchema = z.strictObject({
  kind: z.custom<PlainKind>((kind) => typeof kind === "string" && Object.hasOwn(plainKinds, kind)),
  bucket,
  key: key.optional(),
  facts: z.record(z.string(), z.unknown()),
});
export interface PlainBackup {
  readonly kind: PlainKind;
  readonly bucket: string;
  readonly key?: string;
  /** Those of the row. */
  readonly facts: object;
}

export type BackupRecord = ArtifactBackup | UploadBackup | PlainBackup;

/** The beginnings of the keys of all rows that a backup needs, in the order of its records. */
export const backedUpPrefixes: readonly string[] = ["artifact", "session", ...Object.keys(plainKinds)].map((kind) =>
  joined(kind, ""),
);

/** A row of a snapshot, as what a backup does with it. `other`: the session of an upload that is not backed up. */
export type BackedUpRow =
  | { readonly kind: "artifact"; readonly row: ArtifactRow }
  | { readonly kind: "upload"; readonly row: SessionRow }
  | { readonly kind: "plain"; readonly record: PlainBackup }
  | { readonly kind: "other" | "unreadable" };

export function readRow(stored: StoredRow): BackedUpRow {
  try {
    return parseRow(stored);
  } catch (error) {
    if (error instanceof ArtifactError && error.code === "corrupt") return { kind: "unreadable" };
    throw error;
  }
}

function parseRow(stored: StoredRow): BackedUpRow {
  const [kind = "", ...parts] = partsOf(stored.key);
  if (kind === "artifact") return { kind, row: parseArtifactRow(stored) };
  if (kind !== "session") return { kind: "plain", record: plainRecord(kind as PlainKind, parts, stored) };
  const row = parseSessionRow(stored);
  return isUnfinished(row.value) && row.value.is_listed ? { kind: "upload", row } : { kind: "other" };
}

function plainRecord(kind: PlainKind, parts: readonly string[], { key, text }: StoredRow): PlainBackup {
  try {
    const facts = without(z.looseObject({}).parse(JSON.parse(text)), ["revision"]);
    return checkedPlain({
      kind,
      ...Object.fromEntries(plainKinds[kind].parts.map((part, n) => [part, parts[n]])),
      facts,
    });
  } catch (cause) {
    const message = `The metadata row ${key.replaceAll("\t", " ")} cannot be read.`;
    throw new ArtifactError("corrupt", message, { next: "restore_backup", details: { row: key }, cause });
  }
}

/** The record of an artifact with some of its versions. One without versions keeps the last number alone. */
export function artifactRecord({ value }: ArtifactRow, has: (version: Version) => boolean): BackupRecord {
  const { bucket, key, last } = value;
  const versions = value.versions.filter(has);
  if (versions.length === 0) return goneRecord({ bucket, key, last });
  return { kind: "artifact", bucket, key, last, versions: versions.map(factsOf) };
}

/** The record of a key without versions. */
export function goneRecord({ bucket, key, last }: Pick<ArtifactBackup, "bucket" | "key" | "last">): PlainBackup {
  return { kind: "gone", bucket, key, facts: { last } };
}

/** The facts of a version, without the place of its content. */
export const factsOf = (version: Version): BackedUpVersion => without(version, ["session", "pieces"]);

/** @param sha256 of the first `offset` bytes; null for none */
export function uploadRecord({ value }: SessionRow, sha256: string | null): UploadBackup {
  const facts = without(value, ["revision", "pieces", "digest", "artifact", "is_listed"]);
  return uploadRecordSchema.parse({ kind: "upload", ...facts, stored_sha256: sha256 });
}

function without<Value extends object, Name extends string>(value: Value, names: readonly Name[]): Omit<Value, Name> {
  const kept = Object.entries(value).filter(([name]) => !names.some((each) => each === name));
  return Object.fromEntries(kept) as Omit<Value, Name>;
}

/** The key of the row that a record without content becomes. */
export function plainKey(record: PlainBackup): string {
  return joined(record.kind, ...plainKinds[record.kind].parts.map((part) => record[part] ?? ""));
}

/** The key of the row that a record was. */
export function rowKeyOf(record: BackupRecord): string {
  if (record.kind === "artifact") return artifactKey(record.bucket, record.key);
  return record.kind === "upload" ? sessionKey(record.id) : plainKey(record);
}

/** Reads a line of the records. @throws Error if it is none */
export function parseRecord(line: string): BackupRecord {
  const value: unknown = JSON.parse(line);
  const { kind } = z.looseObject({ kind: z.string() }).parse(value);
  if (kind === "artifact") return artifactRecordSchema.parse(value);
  if (kind === "upload") return uploadRecordSchema.parse(value);
  return checkedPlain(value);
}

/** @throws Error for what is no such record */
function checkedPlain(value: unknown): PlainBackup {
  const { key, ...record } = plainRecordSchema.parse(value);
  const { parts, schema } = plainKinds[record.kind];
  const hasKey = parts.some((part) => part === "key");
  if (hasKey !== (key !== undefined)) throw new Error("the record has other parts than its kind");
  schema.parse({ ...record.facts, revision: "of no row" });
  return { ...record, ...(key === undefined ? {} : { key }) };
}
