import { count, countIs } from "./count.js";
import { ArtifactError } from "./errors.js";
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
    const what = `Offset ${offset} leaves a gap after the stored bytes. Nothing of this chunk was kept.`;
    throw offsetConflict(record, what);
  }
  if (record.size !== null && end > record.size) throw sizeExceeded(record, record.size, end);
  if (record.status !== "open" && end > record.offset) throw closedError(record);
  return { overlap: Math.min(length, record.offset - offset) };
}

function sizeExceeded({ id, status, offset }: SessionRecord, size: number, end: number): ArtifactError {
  const isOpen = status === "open" && offset < size;
  const message = `The chunk would end at byte ${end}, past the declared size of ${count(size, "byte")}. Nothing of the chunk was kept. ${
    isOpen ? `${countIs(size - offset, "byte")} missing from offset ${offset}.` : "All declared bytes are stored."
  }`;
  return new ArtifactError("size_exceeded", message, {
    next: isOpen ? "create_without_size" : "use_published",
    details: { session_id: id, offset, size },
  });
}
