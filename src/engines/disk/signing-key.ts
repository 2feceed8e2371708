import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ignoringErrno, syncFolder, writeSynced } from "../file-system.js";

const fileName = "signing-key";
const keyBytes = 32;
const wholeLine = /^[0-9a-f]{64}(?=\n)/m;
const partialLine = /^[0-9a-f]{0,64}$/;

/** More than one append is needed only if another process dies while it writes, between our read and our append. */
const maxAttempts = 5;

/**
 * Reads the key that URLs are signed with, and makes it if there is none. From then on every process gets this key.
 *
 * The key is the first whole line of the file. A process that finds no whole line appends one, and the first whole line
 * wins. Nothing in the file is ever changed, so the key stays the same. If a process dies while it writes a line, that
 * line is not whole, and the next process begins a new line. This works without hard links.
 *
 * @throws Error if the file contains something else
 */
export async function readSigningKey(root: string): Promise<Buffer> {
  const path = join(root, fileName);
  for (let attempts = 0; attempts < maxAttempts; attempts += 1) {
    const text = await ignoringErrno(["ENOENT"], () => readFile(path, "utf8"), "");
    const [line] = wholeLine.exec(text) ?? [];
    if (line !== undefined) return Buffer.from(line, "hex");
    if (!text.split("\n").every((part) => partialLine.test(part))) break;
    await writeSynced(path, "a", `${text === "" ? "" : "\n"}${randomBytes(keyBytes).toString("hex")}\n`);
    await syncFolder(root);
  }
  throw new Error(`${path} contains no key: remove it, which makes all signed URLs invalid`);
}
