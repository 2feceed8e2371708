import { randomBytes } from "node:crypto";
import { link, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { orElse, syncFolder, writeSynced } from "./file-system.js";

const keyBytes = 32;

/**
 * The key that URLs are signed with, made where there is none, and the same for every process from then on.
 *
 * @throws Error where the file is there and holds no key
 */
export async function readSigningKey(root: string): Promise<Buffer> {
  const path = join(root, "signing-key");
  const found = (await readKey(path)) ?? (await makeKey(root, path));
  if (found.length !== keyBytes) throw new Error(`${path} holds no key`);
  return found;
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await orElse(["ENOENT"], () => readFile(path, "utf8"), undefined);
  return text === undefined ? undefined : Buffer.from(text.trim(), "hex");
}

/** Whole under another name first, and then `link`, which never overwrites: of several processes one wins. */
async function makeKey(root: string, path: string): Promise<Buffer> {
  const draft = `${path}-${randomBytes(8).toString("hex")}`;
  await writeSynced(draft, "wx", `${randomBytes(keyBytes).toString("hex")}\n`);
  try {
    await orElse(["EEXIST"], () => link(draft, path), undefined);
  } finally {
    await unlink(draft);
  }
  await syncFolder(root);
  return (await readKey(path)) ?? Buffer.alloc(0);
}
