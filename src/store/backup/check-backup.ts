import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { forEachOf } from "../for-each-of.js";
import { ArtifactError } from "../model/errors.js";
import type { BackupFiles } from "../ports/backup-files.js";
import { contentName, manifestName } from "./backup-layout.js";
import type { BackupManifest } from "./backup-manifest.js";
import { type BackupRecord, parseRecord } from "./backup-records.js";
import { countRecord, noCounts } from "./count-record.js";
import { linesIn } from "./line-file.js";

/** Records that are worked on at once. A restore of small content makes as many changes in one transaction. */
const width = 16;

/**
 * Checks that the records are those of the manifest, and that the backup has all content that they name, by its size.
 *
 * @throws ArtifactError `corrupt`
 */
export async function checkBackup(files: BackupFiles, manifest: BackupManifest): Promise<void> {
  await checkRecords(files, manifest, async (record) => {
    for (const { sha256, bytes } of contentsOf(record)) {
      const found = await files.bytesOf(contentName(sha256));
      if (found === bytes) continue;
      const what = found === undefined ? "is missing" : `has ${found} bytes in place of ${bytes}`;
      throw damagedBackup(`${contentName(sha256)} ${what}`);
    }
  });
}

/**
 * Checks that the records are those of the manifest.
 *
 * @param visit called with each record, also if a later one is damaged
 * @throws ArtifactError `corrupt`
 */
export async function checkRecords(
  files: BackupFiles,
  { records, counts: { contents: _, ...expected } }: BackupManifest,
  visit: (record: BackupRecord) => Promise<void> = async () => undefined,
): Promise<void> {
  // Before it is read: a file that is not what was written may have any size, and lines of any length.
  if ((await files.bytesOf(records.name)) !== records.bytes) throw damagedRecords(records.name);
  const hash = createHash("sha256");
  const counts = noCounts();
  for await (const lines of linesIn(files, records.name, (block) => hash.update(block))) {
    await forEachOf(lines, width, async (line) => {
      const record = readRecord(line, records.name);
      countRecord(counts, record);
      await visit(record);
    });
  }
  if (hash.digest("hex") !== records.sha256) throw damagedRecords(records.name);
  if (!isDeepStrictEqual(counts, expected)) throw damagedBackup(`it has other records than ${manifestName} says`);
}

/** The content that a record names. */
export function contentsOf(record: BackupRecord): readonly { readonly sha256: string; readonly bytes: number }[] {
  if (record.kind === "artifact") return record.versions;
  if (record.kind !== "upload" || record.stored_sha256 === null) return [];
  return [{ sha256: record.stored_sha256, bytes: record.offset }];
}

function readRecord(line: string, name: string): BackupRecord {
  try {
    return parseRecord(line);
  } catch (cause) {
    throw damagedBackup(`a line of ${name} is no record that this version of the program knows`, cause);
  }
}

const damagedRecords = (name: string): ArtifactError => damagedBackup(`${name} is missing, or not what was written`);

function damagedBackup(what: string, cause?: unknown): ArtifactError {
  return new ArtifactError(
    "corrupt",
    `The backup is damaged: ${what}. Run backup again with --check, or use another backup.`,
    { cause },
  );
}
