import { sha256Of } from "../model/artifact.js";
import { changedKey } from "../model/records.js";
import { artifactKey } from "../model/row-keys.js";
import type { MetadataStore } from "../ports/metadata-store.js";

const pageBuckets = 100;
/** Of all artifacts, also those that have expired and are not freed yet. */
const always = 0;

/**
 * Returns a function that gives a text for the list of artifacts under a bucket prefix. The text differs after an
 * artifact there was added or deleted, or has a newer version. It stays the same whatever happens in other buckets.
 * Unlike in a store without a prefix it stays the same too when only metadata or expiry have changed.
 */
export function listingUnder(metadata: MetadataStore, prefix: string): () => Promise<string> {
  /** The store's own signal when the list was read last. */
  let signal: string | undefined;
  let listing = "";

  async function read(): Promise<string> {
    const facts: string[] = [];
    let after: string | undefined;
    do {
      const page = await metadata.buckets({
        prefix: "",
        now: always,
        limit: pageBuckets,
        after,
        bucket_prefix: prefix,
      });
      for (const { name } of page) {
        // No number of a version is given twice, so the highest one and the number of keys tell every change.
        const { artifacts, last } = await metadata.matching(prefix + name, "", always);
        facts.push(`${artifactKey(name, "")}${artifacts} ${last}`);
      }
      after = page.length < pageBuckets ? undefined : page.at(-1)?.name;
    } while (after !== undefined);
    return sha256Of(facts.join("\n"));
  }

  return async () => {
    const now = (await metadata.get(changedKey)) ?? "";
    if (now !== signal) {
      listing = await read();
      signal = now;
    }
    return listing;
  };
}
