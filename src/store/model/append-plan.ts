import { count, countIs } from "./count.js";
import { ArtifactError, type NextStep } from "./errors.js";
import type { SessionRecord } from "./records.js";
import { closedError, offsetConflict } from "./session-errors.js";

/**
 * Decides what an append of `length` bytes at `offset` does. The first `overlap` bytes are a replay: the caller must
 * compare them with the stored bytes, and they must be equal. The other bytes are new.
 *
 * @throws ArtifactError `offset_conflict`, `size_exceeded`, `session_closed`, `session_expired`
 */
export function planAppend(record: SessionRecord, offset: number, length: number): { overlap: number } {
  if (record.status === "aborted" || record.status === "expired") throw closedError(record);
  const end = offset + length;
  if (offset > record.offset) {
    const what = `Offset ${offset} leaves a gap after the stored bytes. Nothing was changed.`;
    throw offsetConflict(record, what);
  }
  if (record.size !== null && end > record.size) throw sizeExceeded(record, record.size, end);
  if (record.status !== "open" && end > record.offset) throw closedError(record);
  return { overlap: Math.min(length, record.offset - offset) };
}

function sizeExceeded(record: SessionRecord, size: number, end: number): ArtifactError {
  const { id, offset } = record;
  const [state, next] = stateOf(record, size);
  const message = `The chunk would end at byte ${end}, past the declared size of ${count(size, "byte")}. Nothing was changed. ${state}`;
  return new ArtifactError("size_exceeded", message, { next, details: { session_id: id, offset, size } });
}

/** How far an upload of a declared size is, and what can be done about it. */
function stateOf({ status, offset, sha256 }: SessionRecord, size: number): readonly [string, NextStep] {
  if (offset < size) return [`${countIs(size - offset, "byte")} missing from offset ${offset}.`, "create_without_size"];
  if (status === "complete") return ["All declared bytes are stored and published.", "use_published"];
  const unpublished = "All declared bytes are stored, and nothing is published yet.";
  if (status === "conflict") return [unpublished, "resolve_conflict"];
  return [unpublished, sha256 === null ? "wait_for_upload" : "correct_digest"];
}
