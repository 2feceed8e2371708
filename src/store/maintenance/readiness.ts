import { storeKey } from "../model/records.js";
import type { ContentStore } from "../ports/content-store.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { StoreIdentity } from "./store-identity.js";

export interface ReadinessDependencies {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly identity: StoreIdentity;
  /** Reads what a reader would read first. */
  readonly read: () => Promise<unknown>;
  readonly readOnly: boolean;
}

/**
 * Resolves if the store can be read, and written unless it is read-only. Nothing is written for it, and those who ask
 * at the same time share one look, so that asking often costs little.
 *
 * @throws ArtifactError what stands in the way
 */
export function createReadiness({ metadata, content, identity, read, readOnly }: ReadinessDependencies) {
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    await identity.check();
    await read();
    await content.check(!readOnly);
    if (!readOnly) await takeLock();
  }

  /** A change that only compares takes the lock for writing, whether the row is the same or not. */
  async function takeLock(): Promise<void> {
    const text = await metadata.get(storeKey);
    await metadata.change([{ key: storeKey, old: text, next: text }]);
  }

  return (): Promise<void> => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
}
