import { isDeepStrictEqual } from "node:util";
import { ArtifactError } from "../model/errors.js";
import type { Rows } from "../rows.js";
import type { LeftOut } from "./backup-manifest.js";
import {
  type ArtifactBackup,
  type BackupRecord,
  factsOf,
  type PlainBackup,
  plainKey,
  readRow,
  rowKeyOf,
  type UploadBackup,
  uploadRecord,
} from "./backup-records.js";

/**
 * Compares the rows of a store with a record of the backup that was restored into it. Returns what the store has not got,
 * or has otherwise.
 */
export async function differencesFrom(record: BackupRecord, rows: Rows): Promise<LeftOut[]> {
  try {
    return await foundDifferences(record, rows);
  } catch (error) {
    if (!(error instanceof ArtifactError) || error.code !== "corrupt") throw error;
    return [{ row: rowKeyOf(record), problem: "cannot be read in the store" }];
  }
}

async function foundDifferences(record: BackupRecord, rows: Rows): Promise<LeftOut[]> {
  if (record.kind === "artifact") return artifactDifferences(record, rows);
  if (record.kind === "upload") return uploadDifferences(record, rows);
  return plainDifferences(record, rows);
}

const absent = "is not in the store";
const changed = "is in the store, but not as in the backup: another program has changed it";

async function artifactDifferences({ bucket, key, last, versions }: ArtifactBackup, rows: Rows): Promise<LeftOut[]> {
  const found = (await rows.artifact(bucket, key))?.value;
  const differences: LeftOut[] = versions.flatMap((wanted) => {
    const { version } = wanted;
    const restored = found?.versions.find((other) => other.version === version);
    if (restored !== undefined && isDeepStrictEqual(factsOf(restored), wanted)) return [];
    return [{ bucket, key, version, problem: restored === undefined ? absent : changed }];
  });
  const isOther = found !== undefined && (found.last !== last || found.versions.length > versions.length);
  return isOther ? [...differences, { bucket, key, problem: changed }] : differences;
}

async function uploadDifferences(wanted: UploadBackup, rows: Rows): Promise<LeftOut[]> {
  const { id: session_id, bucket, key } = wanted;
  const row = await rows.session(session_id);
  if (row === undefined) return [{ bucket, key, session_id, problem: absent }];
  const isSame =
    row.value.artifact === null && isDeepStrictEqual(uploadRecord(row, row.value.digest?.sha256 ?? null), wanted);
  return isSame ? [] : [{ bucket, key, session_id, problem: changed }];
}

async function plainDifferences(wanted: PlainBackup, rows: Rows): Promise<LeftOut[]> {
  const row = plainKey(wanted);
  const stored = await rows.stored(row);
  if (stored === undefined) return [{ row, problem: absent }];
  const found = readRow(stored);
  return found.kind === "plain" && isDeepStrictEqual(found.record, wanted) ? [] : [{ row, problem: changed }];
}
