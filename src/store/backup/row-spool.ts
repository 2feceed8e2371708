import type { BackupFiles } from "../ports/backup-files.js";
import type { MetadataStore, StoredRow } from "../ports/metadata-store.js";
import { spoolName } from "./backup-layout.js";
import { backedUpPrefixes, readRow } from "./backup-records.js";
import { LineWriter, linesIn } from "./line-file.js";

/** Writes the rows down as they are at one moment. It does not look into them, so that the snapshot ends soon. */
export async function writeSpool(metadata: MetadataStore, files: BackupFiles, signal?: AbortSignal): Promise<void> {
  const spool = await LineWriter.create(files);
  try {
    await metadata.snapshot(backedUpPrefixes, async (rows) => {
      signal?.throwIfAborted();
      for (const { key, text } of rows) await spool.add(JSON.stringify([key, text]));
    });
    await spool.commit(() => spoolName);
  } finally {
    await spool.discard();
  }
}

/** The rows that were written down, in pages. */
export async function* rowsInSpool(files: BackupFiles): AsyncGenerator<readonly StoredRow[], void, undefined> {
  for await (const lines of linesIn(files, spoolName)) {
    yield lines.map((line) => {
      const [key, text] = JSON.parse(line) as [string, string];
      return { key, text };
    });
  }
}

/** Bytes of all content that the rows name. */
export async function bytesInSpool(files: BackupFiles): Promise<number> {
  let total = 0;
  for await (const rows of rowsInSpool(files)) {
    for (const row of rows) {
      const found = readRow(row);
      if (found.kind === "artifact") for (const { bytes } of found.row.value.versions) total += bytes;
      if (found.kind === "upload") total += found.row.value.offset;
    }
  }
  return total;
}
