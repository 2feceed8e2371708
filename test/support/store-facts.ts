import { createHash } from "node:crypto";
import { type Piece, parseArtifactRow, parseSessionRow } from "../../src/store/model/records.js";
import { isUnfinished } from "../../src/store/model/upload-session.js";
import { openPieces } from "../../src/store/pieces/piece-reader.js";
import { rowsUnder } from "../../src/store/ports/metadata-store.js";
import type { Engines } from "./faults.js";

/**
 * All that a restore has to bring back, by the name of what it is: every fact of each version, upload, last number and
 * bucket, and the digest of the bytes that are really there.
 */
export async function factsIn(engines: Engines): Promise<Record<string, unknown>> {
  const facts: Record<string, unknown> = {};
  for await (const row of rowsUnder(engines.metadata, "", 1_000)) {
    if (row.key.startsWith("artifact\t")) {
      const { bucket, key, last, versions } = parseArtifactRow(row).value;
      facts[`last of ${bucket}/${key}`] = last;
      for (const { session, pieces, ...version } of versions) {
        const found = await digestOfPieces(engines, session, pieces, version.bytes);
        facts[`${bucket}/${key}@${version.version}`] = { ...version, found };
      }
    } else if (row.key.startsWith("session\t")) {
      const { pieces, digest: _, revision: __, ...upload } = { revision: "", ...parseSessionRow(row).value };
      if (!isUnfinished(parseSessionRow(row).value) || !upload.is_listed) continue;
      facts[row.key] = { ...upload, found: await digestOfPieces(engines, upload.id, pieces, upload.offset) };
    } else if (row.key.startsWith("gone\t") || row.key.startsWith("bucket\t")) {
      const { revision: _, ...rest } = JSON.parse(row.text);
      facts[row.key] = rest;
    }
  }
  return facts;
}

async function digestOfPieces(engines: Engines, session: string, pieces: readonly Piece[], bytes: number) {
  const reader = await openPieces(engines, session, pieces);
  if (reader === undefined) return "gone";
  const found = await reader.read(0, bytes).finally(() => reader.close());
  return { bytes: found.length, sha256: createHash("sha256").update(found).digest("hex") };
}
