import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** Beside the checkout's files, and not where temporary files lie: that may be memory, where syncing costs nothing. */
const work = fileURLToPath(new URL("../.work/", import.meta.url));

/** Runs `use` with a new folder that is gone afterwards. @template Result @param {(folder: string) => Promise<Result>} use */
export async function workFolder(use) {
  await mkdir(work, { recursive: true });
  const folder = await mkdtemp(work);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
