import type { Log } from "../../store/ports/log.js";

/**
 * Tells a client that its list of tools is out of date. A client without a list is not told: some hosts would then
 * register every tool twice.
 */
export interface ToolListSignal {
  /** To be called when a list of tools is ready and is the next answer to be sent. */
  listReady(): void;
  /** To be called when the list of tools has changed. */
  listChanged(): void;
}

/** @param send sends the notification */
export function createToolListSignal(send: () => Promise<void>, log: Log): ToolListSignal {
  let hasList = false;
  let isOutdated = false;

  function notify(): void {
    send().catch((error) => log("debug", "notification_lost", { error: String(error) }));
  }

  return {
    listReady() {
      isOutdated = false;
      if (hasList) return;
      // The SDK hands an answer to the transport before the event loop turns.
      setImmediate(() => {
        hasList = true;
        if (isOutdated) notify();
      });
    },
    listChanged() {
      isOutdated = true;
      if (hasList) notify();
    },
  };
}
