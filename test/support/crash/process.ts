import { openDataDirectory } from "../../../src/engines/disk/data-directory.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import type { Engines } from "../faults.js";
import { silentLog } from "../silent-log.js";
import { storeOn } from "../stores.js";

export interface ProcessOptions extends Pick<StoreOptions, "keepVersions"> {
  /** Seconds that its clock is ahead. */
  readonly later?: number;
}

/** A process on a data directory, or several of them where `another` is called. */
export interface StoreProcess {
  readonly root: string;
  readonly engines: Engines;
  readonly store: Store;
  signingKey(): Promise<Buffer>;
  /** Another process's store on the same directory, its engines as these are unless given. */
  another(engines?: Engines): Store;
  close(): Promise<void>;
}

export async function openAs(
  root: string,
  { later = 0, ...options }: ProcessOptions = {},
  wrap = (engines: Engines): Engines => engines,
): Promise<StoreProcess> {
  const directory = await openDataDirectory(root, { isNamed: true }, silentLog);
  const engines = wrap(directory);
  const now = (): number => Date.now() + later * 1000;
  const stores: Store[] = [];
  const another = (own = engines): Store => {
    const { metadata, blobs } = own;
    const store = storeOn({ metadata, blobs }, { now, ...options });
    stores.push(store);
    return store;
  };
  return {
    ...{ root, engines, another, store: another(), signingKey: directory.signingKey },
    async close() {
      for (const store of stores) await store.close();
      await directory.close();
    },
  };
}
