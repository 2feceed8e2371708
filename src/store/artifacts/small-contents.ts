import { type Artifact, sha256Of } from "../model/artifact.js";
import { type Piece, rowPieceName, versionNumbered } from "../model/records.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { Rows } from "../rows.js";

/**
 * The contents of versions that lie in rows, read together. Undefined for one that lies elsewhere, is gone or is damaged:
 * opening it alone says which.
 */
export async function smallContents(
  { rows, metadata }: { readonly rows: Rows; readonly metadata: MetadataStore },
  artifacts: readonly Pick<Artifact, "bucket" | "key" | "version">[],
): Promise<(Uint8Array | undefined)[]> {
  const found = await rows.artifacts(artifacts);
  const pieces = found.map((row, index) => {
    const version = versionNumbered(row?.value.versions ?? [], artifacts[index]?.version);
    const [piece, ...others] = version?.pieces ?? [];
    return version !== undefined && piece?.in_row && others.length === 0 ? { version, piece } : undefined;
  });
  const names = pieces.flatMap((each) => (each === undefined ? [] : [rowPieceName(each.version.session, each.piece)]));
  const contents = names.length === 0 ? [] : await metadata.pieces(names);
  let at = 0;
  return pieces.map((each) => {
    if (each === undefined) return undefined;
    const bytes = firstBytes(contents[at], each.piece);
    at += 1;
    return bytes !== undefined && sha256Of(bytes) === each.version.sha256 ? bytes : undefined;
  });
}

/** The bytes of a piece that count. */
function firstBytes(found: Uint8Array | undefined, { bytes }: Piece): Uint8Array | undefined {
  return found === undefined || found.length < bytes ? undefined : found.subarray(0, bytes);
}
