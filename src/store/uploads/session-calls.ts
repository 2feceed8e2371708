import { publicationWaitMs } from "../model/limits.js";
import type { SessionRecord } from "../model/records.js";
import { withTimeout } from "../with-timeout.js";
import { SessionQueue } from "./session-queue.js";

export interface Waiting {
  /** Throws unless the session as it is can be the answer to a call whose turn has not come. */
  readonly check?: () => Promise<void>;
  /** Called once the call has ended, which may be after its answer. */
  readonly onDone?: (() => void) | undefined;
}

/** After the wait, how often a call looks whether what it waits for is a publication by now. */
const publicationLookMs = 1_000;

/** Runs calls on one session in the order of their arrival. */
export class SessionCalls {
  readonly #queue = new SessionQueue();
  /** Sessions that this process is publishing now, as they were when it began. */
  readonly #publishing = new Map<string, SessionRecord>();

  /** Work whose caller waits for it however long it takes. */
  run<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(id, work);
  }

  /** A caller that waits long for a publication hears of the session as it is. */
  async answer(id: string, work: () => Promise<SessionRecord>, waiting: Waiting = {}): Promise<SessionRecord> {
    let hasBegun = false;
    let refusal: { readonly error: unknown } | undefined;
    const result = this.#queue
      .run(id, async () => {
        hasBegun = true;
        if (refusal !== undefined) throw refusal.error; // what was refused is never done
        return work();
      })
      .finally(waiting.onDone);
    for (let waitMs = publicationWaitMs; ; waitMs = publicationLookMs) {
      const record = await withTimeout(waitMs, result);
      if (record !== undefined) return record;
      const unfinished = this.#publishing.get(id);
      if (unfinished === undefined) continue;
      result.catch(() => undefined); // the row keeps what it came to, for who asks next
      if (hasBegun || waiting.check === undefined) return unfinished;
      const found = await waiting.check().then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (hasBegun) continue; // and what was looked at may be gone by now
      refusal = found;
      if (refusal !== undefined) throw refusal.error;
      return unfinished;
    }
  }

  /** Work of a call that publishes: the others may hear of `record` meanwhile. */
  async publish(record: SessionRecord, work: () => Promise<SessionRecord>): Promise<SessionRecord> {
    this.#publishing.set(record.id, record);
    try {
      return await work();
    } finally {
      this.#publishing.delete(record.id);
    }
  }

  /** Resolves once all calls that have arrived are done. */
  drained(): Promise<void> {
    return this.#queue.drained();
  }
}
