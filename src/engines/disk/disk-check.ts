import { access, constants, statfs } from "node:fs/promises";
import { join } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import type { ContentStore } from "../../store/ports/content-store.js";
import { ignoringErrno } from "../file-system.js";
import { contentFolder } from "./shards.js";

/** With fewer free bytes not even small content can be stored, because the WAL of the database grows with each save. */
const minFreeBytes = 64 * 1024;
const { R_OK, W_OK, X_OK } = constants;

/** Implements `ContentStore.check`. It only asks the system and writes nothing, so anybody may call it. */
export function createDiskCheck(root: string): ContentStore["check"] {
  const content = contentFolder(root);
  return async (isWriting) => {
    const mode = R_OK | X_OK | (isWriting ? W_OK : 0);
    const exists = await ignoringErrno(["ENOENT"], () => access(content, mode).then(() => true), false);
    if (!exists)
      throw new ArtifactError("corrupt", "The folder of the content is missing.", { next: "restore_backup" });
    if (!isWriting) return;
    await access(root, mode);
    await access(join(root, "metadata.sqlite"), R_OK | W_OK);
    const { blocks, bavail, bsize } = await statfs(root);
    // Some file systems do not report their size.
    if (blocks > 0 && bavail * bsize < minFreeBytes) {
      throw Object.assign(new Error(`ENOSPC: only ${bavail * bsize} bytes are free at ${root}`), { code: "ENOSPC" });
    }
  };
}
