import { hasExpired } from "../model/expiry.js";
import { dueGraceMs, endedSessionMs, publicationGraceMs, saveGraceMs } from "../model/limits.js";
import type { DueRecord, SessionRecord, Version } from "../model/records.js";
import { isReady, isUnfinished, statusAt } from "../model/upload-session.js";

/**
 * What a sweep does with a session. `publish`: it has all its bytes and was left behind. `abort`: its save has not
 * ended. `expire`: its time is over. `forget`: its end and its expiry time are more than a day ago, so its leftover
 * pieces and its row go. `keep`: nothing.
 */
export type SweepAction = "publish" | "abort" | "expire" | "forget" | "keep";

/**
 * Decides what a sweep does with a session.
 *
 * @param nowSeconds unix seconds
 * @param graceMs replaces the grace periods of `limits.ts`
 */
export function planSweep(record: SessionRecord, nowSeconds: number, graceMs?: number): SweepAction {
  const { is_listed, updated_at, expires_at } = record;
  const isPast = (limitMs: number, since: number): boolean => nowSeconds - since >= (graceMs ?? limitMs) / 1000;
  // Nothing that has all its bytes may expire unpublished.
  if (isReady(record) && is_listed) return isPast(publicationGraceMs, updated_at) ? "publish" : "keep";
  if (isUnfinished(record) && !is_listed) return isPast(saveGraceMs, updated_at) ? "abort" : "keep";
  if (isUnfinished(record)) return statusAt(record, nowSeconds) === "expired" ? "expire" : "keep";
  return isPast(endedSessionMs, Math.max(updated_at, expires_at)) ? "forget" : "keep";
}

/**
 * What a sweep does with a key that an earlier sweep has seen as expired. `free`: the key goes. `forget`: it is not
 * expired, or has changed since, so the row of that sweep goes. `wait`: that sweep was too short ago.
 *
 * @param newest the newest version now; undefined if the key does not exist
 * @param nowSeconds unix seconds
 * @param graceMs replaces `dueGraceMs`
 */
export function planDue(
  due: DueRecord,
  newest: Version | undefined,
  nowSeconds: number,
  graceMs = dueGraceMs,
): "free" | "forget" | "wait" {
  const isSame = newest?.version === due.version && (newest.edit ?? 0) === due.edit;
  // A time to come was written by a wrong clock, and would keep the key for as long as that clock was ahead.
  if (!isSame || !hasExpired(newest, nowSeconds) || due.at > nowSeconds) return "forget";
  return nowSeconds - due.at >= graceMs / 1000 ? "free" : "wait";
}
