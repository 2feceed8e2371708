import { parseArtifactRow } from "../../src/store/model/records.js";
import { artifactKey } from "../../src/store/model/row-keys.js";
import type { MetadataStore } from "../../src/store/ports/metadata-store.js";

export interface IndexedVersion {
  readonly version?: number;
  readonly mime_type?: string;
  readonly bytes?: number;
  readonly created_at?: number;
  readonly expires_at?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The text of an artifact's row with these versions, newest first. */
export function artifactText(bucket: string, key: string, versions: readonly IndexedVersion[]): string {
  const all = versions.map((given, n) => ({
    version: versions.length - n,
    session: `${bucket}-${key}-${n}`,
    pieces: [],
    mime_type: "text/plain",
    bytes: 100,
    sha256: "0".repeat(64),
    created_at: 1_790_000_000,
    metadata: {},
    ...given,
  }));
  const text = JSON.stringify({ bucket, key, last: all[0]?.version, versions: all, revision: "r" });
  parseArtifactRow({ key: artifactKey(bucket, key), text });
  return text;
}

/** Writes the row of an artifact, as another process might have done; one plain version if none is given. */
export async function setArtifact(
  store: MetadataStore,
  bucket: string,
  key: string,
  ...versions: readonly IndexedVersion[]
): Promise<void> {
  await write(store, artifactKey(bucket, key), artifactText(bucket, key, versions.length === 0 ? [{}] : versions));
}

export async function removeArtifact(store: MetadataStore, bucket: string, key: string): Promise<void> {
  await write(store, artifactKey(bucket, key), undefined);
}

async function write(store: MetadataStore, key: string, next: string | undefined): Promise<void> {
  while (!(await store.change([{ key, old: await store.get(key), next }])));
}
