import { storeKey } from "../model/records.js";
import type { ContentStore } from "../ports/content-store.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { StoreIdentity } from "./store-identity.js";

export interface ReadinessDependencies {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly identity: StoreIdentity;
  /** A read that any reader makes first. */
  readonly read: () => Promise<unknown>;
  readonly readOnly: boolean;
}

/**
 * Returns a check that resolves if the store can be read, and written unless it is read-only. It writes nothing. Callers
 * at the same time share one check, so frequent calls cost little.
 *
 * @throws ArtifactError the reason why the store is not ready
 */
export function createReadiness({ metadata, content, identity, read, readOnly }: ReadinessDependencies) {
  let checking: Promise<void> | undefined;

  async function check(): Promise<void> {
    await identity.check();
    await read();
    await content.check(!readOnly);
    if (!readOnly) await takeWriteLock();
  }

  /** Takes the database's lock for writing, with a change that only compares. Its result does not matter. */
  async function takeWriteLock(): Promise<void> {
    const text = await metadata.get(storeKey);
    await metadata.change([{ key: storeKey, old: text, next: text }]);
  }

  return (): Promise<void> => {
    checking ??= check().finally(() => {
      checking = undefined;
    });
    return checking;
  };
}
