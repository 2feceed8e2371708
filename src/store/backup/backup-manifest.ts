import { z } from "zod";
import { sha256Pattern } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import type { BackupFiles } from "../ports/backup-files.js";
import { isRecordsName, manifestName } from "./backup-layout.js";

/** The format that this program writes. It reads no newer one. */
const format = 1;

/** So many things that were left out are named in each list. */
export const maxLeftOut = 10_000;
/** More than the largest manifest that `maxLeftOut` allows. */
const maxManifestBytes = 64 * 1024 * 1024;

const count = z.int().nonnegative();
const leftOutSchema = z.strictObject({
  bucket: z.string().optional(),
  key: z.string().optional(),
  version: z.int().positive().optional(),
  session_id: z.string().optional(),
  /** The key of a metadata row that cannot be read. */
  row: z.string().optional(),
  /** Only of what is damaged: how. */
  problem: z.string().optional(),
  /** Only of what is damaged: the backup has it as the backup before had it. */
  kept: z.literal(true).optional(),
});
/** A version or an upload that the rows named and the backup has not. */
export type LeftOut = z.infer<typeof leftOutSchema>;

const manifestSchema = z.strictObject({
  format: z.literal(format),
  /** The id of the store. */
  store: z.string().min(1),
  /** When the rows were read, in unix seconds. */
  created_at: count,
  records: z.strictObject({
    name: z.string().refine(isRecordsName),
    bytes: count,
    sha256: z.string().regex(sha256Pattern),
  }),
  counts: z.strictObject({
    artifacts: count,
    versions: count,
    /** Keys without a version, whose last number is kept. */
    gone: count,
    unfinished_uploads: count,
    buckets: count,
    /** Different contents of versions and uploads. */
    contents: count,
  }),
  /** Bytes of these contents. */
  bytes: count,
  /** What was deleted while the backup ran. */
  dropped: z.array(leftOutSchema),
  /** What is damaged in the store. */
  damaged: z.array(leftOutSchema),
  /** What is not named in these lists, because they are full. */
  more: z.strictObject({ dropped: count, damaged: count }),
});
export type BackupManifest = z.infer<typeof manifestSchema>;
export type BackupCounts = BackupManifest["counts"];

/** Builds the manifest of a backup that was just written. */
export const newManifest = (facts: Omit<BackupManifest, "format">): BackupManifest => ({ format, ...facts });

/** Reads the manifest. Undefined if there is none. @throws ArtifactError `corrupt`; `invalid_argument` for a newer format */
export async function readManifest(files: BackupFiles): Promise<BackupManifest | undefined> {
  const file = await files.open(manifestName);
  if (file === undefined) return undefined;
  if (file.bytes > maxManifestBytes) {
    await file.close();
    throw damagedManifest();
  }
  const bytes = await file.read(0, file.bytes).finally(() => file.close());
  const text = Buffer.from(bytes).toString();
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    const found = /"format":\s*(\d+)/.exec(text)?.[1];
    if (found !== undefined && Number(found) > format) {
      const message = `The backup has format ${found}, and this version of the program knows only ${format}: use a newer version.`;
      throw new ArtifactError("invalid_argument", message, { cause });
    }
    throw damagedManifest(cause);
  }
}

function damagedManifest(cause?: unknown): ArtifactError {
  const message = `The backup's ${manifestName} is damaged. Remove it, and a backup into the same directory makes it again.`;
  return new ArtifactError("corrupt", message, { cause });
}

/** Durably puts the manifest in the place of the one before, in one step. */
export async function writeManifest(files: BackupFiles, manifest: BackupManifest): Promise<void> {
  const draft = await files.create();
  try {
    await draft.write(Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
    await draft.commit(manifestName);
  } finally {
    await draft.discard();
  }
  await files.sync();
}
