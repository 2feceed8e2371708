import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** A folder of the checkout. The folder for temporary files may be in memory, where a sync costs nothing. */
const work = fileURLToPath(new URL("../.work/", import.meta.url));

/** Runs `use` with a new folder, and removes the folder afterwards. @template Result @param {(folder: string) => Promise<Result>} use */
export async function withWorkFolder(use) {
  await mkdir(work, { recursive: true });
  const folder = await mkdtemp(work);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
