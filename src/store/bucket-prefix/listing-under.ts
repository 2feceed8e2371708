import { sha256Of } from "../model/artifact.js";
import { changedKey } from "../model/records.js";
import { artifactKey } from "../model/row-keys.js";
import type { MetadataStore, RangeOptions, StoredRow } from "../ports/metadata-store.js";

const pageBuckets = 100;
/** Of all artifacts, also those that have expired and are not freed yet. */
const always = 0;

/** Up to this number of artifacts their rows are compared, beyond it the sums of their buckets. */
const mostRows = 200;

/**
 * Returns a function that gives a text for the list of artifacts under a bucket prefix. The text differs after an
 * artifact there was added or deleted, or has a newer version; up to 200 artifacts also after a change of metadata or
 * expiry. It stays the same whatever happens in other buckets.
 *
 * @param rows reads the artifact rows under the prefix, in order
 */
export function listingUnder(
  metadata: MetadataStore,
  prefix: string,
  rows: (options: RangeOptions) => Promise<StoredRow[]>,
): () => Promise<string> {
  /** The store's own signal when the list was read last. */
  let signal: string | undefined;
  let listing = "";

  async function read(): Promise<string> {
    const found = await rows({ limit: mostRows + 1 });
    const facts = found.length > mostRows ? await sums() : found.map(({ text }) => text); // each text has its revision
    return sha256Of(facts.join("\n"));
  }

  async function sums(): Promise<string[]> {
    const facts: string[] = [];
    let after: string | undefined;
    do {
      const options = { prefix: "", now: always, limit: pageBuckets, after, bucket_prefix: prefix };
      const page = await metadata.buckets(options);
      for (const { name } of page) {
        // No number of a version is given twice, so the highest one and the number of keys tell every change.
        const { artifacts, last } = await metadata.matching(prefix + name, "", always);
        facts.push(`${artifactKey(name, "")}${artifacts} ${last}`);
      }
      after = page.length < pageBuckets ? undefined : page.at(-1)?.name;
    } while (after !== undefined);
    return facts;
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
