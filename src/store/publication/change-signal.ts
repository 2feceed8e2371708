import { changedKey } from "../model/records.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";

/**
 * Tells watchers in every process that the listing has changed. It is a hint: it is lost if the process dies before it
 * is written.
 */
export interface ChangeSignal {
  /** Writes the signal soon. Returns at once. */
  announce(): void;
  /** Resolves when every announced change was written. */
  close(): Promise<void>;
}

/** The signal is written at most once in this time, in milliseconds, however many changes there are. */
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
