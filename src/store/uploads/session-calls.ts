import { publicationWaitMs } from "../model/limits.js";
import type { SessionRecord } from "../model/records.js";
import { withTimeout } from "../with-timeout.js";
import { SessionQueue } from "./session-queue.js";

export interface WaitingCall {
  /**
   * Called before the turn of a call that is to be dropped. Throws if the stored session shows that the answer is an
   * error. Otherwise the session is the answer.
   */
  readonly check: () => Promise<void>;
  /** Runs in place of the work of a dropped call, when the turn of that call comes. */
  readonly onDropped: (answered: SessionRecord) => void;
}

/** After `publicationWaitMs`, a call that still waits checks this often whether a publication is running. */
const publicationCheckMs = 1_000;

/** Runs calls on one session in the order of their arrival. */
export class SessionCalls {
  readonly #queue = new SessionQueue();
  /** Sessions that this process is publishing now, as they were before. */
  readonly #publishing = new Map<string, SessionRecord>();

  /** Runs work in its turn. Its caller waits for it, however long it takes. */
  run<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(id, work);
  }

  /**
   * Runs work and answers its result. If a publication of the session takes longer than `publicationWaitMs`, it answers
   * the session as it was before that publication. A call that waits behind it, and has a `check`, is then dropped: its
   * work never runs. Any other work still runs in its turn, and its result shows in the session's row.
   */
  async answer(id: string, work: () => Promise<SessionRecord>, waiting?: WaitingCall): Promise<SessionRecord> {
    let hasBegun = false;
    let dropped: SessionRecord | undefined;
    const result = this.#queue.run(id, async () => {
      hasBegun = true;
      if (dropped === undefined) return work();
      waiting?.onDropped(dropped);
      return dropped;
    });
    for (let waitMs = publicationWaitMs; ; waitMs = publicationCheckMs) {
      const record = await withTimeout(waitMs, result);
      if (record !== undefined) return record;
      const unfinished = this.#publishing.get(id);
      if (unfinished === undefined) continue;
      result.catch(() => undefined); // nobody waits for it any more
      if (hasBegun || waiting === undefined) return unfinished;
      const refusal = await waiting.check().then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (hasBegun) continue; // the publication has ended, so what the check compared may be out of date
      dropped = unfinished;
      if (refusal !== undefined) throw refusal.error;
      return unfinished;
    }
  }

  /** Runs the publication of a call. While it runs, other calls may be answered with `record`. */
  async publish(record: SessionRecord, work: () => Promise<SessionRecord>): Promise<SessionRecord> {
    this.#publishing.set(record.id, record);
    try {
      return await work();
    } finally {
      this.#publishing.delete(record.id);
    }
  }

  /** Resolves when no call is left. */
  drained(): Promise<void> {
    return this.#queue.drained();
  }
}
