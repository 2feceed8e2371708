import { ArtifactError } from "../../store/model/errors.js";
import { errorCodeOf } from "../engine-error.js";

const problems: Readonly<Record<string, string>> = {
  ENOENT: "it is not there any more",
  ENOTDIR: "a folder above it is a file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  EPERM: "the system does not permit it",
  EROFS: "the disk is read-only",
  ENAMETOOLONG: "its name is too long for the file system",
  EINVAL: "the file system does not take its name",
  EILSEQ: "the file system does not take its name",
  ELOOP: "it is a symlink in a loop",
  ENXIO: "it is a socket or a device",
  ENODEV: "it is a socket or a device",
  EIO: "the disk failed",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of the disk is used up",
  EFBIG: "the file system takes no file of this size",
};

/** Why a call of the system failed, for the line of one file. */
export function problemOf(error: unknown): string {
  if (error instanceof ArtifactError) return error.message;
  const code = errorCodeOf(error);
  return problems[code ?? ""] ?? `the system says ${code ?? String(error)}`;
}

/** Whether the disk has no more room, so that other files would fail too. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(errorCodeOf(error) ?? "");
}

/** Whether the process itself lacks something, so that the file is not the reason. */
export function isOfProcess(error: unknown): boolean {
  return ["EMFILE", "ENFILE", "ENOMEM", undefined].includes(errorCodeOf(error));
}
