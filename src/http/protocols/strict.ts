import { ArtifactError } from "../../store/model/errors.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import { HttpError } from "../message/http-error.js";

/*
 * What tus and Resumable Uploads have in common, and the original API has not.
 */

/** An upload that was ended is no resource any more. @throws HttpError `gone` */
export function checkAlive({ status }: UploadSession): void {
  if (status !== "aborted" && status !== "expired") return;
  throw new HttpError("gone", `This upload is ${status}, and its bytes are gone: create another.`);
}

/** Bytes go on exactly where the upload stands: there are no replays. @throws ArtifactError `offset_conflict` */
export function checkOffset(session: UploadSession, given: number): void {
  checkAlive(session);
  const { id, offset, size } = session;
  if (offset === given) return;
  throw new ArtifactError("offset_conflict", `The upload stands at ${offset}, not at ${given}.`, {
    next: "continue_at_offset",
    details: { session_id: id, offset, size },
  });
}
