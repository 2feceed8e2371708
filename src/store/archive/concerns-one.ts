import { ArtifactError, isStoreReplaced } from "../model/errors.js";

/** Whether the export or import of other artifacts can go on after an error of one. A full disk would meet them all. */
export function concernsOne(error: unknown): error is ArtifactError {
  if (!(error instanceof ArtifactError) || isStoreReplaced(error)) return false;
  return error.details["disk"] === undefined && error.next !== "make_room" && error.next !== "make_writable";
}
