import type { Log } from "../../store/ports/log.js";

/** Tells a client that its list of tools is out of date: only one that has a list, since hosts register all twice. */
export interface ToolListSignal {
  /** A list is ready, and is the answer that goes out next. */
  answering(): void;
  /** Another list would be answered from now on. */
  changed(): void;
}

/** @param tell sends the notification */
export function createToolListSignal(tell: () => Promise<void>, log: Log): ToolListSignal {
  let isAnswered = false;
  let isOutdated = false;

  function notify(): void {
    tell().catch((error) => log("debug", "notification_lost", { error: String(error) }));
  }

  return {
    answering() {
      isOutdated = false;
      if (isAnswered) return;
      // The SDK hands an answer to the transport before the event loop turns.
      setImmediate(() => {
        isAnswered = true;
        if (isOutdated) notify();
      });
    },
    changed() {
      isOutdated = true;
      if (isAnswered) notify();
    },
  };
}
