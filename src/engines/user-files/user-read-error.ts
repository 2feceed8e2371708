import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import { invalidPath, readError } from "../local-files/local-file-errors.js";
import { isOfProcess, problemOf } from "./problem-of.js";
import { ownDirectory } from "./store-directory.js";

/** The error of a path that cannot be read. Whatever the system says about it, it says nothing about the store. */
export function userReadError(path: string, cause: unknown): unknown {
  if (cause instanceof ArtifactError || isOfProcess(cause)) return cause;
  const error = readError(path, cause);
  return error.code === "invalid_argument" ? error : invalidPath(`${quote(path)} cannot be read: ${problemOf(cause)}.`);
}

export function inOwnDirectory(path: string): ArtifactError {
  return invalidPath(`${quote(path)} is in ${ownDirectory}, which is read and written only as artifacts.`);
}
