import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ignoringErrno, syncFolder, writeSynced } from "../file-system.js";

const fileName = "signing-key";
const keyBytes = 32;
const wholeLine = /^[0-9a-f]{64}(?=\n)/m;
const begunLine = /^[0-9a-f]{0,64}$/;

/** More than once only if another process dies half-way between our look and our append. */
const maxAttempts = 5;

/**
 * The key that URLs are signed with, made if there is none, and the same for every process from then on.
 *
 * The key is the first whole line of the file. A process that finds none appends one, and the line that comes first
 * wins. Nothing in the file is ever changed, so the key stays. What a process died over is no whole line, and the next
 * process begins a new one. None of this needs hard links.
 *
 * @throws Error if the file holds something else
 */
export async function readSigningKey(root: string): Promise<Buffer> {
  const path = join(root, fileName);
  for (let attempts = 0; attempts < maxAttempts; attempts += 1) {
    const text = await ignoringErrno(["ENOENT"], () => readFile(path, "utf8"), "");
    const [line] = wholeLine.exec(text) ?? [];
    if (line !== undefined) return Buffer.from(line, "hex");
    if (!text.split("\n").every((begun) => begunLine.test(begun))) break;
    await writeSynced(path, "a", `${text === "" ? "" : "\n"}${randomBytes(keyBytes).toString("hex")}\n`);
    await syncFolder(root);
  }
  throw new Error(`${path} holds no key: remove it, and the URLs made with it are void`);
}
