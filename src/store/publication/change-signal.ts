import { changedKey } from "../model/records.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";

/** Tells watchers in every process that the listing has changed. A hint: it is lost where the process dies first. */
export interface ChangeSignal {
  /** Returns at once. */
  announce(): void;
  /** Resolves once nothing that was announced is left to write. */
  close(): Promise<void>;
}

/** At most one row is written in this time, however many changes there are. */
const quietMs = 250;

export function createChangeSignal(metadata: MetadataStore, newRevision: () => string, log: Log): ChangeSignal {
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let announced = false;

  function write(): void {
    announced = false;
    const text = JSON.stringify({ revision: newRevision() });
    writing = writing
      .then(() => metadata.put(changedKey, text))
      .catch((error) => log("warn", "change_not_announced", { error: String(error) }));
  }

  return {
    announce() {
      announced = true;
      if (timer !== undefined) return;
      write();
      timer = setTimeout(() => {
        timer = undefined;
        if (announced) this.announce();
      }, quietMs);
      timer.unref();
    },
    async close() {
      clearTimeout(timer);
      timer = undefined;
      if (announced) write();
      await writing;
    },
  };
}
