import { randomBytes } from "node:crypto";
import { link, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { orElse, syncFolder, writeSynced } from "./file-system.js";

const name = "signing-key";
const keyBytes = 32;

/**
 * The key that URLs are signed with, made where there is none, and the same for every process from then on.
 *
 * @throws Error where the file is there and holds no key
 */
export async function readSigningKey(root: string): Promise<Buffer> {
  const path = join(root, name);
  const key = (await readKey(path)) ?? (await makeKey(root, path));
  await removeDrafts(root);
  if (key?.length !== keyBytes) throw new Error(`${path} holds no key: remove it, and the URLs made with it are void`);
  return key;
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await orElse(["ENOENT"], () => readFile(path, "utf8"), undefined);
  return text === undefined ? undefined : Buffer.from(text.trim(), "hex");
}

/** Whole under another name first, and then `link`, which never overwrites: of several processes one wins. */
async function makeKey(root: string, path: string): Promise<Buffer | undefined> {
  const draft = `${path}-${randomBytes(8).toString("hex")}`;
  await writeSynced(draft, "wx", `${randomBytes(keyBytes).toString("hex")}\n`);
  // A draft that is gone was removed by somebody who has a key.
  await orElse(["EEXIST", "ENOENT"], () => link(draft, path), undefined);
  await syncFolder(root);
  return readKey(path);
}

/** There is a key, so nobody needs a draft: neither who has just made it, nor who died over theirs. */
async function removeDrafts(root: string): Promise<void> {
  const drafts = (await readdir(root)).filter((entry) => entry.startsWith(`${name}-`));
  for (const draft of drafts) await orElse(["ENOENT"], () => unlink(join(root, draft)), undefined);
}
