import type { Log } from "../../store/ports/log.js";
import type { Store } from "../../store/store.js";
import { isOwnUri, parseResourceUri } from "./resource-uri.js";

/** The time between two polls. Clients are promised to hear of a change within 2 s. */
const pollMs = 500;

export interface ResourceEvents {
  /** An artifact was added or deleted, or has a newer version. */
  onListChanged(): Promise<void>;
  onUpdated(uri: string): Promise<void>;
}

/** Tells one client of changes to resources, no matter which process makes them. */
export interface ResourceWatcher {
  start(): Promise<void>;
  /**
   * The resource need not exist yet. A URI with a scheme of another server is accepted and ignored.
   *
   * @throws ProtocolError InvalidParams for an invalid URI of this server
   */
  subscribe(uri: string): Promise<void>;
  unsubscribe(uri: string): void;
  stop(): void;
}

export function createResourceWatcher({ revisions }: Store, events: ResourceEvents, log: Log): ResourceWatcher {
  /** The last known revision of each subscribed URI. */
  const subscribed = new Map<string, string>();
  let any: string | undefined;
  /** The next poll compares every revision, even if the store has not changed since the last poll. */
  let mustCompare = true;
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

  async function poll(): Promise<void> {
    const comparesAll = mustCompare;
    mustCompare = false;
    const now = await revisions.any();
    if (now === any && !comparesAll) return;
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
      poll()
        .catch((error) => {
          if (isStopped) return; // the client left during the poll
          mustCompare = true; // the next poll compares what this one did not reach
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
      // A resource of another scheme never changes here, so there is nothing to tell.
      if (!isOwnUri(uri)) return;
      subscribed.set(uri, await revisionOf(uri));
      mustCompare = true; // a poll may have run while the revision was read
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
