import { openDataDirectory } from "../../../src/engines/data-directory.js";
import type { DerivedStore } from "../../../src/store/ports/derived-store.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import type { Engines } from "../faults.js";
import { silentLog } from "../silent-log.js";
import { storeOn } from "../stores.js";

export interface ProcessOptions extends Pick<StoreOptions, "keepVersions" | "bucketPrefix"> {
  /** The number of seconds that the clock of the process is ahead. */
  readonly later?: number;
  /** Whether the process has run for more than an hour, so that its clock is trusted. */
  readonly isLongRunning?: boolean;
}

/** A process on a data directory. `another` makes further ones on the same directory. */
export interface StoreProcess {
  readonly root: string;
  readonly engines: Engines;
  readonly derived: DerivedStore;
  readonly store: Store;
  signingKey(): Promise<Buffer>;
  /** The store of another process on the same directory. Uses the same engines unless others are given. */
  another(engines?: Engines, derived?: DerivedStore): Store;
  close(): Promise<void>;
}

export async function openAs(
  root: string,
  { later = 0, isLongRunning = false, ...options }: ProcessOptions = {},
  wrap = (engines: Engines): Engines => engines,
  wrapDerived = (derived: DerivedStore): DerivedStore => derived,
): Promise<StoreProcess> {
  const directory = await openDataDirectory(root, { isNamed: true }, silentLog);
  const engines = wrap(directory);
  const derived = wrapDerived(directory.derived);
  let ranMs = 0;
  const now = (): number => Date.now() + later * 1000 + ranMs;
  const monotonicMs = (): number => performance.now() + ranMs;
  const stores: Store[] = [];
  const another = (own = engines, ownDerived = derived): Store => {
    const { metadata, content } = own;
    const store = storeOn({ metadata, content }, { derived: ownDerived, now, monotonicMs, ...options });
    stores.push(store);
    return store;
  };
  const store = another();
  if (isLongRunning) ranMs = 2 * 60 * 60 * 1000;
  return {
    root,
    engines,
    derived,
    another,
    store,
    signingKey: directory.signingKey,
    async close() {
      for (const store of stores) await store.close();
      await directory.close();
    },
  };
}
