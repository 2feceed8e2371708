import { prefixedMetadata } from "../../src/store/bucket-prefix/prefixed-metadata.js";
import type { MetadataStore } from "../../src/store/ports/metadata-store.js";
import { setArtifact } from "./index-rows.js";

/** A prefix that another one begins with, and that another bucket is named like. */
export const prefix = "a-b-";

/** Buckets beside those with the prefix, which its clients must not see: each is near to it in some order. */
export const neighbours: readonly string[] = [
  "a-b",
  "a-b-",
  "a-b-.b",
  "a-a-b",
  "a-b.b",
  "a-b_b",
  "a-ba",
  "a-c-b",
  "A-B-b",
  "a",
  "b",
  "models",
  "Reports",
  "z",
];

/** A text that is in every name and every content of the neighbours. */
export const secret = "secretofothers";

/** The rows that clients with the bucket prefix see, in a store that has artifacts of others too. */
export async function amongNeighbours(store: MetadataStore): Promise<MetadataStore> {
  for (const bucket of neighbours) {
    for (const key of ["k", "march.bin", `${secret}/k`]) {
      const facts = { metadata: { run: "17", [secret]: secret }, created_at: 10, bytes: 1 };
      await setArtifact(store, bucket, key, facts);
      await setArtifact(store, bucket, `${key}-due`, { ...facts, expires_at: 1 });
    }
  }
  const { checkIndex, rebuildIndex } = store;
  return { ...prefixedMetadata(store, prefix), checkIndex, rebuildIndex };
}
