import { ArtifactError } from "../../store/model/errors.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import { HttpError } from "../message/http-error.js";

/*
 * Rules that tus and Resumable Uploads share. The plain upload protocol does not have them.
 */

/** Refuses an upload that was aborted or has expired: it is no longer a resource. @throws HttpError `gone` */
export function checkNotEnded({ status }: UploadSession): void {
  if (status !== "aborted" && status !== "expired") return;
  throw new HttpError("gone", `This upload is ${status}, and its bytes were deleted: create another upload.`);
}

/**
 * Refuses bytes that do not start exactly at the session's offset. Bytes are never sent twice in these protocols.
 *
 * @throws ArtifactError `offset_conflict`
 * @throws HttpError `gone`
 */
export function checkOffset(session: UploadSession, given: number): void {
  checkNotEnded(session);
  const { id, offset, size } = session;
  if (offset === given) return;
  throw new ArtifactError("offset_conflict", `The offset of this upload is ${offset}, not ${given}.`, {
    next: "continue_at_offset",
    details: { session_id: id, offset, size },
  });
}
