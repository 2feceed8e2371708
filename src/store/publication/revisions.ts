import { artifactKey, changedKey, sessionKey } from "../model/records.js";
import type { MetadataStore } from "../ports/metadata-store.js";

/** Opaque values that differ from an earlier one where the thing has changed, in this process or another. */
export interface Revisions {
  /** Anything at all: the cheap question to ask first. */
  any(): Promise<string>;
  /** Which artifacts there are, in any bucket. */
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
