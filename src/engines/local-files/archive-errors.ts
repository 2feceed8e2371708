import { ArtifactError, type ErrorCode } from "../../store/model/errors.js";
import { errorCodeOf } from "../engine-error.js";
import { invalidPath } from "./local-file-errors.js";
import { quotePath } from "./quote-path.js";

/** What the errnos mean that stop every file of an export, not only the one that met them. */
const diskProblems: Readonly<Record<string, { readonly code: ErrorCode; readonly problem: string }>> = {
  ENOSPC: { code: "storage_full", problem: "is full. Make room there, then run the same command again: it continues." },
  EDQUOT: {
    code: "storage_full",
    problem: "has no room left for this user (quota). Make room there, then run the same command again: it continues.",
  },
  EROFS: { code: "read_only", problem: "is read-only: give a directory on another disk." },
};

/** A copy of an object whose methods say if the disk of a directory cannot be written to. @param path of the directory */
export function namingDisk<Port extends object>(path: string, port: Port): Port {
  const members = Object.entries(port).map(([name, value]) => {
    if (typeof value !== "function") return [name, value];
    const method = async (...values: unknown[]) => {
      try {
        return await value.apply(port, values);
      } catch (error) {
        throw diskError(path, error) ?? error;
      }
    };
    return [name, method];
  });
  return Object.fromEntries(members) as Port;
}

function diskError(path: string, error: unknown): ArtifactError | undefined {
  const cause = error instanceof ArtifactError ? error.cause : error;
  const found = diskProblems[errorCodeOf(cause) ?? ""];
  if (found === undefined) return undefined;
  const message = `The disk of ${quotePath(path)} ${found.problem}`;
  return new ArtifactError(found.code, message, { details: { disk: path }, cause: error });
}

/** The error of a directory in an export that cannot be listed. */
export function unreadableFolder(path: string, cause: unknown): ArtifactError {
  const message = `The directory ${quotePath(path)} cannot be read (${errorCodeOf(cause)}). Nothing was written: make it readable, or give another directory for the export.`;
  return invalidPath(message, { cause });
}
