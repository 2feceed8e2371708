import type { UploadSession } from "../../store/model/upload-session.js";
import type { Exchange } from "../message/exchange.js";
import { integerField } from "../message/header-fields.js";
import { inconsistentLength } from "./resumable-problems.js";

/**
 * Returns the length of the whole content in bytes, from `Upload-Length` or from a last body of known length. Returns
 * undefined if the request does not tell it.
 *
 * @throws HttpError `invalid_argument` if the two differ
 */
export function totalLengthOf(exchange: Exchange, offset: number, isLast: boolean): number | undefined {
  const declared = integerField(exchange, "Upload-Length");
  const { length } = exchange.body;
  const computed = isLast && length !== undefined ? offset + length : undefined;
  if (declared !== undefined && computed !== undefined && declared !== computed) {
    throw inconsistentLength(declared, computed);
  }
  return declared ?? computed;
}

/**
 * Checks an append against the known size of the upload.
 *
 * @param total length of the whole content that the request tells, if any
 * @param length of the body, if it is known
 * @throws HttpError `invalid_argument`
 */
export function checkTotalLength(session: UploadSession, total: number | undefined, length: number | undefined): void {
  const size = session.size ?? (session.status === "complete" ? session.offset : null);
  if (size === null) return;
  if (total !== undefined && total !== size) throw inconsistentLength(total, size);
  if (length !== undefined && session.offset + length > size) throw inconsistentLength(session.offset + length, size);
}
