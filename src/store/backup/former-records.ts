import { ArtifactError } from "../model/errors.js";
import { isBucket } from "../model/names/bucket-name.js";
import { isKey } from "../model/names/key-name.js";
import { partsOf } from "../model/row-keys.js";
import type { BackupFiles } from "../ports/backup-files.js";
import type { StoredRow } from "../ports/metadata-store.js";
import type { BackupManifest } from "./backup-manifest.js";
import { type BackupRecord, goneRecord, rowKeyOf } from "./backup-records.js";
import { checkRecords } from "./check-backup.js";

/** Records of the backup before, by the place of their row. */
export type FormerRecords = ReadonlyMap<string, BackupRecord>;

/** The two rows of a key have one place, because the row of a deleted key takes that of the artifact. */
export const placeOf = (rowKey: string): string => rowKey.replace(/^gone\t/, "artifact\t");

/**
 * What the backup before has of some rows.
 *
 * @param before its manifest. Without one, and if its records are damaged, there are none
 * @param places of the rows that are wanted
 */
export async function formerRecords(
  files: BackupFiles,
  before: BackupManifest | undefined,
  places: ReadonlySet<string>,
): Promise<FormerRecords> {
  const found = new Map<string, BackupRecord>();
  if (before === undefined || places.size === 0) return found;
  try {
    await checkRecords(files, before, async (record) => {
      const place = placeOf(rowKeyOf(record));
      if (places.has(place)) found.set(place, record);
    });
    return found;
  } catch (error) {
    if (error instanceof ArtifactError && error.code === "corrupt") return new Map();
    throw error;
  }
}

/**
 * The record in place of a row that cannot be read: what the backup before has, with the highest number of its key that
 * the record or the row tells. Undefined if nothing is known.
 */
export function recordInPlaceOf(
  { key: rowKey, text }: StoredRow,
  former: BackupRecord | undefined,
): BackupRecord | undefined {
  const [kind, bucket = "", key = ""] = partsOf(rowKey);
  if (kind !== "artifact" && kind !== "gone") return former;
  const last = Math.max(lastIn(text), former === undefined ? 0 : lastOf(former));
  if (kind === "artifact" && former?.kind === "artifact") return { ...former, last };
  if (last === 0 || !isBucket(bucket) || !isKey(key)) return undefined;
  return goneRecord({ bucket, key, last });
}

function lastOf(record: BackupRecord): number {
  if (record.kind === "artifact") return record.last;
  return record.kind === "gone" && "last" in record.facts ? Number(record.facts.last) : 0;
}

/** The last number that the text of a damaged row seems to tell; 0 for none. A number too high does no harm. */
function lastIn(text: string): number {
  const numbers = [...text.matchAll(/"last":(\d+)\b/g)].map(([, digits]) => Number(digits));
  return Math.max(0, ...numbers.filter(Number.isSafeInteger));
}
