import { openOrder, openPrefix, type SessionRow, sessionIdIn } from "../model/records.js";
import { isUnfinished, statusAt } from "../model/upload-session.js";
import { rowsUnder } from "../ports/metadata-store.js";
import type { AppenderDependencies } from "./appender.js";

export type IndexDependencies = Pick<AppenderDependencies, "rows" | "metadata" | "clock">;

/** Index rows read at a time. */
const indexRows = 1_000;
/** Sessions read at a time. */
const sessionRows = 20;

/** Which sessions: all, those in one bucket, or those of one key in a bucket. */
export interface SessionScope {
  readonly bucket?: string | undefined;
  /** Needs `bucket`. */
  readonly key?: string | undefined;
  /** `orderOf` the last session of the page before. */
  readonly after?: string | undefined;
}

/**
 * The listed sessions that can be continued or completed, newest first. The cost grows with the number of unfinished
 * sessions in the scope, which is limited, and not with that of all sessions.
 */
export async function* unfinishedSessions(
  { rows, metadata, clock }: IndexDependencies,
  { bucket, key, after = "" }: SessionScope,
): AsyncGenerator<SessionRow, void> {
  const found: string[] = [];
  for await (const row of rowsUnder(metadata, openPrefix(bucket, key), indexRows)) {
    const order = openOrder(row.key);
    if (order > after) found.push(order);
  }
  found.sort();
  for (let at = 0; at < found.length; at += sessionRows) {
    const ids = found.slice(at, at + sessionRows).map(sessionIdIn);
    for (const row of await rows.sessions(ids)) {
      const isExpired = statusAt(row.value, clock.nowSeconds()) === "expired";
      if (row.value.is_listed && isUnfinished(row.value) && !isExpired) yield row;
    }
  }
}

/** The first `limit` entries of a generator. The rest of it does not run. */
export async function firstOf<Item>(items: AsyncGenerator<Item, void>, limit: number): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length >= limit) break;
  }
  return found;
}
