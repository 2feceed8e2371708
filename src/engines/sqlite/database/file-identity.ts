import { type BigIntStats, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { codeOf } from "../../engine-error.js";

/** What tells the file at a path from another one that takes its place; undefined if there is none. */
export async function identityOf(path: string): Promise<string | undefined> {
  return stat(path, { bigint: true }).then(identityIn, absent);
}

/** `identityOf`, in the calling thread. */
export function identityOfSync(path: string): string | undefined {
  try {
    return identityIn(statSync(path, { bigint: true }));
  } catch (error) {
    return absent(error);
  }
}

/** Device and inode. A file system without inodes, as on Windows, says 0: there a file is only there or not. */
const identityIn = ({ dev, ino }: BigIntStats): string => (ino === 0n ? "there" : `${dev}:${ino}`);

function absent(error: unknown): undefined {
  const code = codeOf(error);
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
  return undefined;
}
