import type { BackupCounts } from "./backup-manifest.js";
import type { BackupRecord } from "./backup-records.js";

type RecordCounts = Omit<BackupCounts, "contents">;
type Counting = { -readonly [Name in keyof RecordCounts]: number };

export const noCounts = (): Counting => ({ artifacts: 0, versions: 0, gone: 0, unfinished_uploads: 0, buckets: 0 });

/** Adds a record to the counts of a manifest. */
export function countRecord(counts: Counting, record: BackupRecord): void {
  switch (record.kind) {
    case "artifact":
      counts.artifacts += 1;
      counts.versions += record.versions.length;
      return;
    case "upload":
      counts.unfinished_uploads += 1;
      return;
    case "gone":
      counts.gone += 1;
      return;
    case "bucket":
      counts.buckets += 1;
  }
}
