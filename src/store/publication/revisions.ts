import { changedKey, sessionKey } from "../model/records.js";
import { artifactKey } from "../model/row-keys.js";
import type { MetadataStore } from "../ports/metadata-store.js";

/**
 * Texts to compare, which mean nothing by themselves. If this process or another has changed the thing that a text is
 * for, the text differs from the earlier one.
 */
export interface Revisions {
  /** Differs after any change to the store. It is the cheapest value, so watchers compare it first. */
  any(): Promise<string>;
  /** Differs after a change to the list of artifacts, in any bucket. */
  listing(): Promise<string>;
  artifact(bucket: string, key: string): Promise<string>;
  session(id: string): Promise<string>;
}

export function createRevisions(metadata: MetadataStore): Revisions {
  const textOf = async (key: string): Promise<string> => (await metadata.get(key)) ?? "";
  return {
    any: () => metadata.changeToken(),
    listing: () => textOf(changedKey),
    artifact: (bucket, key) => textOf(artifactKey(bucket, key)),
    session: (id) => textOf(sessionKey(id)),
  };
}
