import { type BigIntStats, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { errorCodeOf } from "../../engine-error.js";

/** A text that differs if another file takes the place of this one; undefined if no file is at the path. */
export async function identityOf(path: string): Promise<string | undefined> {
  return stat(path, { bigint: true }).then(identityIn, undefinedIfMissing);
}

/** Like `identityOf`, but synchronous. */
export function identityOfSync(path: string): string | undefined {
  try {
    return identityIn(statSync(path, { bigint: true }));
  } catch (error) {
    return undefinedIfMissing(error);
  }
}

/** Device and inode. Without inodes, as on Windows, the inode is 0, and all files have the identity `there`. */
const identityIn = ({ dev, ino }: BigIntStats): string => (ino === 0n ? "there" : `${dev}:${ino}`);

function undefinedIfMissing(error: unknown): undefined {
  const code = errorCodeOf(error);
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
  return undefined;
}
