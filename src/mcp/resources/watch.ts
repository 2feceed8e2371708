import type { Log } from "../../store/ports/log.js";
import type { Store } from "../../store/store.js";
import { isOwnUri, parseResourceUri } from "./uri.js";

/** Changes by other processes are noticed within this time; the promise is 2 s. */
const pollMs = 500;

export interface WatchEvents {
  /** Artifacts came, went, or have a newer version. */
  onListChanged(): Promise<void>;
  onUpdated(uri: string): Promise<void>;
}

/** Tells one client of changes, whichever process makes them. */
export interface Watch {
  start(): Promise<void>;
  /** @throws McpError InvalidParams where a URI of ours is not valid; what it names need not exist yet */
  subscribe(uri: string): Promise<void>;
  unsubscribe(uri: string): void;
  stop(): void;
}

export function createWatch({ revisions }: Store, events: WatchEvents, log: Log): Watch {
  const subscribed = new Map<string, string>();
  let any: string | undefined;
  /** There is something to compare, whether or not anything has changed since the last look. */
  let isUnseen = true;
  let listing: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function revisionOf(uri: string): Promise<string> {
    const address = parseResourceUri(uri);
    switch (address.kind) {
      case "root":
      case "bucket":
        return revisions.listing();
      case "artifact":
        return revisions.artifact(address.bucket, address.key);
      case "upload":
        return revisions.session(address.id);
    }
  }

  async function look(): Promise<void> {
    const mustCompare = isUnseen;
    isUnseen = false;
    const now = await revisions.any();
    if (now === any && !mustCompare) return;
    any = now;
    const listed = await revisions.listing();
    if (listed !== listing) {
      listing = listed;
      await events.onListChanged();
    }
    for (const [uri, before] of subscribed) {
      const revision = await revisionOf(uri);
      if (revision === before || !subscribed.has(uri)) continue;
      subscribed.set(uri, revision);
      await events.onUpdated(uri);
    }
  }

  function schedule(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      look()
        .catch((error) => {
          if (isStopped) return; // the client has left in the middle of it
          isUnseen = true; // what it has not come to is looked at again
          log("warn", "watch_failed", { error: String(error) });
        })
        .finally(schedule);
    }, pollMs);
    timer.unref();
  }

  return {
    async start() {
      if (timer !== undefined) return;
      try {
        listing = await revisions.listing();
      } finally {
        schedule();
      }
    },
    async subscribe(uri) {
      // What is of another scheme never changes here, so there is nothing to tell of it.
      if (!isOwnUri(uri)) return;
      subscribed.set(uri, await revisionOf(uri));
      isUnseen = true; // a look may have come between the two
    },
    unsubscribe(uri) {
      subscribed.delete(uri);
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
